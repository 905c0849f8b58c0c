"""Ask the teacher and its challenger for the same items, and compare what of it would make a row -> comparison.json."""

import argparse
import json
from pathlib import Path

from primum.config import project_root
from primum.corpora.compare import compare_items, comparison, judge_teacher
from primum.corpora.settings import CorpusJob
from primum.errors import run_cli
from primum.files import write_json
from primum.strict import parse
from primum.teachers.client import TeacherClient


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=json.loads, required=True, help="JSON: see primum.corpora.settings.CorpusJob")
    parser.add_argument("--ledgers", type=Path, required=True, help="folder of the teachers' ledgers")
    parser.add_argument("--output", type=Path, required=True, help="comparison.json")
    args = parser.parse_args()
    job = parse(CorpusJob, args.config, "compare_teachers --config")
    task, items, checks = job.parts(project_root())
    asked = compare_items(job, items)
    judged = {}
    for name in filter(None, (job.corpus.teacher, job.corpus.challenger)):
        with TeacherClient(name, job.teachers[name], job.revisions[name], args.ledgers / f"{name}.jsonl") as client:
            judged[name] = judge_teacher(client, asked, items, task, checks)
    result = comparison(job, judged)
    write_json(args.output, result)
    print(result["difference"]["in_words"] if result["difference"] else f"{job.study}: no challenger to compare with")


if __name__ == "__main__":
    run_cli(main)

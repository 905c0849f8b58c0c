"""Have a teacher write a study's corpus, filter it, and go on until every quota is full -> rows, rejected, counts."""

import argparse
import json
from pathlib import Path

from primum.config import project_root
from primum.corpora.generate import describe, generate
from primum.corpora.settings import CorpusJob
from primum.errors import run_cli
from primum.files import write_json, write_jsonl
from primum.strict import parse
from primum.teachers.client import TeacherClient


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=json.loads, required=True, help="JSON: see primum.corpora.settings.CorpusJob")
    parser.add_argument(
        "--ledger", type=Path, required=True, help="every reply of this teacher; what it holds is not asked again"
    )
    parser.add_argument(
        "--output", type=Path, required=True, help="folder of rows.jsonl, rejected.jsonl, generation.json"
    )
    args = parser.parse_args()
    job = parse(CorpusJob, args.config, "generate_corpus --config")
    task, items, checks = job.parts(project_root())
    name = job.corpus.teacher
    with TeacherClient(name, job.teachers[name], job.revisions[name], args.ledger) as client:
        made = generate(job.corpus, name, client, items, task, checks)
    write_jsonl(args.output / "rows.jsonl", made.rows)
    write_jsonl(args.output / "rejected.jsonl", made.rejected)
    summary = describe(job, made, args.output)
    write_json(args.output / "generation.json", summary)
    total = summary["total"]
    print(
        f"{job.study}: {name} wrote {total['kept']} rows with {total['asked']} requests; {total['rejected']} "
        f"rejected, {total['surplus']} to spare"
    )


if __name__ == "__main__":
    run_cli(main)

"""What a corpus's generation came to -> DATA_GENERATION_REPORT.md."""

import argparse
import json
from pathlib import Path

from primum.corpora.report import generation_report
from primum.corpora.settings import CorpusJob
from primum.errors import run_cli
from primum.files import read_json, read_jsonl, write_text
from primum.strict import parse


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=json.loads, required=True, help="JSON: see primum.corpora.settings.CorpusJob")
    parser.add_argument("--corpus", type=Path, required=True, help="folder of the corpus")
    parser.add_argument("--data", type=Path, required=True, help="folder of splits.json and rewards_check.json")
    parser.add_argument("--output", type=Path, required=True, help="DATA_GENERATION_REPORT.md")
    args = parser.parse_args()
    job = parse(CorpusJob, args.config, "report_corpus --config")
    read = {name: read_json(args.corpus / f"{name}.json") for name in ("generation", "comparison")}
    read |= {name: read_json(args.data / f"{name}.json") for name in ("splits", "rewards_check")}
    rows, rejected = (read_jsonl(args.corpus / f"{name}.jsonl") for name in ("rows", "rejected"))
    write_text(args.output, generation_report(job, rows, rejected, **read))
    print(f"{job.study}: wrote {args.output.name}")


if __name__ == "__main__":
    run_cli(main)

"""A corpus's rows -> ShareGPT files, Croissant metadata and DATA_SCHEMA.md."""

import argparse
import json
from pathlib import Path

from primum.config import project_root
from primum.corpora.chats import write_chats
from primum.corpora.croissant import croissant
from primum.corpora.schema_document import schema_document
from primum.corpora.settings import CorpusJob
from primum.errors import run_cli
from primum.files import read_jsonl, write_json, write_text
from primum.strict import parse


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=json.loads, required=True, help="JSON: see primum.corpora.settings.CorpusJob")
    parser.add_argument("--rows", type=Path, required=True, help="rows.jsonl of the corpus")
    parser.add_argument("--output", type=Path, required=True, help="folder of the files")
    args = parser.parse_args()
    job = parse(CorpusJob, args.config, "write_corpus --config")
    task, _, _ = job.parts(project_root())
    rows = read_jsonl(args.rows)
    written = write_chats(job, rows, task, args.output)
    write_json(args.output / "croissant.json", croissant(job, args.output))
    write_text(args.output / "DATA_SCHEMA.md", schema_document(job, rows, task))
    print(f"{job.study}: " + ", ".join(f"{name} {count}" for name, count in written.items()))


if __name__ == "__main__":
    run_cli(main)

"""Fine-tune a LoRA on a few rows and any causal-LM folder -> adapter/, README.md (its card) and provenance.json."""

import argparse
from pathlib import Path

from primum.config import project_root
from primum.errors import run_cli
from primum.strict import parse
from primum.training.finetune import DATASET, Finetuning, finetune


def main() -> None:
    known = {name: field.default for name, field in Finetuning.model_fields.items()}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", type=Path, required=True, help="folder of a model, a GGUF file, or a prepared base")
    parser.add_argument("--output", type=Path, required=True, help="folder to make")
    parser.add_argument("--dataset", default=DATASET, help=f"id in config/datasets.tsv (default: {DATASET})")
    parser.add_argument(
        "--data",
        type=Path,
        help='JSON lines of {"prompt", "completion"} or {"messages"} (default: the dataset\'s file)',
    )
    for name, default in known.items():
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, dest=name, type=type(default), default=default, help=f"default: {default}")
    args = parser.parse_args()
    job = parse(Finetuning, {name: getattr(args, name) for name in known}, "finetune")
    record = finetune(project_root(), args.base, args.output, job, args.dataset, args.data)
    before, after = record["loss"]["before"], record["loss"]["after"]
    told = "loss on the rows" if after < before else "The loss did not fall on the rows"
    print(f"{args.output}: {told} {before:.4f} -> {after:.4f} ({record['dataset']['rows']} rows, {job.steps} steps)")


if __name__ == "__main__":
    run_cli(main)

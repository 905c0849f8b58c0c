"""What the programs of a study's stages need of a TPU chip, compiled for v5e chips on any host."""

import argparse
import warnings
from pathlib import Path

from primum.errors import UserError, run_cli
from primum.files import read_json
from primum.plan import Plan
from primum.settings import read_yaml
from primum.training.tpu_memory import memory_rows

# config.json of google/gemma-3-1b-it (gated), as far as shapes go; published with the model.
GEMMA_3_1B = {
    "model_type": "gemma3_text",
    "vocab_size": 262144,
    "hidden_size": 1152,
    "intermediate_size": 6912,
    "num_hidden_layers": 26,
    "num_attention_heads": 4,
    "num_key_value_heads": 1,
    "head_dim": 256,
    "sliding_window": 512,
    "rms_norm_eps": 1e-6,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", default="dipg")
    parser.add_argument("--stages", nargs="*", default=["sft", "soft-300"], help="stages whose shapes to compile")
    parser.add_argument("--base", type=Path, help="config.json of another base")
    args = parser.parse_args()
    warnings.filterwarnings("ignore")
    values = read_yaml(Path("config/config.yaml")) | {"scale": "full", "studies": [args.study]}
    study = Plan(Path("."), values).studies[args.study]
    config = read_json(args.base) if args.base else GEMMA_3_1B
    over = []
    print(f"{'stage':12}{'program':12}{'kept':>8}{'running':>9}{'total':>8}  of 16 GiB a chip", flush=True)
    for row in memory_rows(config, study.lora, study.mesh, {name: study.stages[name] for name in args.stages}):
        kept, running, total = (row[key] / 2**30 for key in ("arguments", "temporary", "total"))
        print(f"{row['stage']:12}{row['program']:12}{kept:8.2f}{running:9.2f}{total:8.2f}", flush=True)
        over += [f"{row['stage']} {row['program']}"] if row["total"] > row["limit"] else []
    if over:
        raise UserError(f"{', '.join(over)}: more than a chip has.", "Lower per_device_train_batch_size or lengths.")


if __name__ == "__main__":
    run_cli(main)

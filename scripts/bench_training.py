"""SFT tokens/s and GRPO steps/s, side by side with TRL's defaults on the same work (part of `make bench`)."""

import argparse
import shutil
import tempfile
from pathlib import Path

from primum.errors import UserError, run_cli
from primum.files import read_json
from primum.plan import Plan
from primum.settings import read_yaml
from primum.strict import parse
from primum.training.base import TrainJob
from primum.training.bench import compare, tokens_a_step, work
from primum.training.loading import use_threads


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", default="medmcqa")
    parser.add_argument("--scale", default="tiny")
    parser.add_argument("--steps", type=int, nargs=2, default=(30, 5), help="steps to time, of SFT and of GRPO")
    parser.add_argument("--rounds", type=int, default=2, help="each variant's best of so many")
    args = parser.parse_args()
    root = Path(".")
    overrides = {"studies": [args.study], "scale": args.scale}
    plan = Plan(root, read_yaml(root / "config" / "config.yaml") | overrides)
    base_file = root / plan.base_file(args.study)
    stages = [
        (plan.first_of(args.study, "sft"), "SFT", "tokens/s"),
        (plan.first_of(args.study, "grpo"), "GRPO", "steps/s"),
    ]
    scratch = Path(tempfile.mkdtemp(prefix="primum-bench-"))
    print(f"{'':6}{'':34}{'rate':>10}  {'unit':10}{'against TRL':>12}")
    try:
        for (stage, method, unit), steps in zip(stages, args.steps, strict=True):
            job = parse(TrainJob, read_job(plan, args.study, stage), "bench")
            use_threads(job.threads)
            parent = (
                None if job.stage.parent == "base" else root / plan.stage_folder(args.study, job.stage.parent, job.seed)
            )
            data = root / plan.split_file(args.study, job.stage.split)
            for needed in (base_file, data, *([parent / "checkpoint.json"] if parent else [])):
                if not needed.is_file():
                    raise UserError(f"{needed} is not there to be timed.", "Run 'make reproduce' first.")
            task = work(job, root, read_json(base_file), data, parent, scratch / method)
            rates = compare(task, steps, args.rounds)
            scale = tokens_a_step(task) if method == "SFT" else 1.0
            for name, rate in rates.items():
                against = rate / rates["TRL's defaults"]
                print(f"{method:6}{name:34}{rate * scale:10.2f}  {unit:10}{against:11.2f}x", flush=True)
    finally:
        shutil.rmtree(scratch)


def read_job(plan: Plan, study: str, stage: str) -> dict:
    """The job as the rule would give it, for the first seed."""
    import json

    return json.loads(plan.train_config(study, stage, str(min(plan.seeds(stage)))))


if __name__ == "__main__":
    run_cli(main)

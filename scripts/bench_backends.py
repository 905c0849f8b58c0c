"""Both backends on the same SFT and GRPO work: seconds until the first step and a step (part of `make bench`)."""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from primum.errors import UserError, run_cli
from primum.files import read_json
from primum.plan import Plan
from primum.settings import read_yaml
from primum.strict import parse
from primum.training.base import TrainJob
from primum.training.bench import work
from primum.training.bench_backends import measure, table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", default="medmcqa")
    parser.add_argument("--steps", type=int, nargs=2, default=(20, 8), help="steps to time, of SFT and of GRPO")
    parser.add_argument("--pythons", nargs=2, default=(".venv-test/bin/python", ".venv-test-tunix/bin/python"))
    parser.add_argument("--backend", choices=("trl", "tunix"), help="measure this one in this process, print JSON")
    parser.add_argument("--cache", type=Path, help="JAX's compiled programs")
    parser.add_argument("--began", type=float, help="when the process was started")
    args = parser.parse_args()
    root = Path(".")
    plan = Plan(root, read_yaml(root / "config" / "config.yaml") | {"studies": [args.study], "scale": "tiny"})
    if args.backend:
        print(json.dumps(one(plan, root, args)))
        return
    trl, tunix = args.pythons
    with tempfile.TemporaryDirectory(prefix="primum-jax-") as cache:
        runs = {"trl": (trl, "trl"), "tunix, cold": (tunix, "tunix"), "tunix, warm": (tunix, "tunix")}
        found = {run: child(python, backend, Path(cache)) for run, (python, backend) in runs.items()}
    print("\n".join(table(found)))


def child(python: str, backend: str, cache: Path) -> dict[str, float]:
    """Measure in a process of the backend's own environment; the arguments are this process's."""
    line = [python, *sys.argv, "--backend", backend, "--cache", str(cache), "--began", str(time.time())]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(f"{backend}: {done.stderr.strip().splitlines()[-1:]}", "Run 'make reproduce' first.")
    return json.loads(done.stdout.strip().splitlines()[-1])


def one(plan: Plan, root: Path, args: argparse.Namespace) -> dict[str, float]:
    """Both methods by one backend; SFT from the base, GRPO from the study's own SFT."""
    found = {"start of the process, s": time.time() - args.began}
    for (method, stage), steps in zip(plan.parity_stages(args.study).items(), args.steps, strict=True):
        values = json.loads(plan.train_config(args.study, stage, str(min(plan.seeds(stage)))))
        job = parse(TrainJob, values | {"backend": args.backend}, "bench")
        own = job.stage.parent != "base"
        parent = root / plan.stage_folder(args.study, job.stage.parent, job.seed) if own else None
        data = root / plan.split_file(args.study, job.stage.split)
        with tempfile.TemporaryDirectory(prefix="primum-bench-") as scratch:
            base = read_json(root / plan.base_file(args.study))
            took = measure(work(job, root, base, data, parent, Path(scratch)), steps, args.cache)
        names = {"first": "until the first step, s", "step": "a step, s", "cpu": "a step, CPU s", "tokens": "tokens/s"}
        found |= {f"{method.upper()}: {names[key]}": value for key, value in took.items() if key in names}
    return found


if __name__ == "__main__":
    run_cli(main)

"""Runs the real Snakemake on the project, or on a copy of it in which a test may change things."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from primum.config import project_root

ROOT = project_root()
GRPO_STAGES = ("soft-300", "medium-600", "soft-900", "soft-1200", "flat-soft", "flat-medium", "repaired")
# The study dipg with few rows and steps: everything runs, little is learned. At temperature 1 the base's completions
# differ in format, and so in reward; there is no warm-up, whose first step moves nothing.
SHORT_DIPG = {
    "corpus": {"sizes": {"sft": 60, "grpo": 30, "dev": 20, "eval": 30}, "comparison_items": 50},
    "stages": {"sft": {"max_steps": 24}} | {name: {"max_steps": 2, "warmup_ratio": 0.0} for name in GRPO_STAGES},
    "guards": {"min_sampled_schema_rate": 0.0, "sampled_prompts": 4},
    "evaluation": {"max_new_tokens": 24},
}


def project_copy(folder: Path) -> Path:
    """Every file of the project that git knows or would add, copied to ``folder``."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        source, target = ROOT / name, folder / name
        if source.exists() or source.is_symlink():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)
    return folder


def snakemake(
    folder: Path, *arguments: str, overrides: dict | None = None, timeout: float = 1200
) -> subprocess.CompletedProcess[str]:
    """Run Snakemake in ``folder``; environments are built once, under the project's own ``.snakemake``."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SNAKEMAKE")}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    config = ["--config", f"overrides={json.dumps(overrides)}"] if overrides else []
    command = [sys.executable, "-m", "snakemake", *arguments, *config]
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def planned(done: subprocess.CompletedProcess[str]) -> dict[str, int]:
    """``{rule: jobs}`` of a dry run; empty when there is nothing to do."""
    text = done.stdout + done.stderr
    assert done.returncode == 0, text[-3000:]
    table = re.search(r"^job +count\n-[- ]+\n(.*?)^total", text, flags=re.M | re.S)
    if not table:
        assert "Nothing to be done" in text, text[-3000:]
        return {}
    return {line.split()[0]: int(line.split()[-1]) for line in table.group(1).splitlines() if line.strip()}

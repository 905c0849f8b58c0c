"""The profile tpu's rules on eight virtual devices: corpus, SFT, a block of GRPO, and predictions by Tunix' sampler."""

from __future__ import annotations

from pathlib import Path

from primum.files import read_json, read_jsonl
from tests.workflow_tools import ROOT, SHORT_DIPG, project_copy, snakemake

STUDY = Path("results/tiny/dipg")


def test_the_study_runs_on_eight_virtual_devices(tmp_path: Path) -> None:
    folder = project_copy(tmp_path / "project")
    scores = STUDY / "eval/tunix/soft-300/seed0/dev/scores.jsonl"
    prefix = str(ROOT / ".snakemake" / "conda")
    done = snakemake(
        folder, "--profile", "tpu-sim", "--conda-prefix", prefix, str(scores), overrides={"dipg": SHORT_DIPG}
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    for stage in ("sft", "soft-300"):
        checkpoint = read_json(folder / STUDY / "models/tunix" / stage / "seed0/checkpoint.json")
        assert checkpoint["config"]["mesh"] == {"fsdp": 8, "tp": 1}
    assert len(read_jsonl(folder / scores)) == SHORT_DIPG["corpus"]["sizes"]["dev"]

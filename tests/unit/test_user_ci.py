"""The GitHub Actions workflow for users: what it runs and may do, and what its linters say of it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from primum.config import project_root
from primum.plan import Plan
from primum.settings import read_yaml

ROOT = project_root()
WORKFLOW = ROOT / ".github" / "workflows" / "primum.yml"
ZIZMOR = Path(sys.executable).with_name("zizmor")


@pytest.fixture(scope="module")
def workflow() -> dict[str, Any]:
    """Its content; 'on' is a truth value in YAML 1.1, and read as text here."""
    return yaml.load(WORKFLOW.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)


def steps(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def test_it_runs_on_pushes_and_requests_and_may_only_read(workflow: dict[str, Any]) -> None:
    assert set(workflow["on"]) == {"push", "pull_request"}
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["concurrency"]["cancel-in-progress"] == "true"
    for name, job in workflow["jobs"].items():
        assert "permissions" not in job and int(job["timeout-minutes"]) <= 90, name
    text = WORKFLOW.read_text(encoding="utf-8")
    assert not re.search(r"secrets\.|: write|twine|gh release|action-gh-release|huggingface-cli|hf upload", text)


def test_actions_are_pinned_to_commits_and_keep_no_credentials(workflow: dict[str, Any]) -> None:
    used = re.findall(r"uses: *(.*)", WORKFLOW.read_text(encoding="utf-8"))
    assert len(used) == sum("uses" in step for step in steps(workflow)) > 0
    versions: dict[str, set[str]] = {}
    for line in used:
        match = re.fullmatch(r"(actions/[a-z-]+)@([0-9a-f]{40} # v\d+\.\d+\.\d+)", line)
        assert match, line
        versions.setdefault(match[1], set()).add(match[2])
    assert all(len(found) == 1 for found in versions.values()), "one version of an action"
    checkouts = [step for step in steps(workflow) if step.get("uses", "").startswith("actions/checkout@")]
    assert len(checkouts) == len(workflow["jobs"])
    assert all(step["with"]["persist-credentials"] == "false" for step in checkouts)


def test_it_calls_what_the_project_has(workflow: dict[str, Any]) -> None:
    called = [step["run"] for step in steps(workflow) if "run" in step]
    assert called == ["make test", "make reproduce"]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for command in called:
        assert re.search(rf"^{command.removeprefix('make ')}:", makefile, re.M), command
    pythons = {step["with"]["python-version"] for step in steps(workflow) if "setup-python" in step.get("uses", "")}
    assert pythons == {"3.11"}
    plan = Plan(ROOT, read_yaml(ROOT / "config" / "config.yaml"))
    made = {*map(str, plan.published()), f"results/{plan.config.scale}/manifest.json"}
    kept = next(step["with"] for step in steps(workflow) if "upload-artifact" in step.get("uses", ""))
    assert kept["if-no-files-found"] == "error" and len(kept["path"].split()) == 3
    assert set(kept["path"].split()) <= made


def zizmor(path: Path) -> subprocess.CompletedProcess[str]:
    command = [ZIZMOR, "--offline", "--no-progress", "--persona", "pedantic", path]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_zizmor_finds_nothing_and_would(tmp_path: Path) -> None:
    done = zizmor(WORKFLOW)
    assert done.returncode == 0 and "No findings" in done.stdout, done.stdout + done.stderr
    text = WORKFLOW.read_text(encoding="utf-8")
    for number, (old, new, told) in enumerate(
        [
            ("        with:\n          persist-credentials: false\n", "", "artipacked"),
            ("contents: read", "contents: write", "excessive-permissions"),
            ("run: make test", "run: make test ${{ github.head_ref }}", "template-injection"),
        ]
    ):
        spoilt = tmp_path / f"{number}.yml"
        spoilt.write_text(text.replace(old, new), encoding="utf-8")
        done = zizmor(spoilt)
        assert done.returncode != 0 and told in done.stdout, told


def test_actionlint_finds_nothing() -> None:
    """Its package downloads a program when it is installed, so it is no pin; where somebody has it, it is asked."""
    found = shutil.which("actionlint")
    if found is None:
        pytest.skip("actionlint is not on this machine")
    done = subprocess.run([found, "-no-color", WORKFLOW], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout

"""What is tested here runs with what the teachers' jobs run with."""

from __future__ import annotations

from importlib.metadata import version

import yaml

from primum.config import project_root


def test_the_tests_run_with_what_the_jobs_run_with() -> None:
    written = yaml.safe_load((project_root() / "envs" / "teacher.yaml").read_text(encoding="utf-8"))
    pins = next(entry["pip"] for entry in written["dependencies"] if isinstance(entry, dict))
    assert len(pins) > 40
    for pin in pins:
        name, _, pinned = pin.partition("==")
        assert version(name) == pinned, name

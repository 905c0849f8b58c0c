"""The tests run with what the jobs run with."""

from __future__ import annotations

from importlib.metadata import version

from tests.workflow.test_environments import ROOT, pins


def test_every_pin_of_the_environment_is_installed() -> None:
    for file in ("envs/tunix.yaml", "requirements-pytest-tunix.txt"):
        for name, pinned in pins(ROOT / file).items():
            assert version(name).split("+")[0] == pinned, name


def test_tunix_and_jax_are_those_that_were_measured() -> None:
    assert version("google-tunix") == "0.1.7"
    assert version("jax") == "0.10.2"

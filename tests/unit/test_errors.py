"""Errors a user can cause: one line, exit code 2, whatever happens at shutdown."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from primum.config import project_root

SCRIPT = """
import atexit, os, sys
from primum.errors import UserError, run_cli
atexit.register(os.abort)  # as a library's thread does at shutdown
def main():
    print("worked")
    if sys.argv[1] == "user":
        raise UserError("The row\\n'x' is bad.", "Mend it.")
    if sys.argv[1] == "bug":
        raise RuntimeError("ours")
run_cli(main)
"""


def run(kind: str, **environment: str) -> subprocess.CompletedProcess[str]:
    settings = os.environ | {"PYTHONPATH": str(project_root() / "src")} | environment
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, kind], env=settings, capture_output=True, text=True, check=False
    )


def test_success_and_a_users_mistake_keep_their_exit_codes(tmp_path: Path) -> None:
    assert (run("fine").returncode, run("fine").stdout) == (0, "worked\n")
    errors = tmp_path / "errors"
    done = run("user", PRIMUM_ERRORS=str(errors))
    assert done.returncode == 2 and done.stdout == "worked\n"
    assert done.stderr == "primum: The row 'x' is bad. Remedy: Mend it.\n" == errors.read_text()


def test_a_bug_is_not_dressed_up_as_a_users_mistake() -> None:
    done = run("bug")
    assert done.returncode not in (0, 2) and "RuntimeError: ours" in done.stderr

"""What one call of the workflow sets up around its jobs, and how it ends when a user's mistake stopped it."""

from __future__ import annotations

import atexit
import os
import sys
from pathlib import Path

from primum.errors import ERRORS_VARIABLE, EXIT_USER_ERROR, leave
from primum.provenance.seals import check_seals, seal


def begin(root: Path) -> None:
    """Offer ``bin/conda`` behind a real conda, and let jobs leave their one-line errors in a file of this session.

    Raises:
        UserError: if a result was changed by hand since the last call.
    """
    if ERRORS_VARIABLE not in os.environ:  # the call itself, and none of the processes that it starts
        check_seals(Path())
    os.environ["PATH"] += f"{os.pathsep}{root / 'bin'}"  # last: a real conda is found first
    folder = Path(".primum")
    folder.mkdir(exist_ok=True)
    os.environ.setdefault(ERRORS_VARIABLE, str(folder.resolve() / f"errors-{os.getpid()}"))


def close() -> None:
    """At the end of a workflow, whole or not: note what its jobs left."""
    seal(Path())


def close_with_errors() -> None:
    """At the end of a failed workflow: say the user's errors once more, last, and make the exit code 2."""
    close()
    path = Path(os.environ[ERRORS_VARIABLE])
    if not path.is_file():
        return
    lines = path.read_text(encoding="utf-8")
    path.unlink()

    def say_last() -> None:  # at exit, when Snakemake has released its lock and written its own report
        sys.stderr.write(lines)
        leave(EXIT_USER_ERROR)

    atexit.register(say_last)

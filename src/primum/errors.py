"""Errors a user can cause, and the one place that turns them into an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import NoReturn

EXIT_USER_ERROR = 2
ERRORS_VARIABLE = "PRIMUM_ERRORS"


class UserError(Exception):
    """A mistake in the user's input, told in one line with its remedy.

    Args:
        message: what is wrong, naming the key, file or row.
        remedy: what to do about it.
    """

    def __init__(self, message: str, remedy: str) -> None:
        self.message = " ".join(str(message).split())
        self.remedy = " ".join(str(remedy).split())
        super().__init__(f"{self.message} Remedy: {self.remedy}")


def report(error: UserError) -> None:
    """Write one line to stderr: ``primum: <message> Remedy: <remedy>``."""
    print(f"primum: {error}", file=sys.stderr, flush=True)


def leave(code: int) -> NoReturn:
    """Leave at once with ``code``, output flushed.

    Past this point nothing needs cleaning up, and nobody else may change the exit code: not Snakemake, which turns
    every exception of a Snakefile into its own traceback and code 1, and not a library's thread that aborts at the
    interpreter's shutdown (seen: "terminate called without an active exception" after reading a table from the hub).
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def abort(error: UserError) -> NoReturn:
    """Print the one line and leave with exit code 2; for the Snakefile, while nothing has been started yet."""
    report(error)
    leave(EXIT_USER_ERROR)


def run_cli(main: Callable[[], None]) -> NoReturn:
    """Run a script's ``main``; a :class:`UserError` becomes one line and exit code 2.

    Inside a workflow the line is also left for the workflow's end (``PRIMUM_ERRORS``), where a person looks.
    """
    try:
        main()
    except UserError as error:
        report(error)
        if path := os.environ.get(ERRORS_VARIABLE):
            with open(path, "a", encoding="utf-8") as handle:
                handle.write(f"primum: {error}\n")
        leave(EXIT_USER_ERROR)
    leave(0)

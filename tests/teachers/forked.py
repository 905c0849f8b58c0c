"""Runs scripts in forks of a process that has LiteLLM imported: a start takes no time, and a kill is a real one.

Reads one JSON list of arguments a line, forks, runs the script's ``main``, and says ``pid N``, then ``exit STATUS``.
"""

import json
import os
import runpy
import sys

import litellm  # noqa: F401  (for the children)


def main() -> None:
    for line in sys.stdin:
        script, *arguments = json.loads(line)
        child = os.fork()
        if not child:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(2, 1)  # stdout is for the lines below
            sys.argv = [script, *arguments]
            runpy.run_path(script, run_name="__main__")
            os._exit(0)
        print(f"pid {child}", flush=True)
        _, status = os.waitpid(child, 0)
        print(f"exit {os.waitstatus_to_exitcode(status)}", flush=True)


if __name__ == "__main__":
    main()

"""Write config/schema.json from the typed models (a test fails when it has drifted)."""

from __future__ import annotations

from primum.aside import schema
from primum.config import project_root
from primum.errors import run_cli
from primum.files import write_json


def main() -> None:
    write_json(project_root() / "config" / "schema.json", schema())
    print("wrote config/schema.json")


if __name__ == "__main__":
    run_cli(main)

"""Keys of the main configuration on which no published file depends: older results, what energy costs, who signs.

They are read apart from :mod:`primum.config`, which training and prediction are built from: whoever changes what is
said here, the models included, reruns no more than a report.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StringConstraints

from primum import config
from primum.errors import UserError
from primum.strict import Strict, parse


def _number(value: Any) -> Any:
    """What is nested in ``--config`` reaches us as text: Snakemake reads it with YAML's base loader."""
    if value in ("null", ""):
        return None
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


Amount = Annotated[float | None, Field(gt=0), BeforeValidator(_number)]


class Energy(Strict):
    """How energy and cost are estimated; see ``primum.provenance.cost``."""

    country: Annotated[str, StringConstraints(to_upper=True, min_length=3, max_length=3)] = "FRA"  # ISO 3166-1 alpha-3
    watts_per_cpu: Amount = None  # of one logical CPU under load; null: by codecarbon's table
    accelerator_watts: Amount = None  # of the accelerator under load; null: left out
    price_per_hour: Amount = None  # of the machine, in any currency; null: no money is stated


class Aside(Strict):
    """The keys themselves."""

    before: str | None = None  # an older copy of results/{scale}: target `compare`
    energy: Energy = Field(default_factory=Energy)
    signing_key: str | None = None  # path of a private key: target `sign`

    def older_manifest(self) -> str:
        """The older results' manifest; :class:`UserError` if none are named."""
        if self.before is None:
            raise UserError(
                "There is nothing to compare with: 'before' is not set.",
                "Add --config before=<an older copy of results>.",
            )
        return f"{self.before}/manifest.json"


def take_aside(root: Path, values: dict[str, Any]) -> tuple[Aside, dict[str, Any]]:
    """These keys of Snakemake's ``config`` dictionary, checked, and the others.

    Raises:
        UserError: for an unknown key or a value that cannot be; also if the older results are not there.
    """
    own = {key: value for key, value in values.items() if key in Aside.model_fields}
    rest = {key: value for key, value in values.items() if key not in own}
    aside: Aside = parse(Aside, own, "config")
    if aside.before and not (root / aside.older_manifest()).is_file():
        raise UserError(
            f"config: 'before' is {aside.before}, which holds no finished results (no manifest.json).",
            f"Name a copy of results/{rest.get('scale', '{scale}')}.",
        )
    return aside, rest


def schema() -> dict[str, Any]:
    """JSON schema of the configuration files, as written to ``config/schema.json``."""
    found = config.schema()
    own = Aside.model_json_schema()
    found["config"]["properties"] |= own["properties"]
    found["config"].setdefault("$defs", {}).update(own["$defs"])
    return found

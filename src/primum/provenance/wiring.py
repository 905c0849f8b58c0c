"""What the rules of provenance ask of the plan."""

from __future__ import annotations

import json
from pathlib import Path

from primum.errors import UserError
from primum.files import dumps
from primum.plan import Plan
from primum.provenance.names import SIGNATURE


def bom_config(plan: Plan) -> str:
    """For ``write_bom``."""
    records = {study: plan.data_record(study).removeprefix("results/") for study in plan.studies}
    return dumps(json.loads(plan.report_config()) | {"records": records})


def bom_inputs(plan: Plan) -> list[str]:
    """Records that the bill of materials is made from."""
    files = [f"{plan.study_folder(study)}/data/splits.json" for study in plan.studies]
    files += [plan.data_record(study) for study in plan.studies]
    files += [f"{plan.corpus_folder(study)}/croissant.json" for study in plan.corpora]
    files += [f"{plan.results}/{study}/eval_results.json" for study in plan.trained]
    files += [path for study in plan.trained for path in plan.stage_files(study, "checkpoint.json")]
    files += [plan.base_file(study) for study in plan.trained]
    return sorted(set(files))


def environments(plan: Plan) -> list[str]:
    """Every environment file."""
    return sorted(path.relative_to(plan.root).as_posix() for path in (plan.root / "envs").glob("*.yaml"))


def signature_files(plan: Plan) -> list[str]:
    """Signatures of every trained stage and seed.

    Raises:
        UserError: if no key is configured, or it is not there.
    """
    key = plan.aside.signing_key
    if key is None:
        raise UserError(
            "signing_key is not set, so nothing can be signed.",
            "Name a private key: snakemake --profile local sign --config signing_key=<path>.",
        )
    if not Path(key).is_file():
        raise UserError(f"signing_key: {key} does not exist.", "Mend the path, or make a key: see docs/provenance.md.")
    return [path for study in plan.trained for path in plan.stage_files(study, SIGNATURE)]

"""What the rules of provenance ask of the plan."""

from __future__ import annotations

import json
from pathlib import Path

from primum.errors import UserError
from primum.files import dumps
from primum.layout import ADAPTER_FILES
from primum.plan import Plan
from primum.provenance.names import PROVENANCE, SIGNATURE


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


def provenance_config(plan: Plan, study: str, stage: str, seed: str) -> str:
    """For ``write_provenance``."""
    base, first = plan.models[str(plan.studies[study].base)], str(min(plan.config.seeds))
    return dumps(
        {
            **{"study": study, "stage": stage, "seed": int(seed), "base": base.model_dump()},
            **{"dataset": plan.dataset(study).model_dump(), "folder": plan.stage_folder(study, stage, seed)},
            "card": plan.card_of(study, stage, first)[0],
        }
    )


def provenance_inputs(plan: Plan, study: str, stage: str, seed: str) -> list[str]:
    """Adapters and records of a stage and of every stage that it may have been continued from."""
    chain = [plan.stage_folder(study, name, seed) for name in plan.studies[study].lineage(stage)]
    files = ("checkpoint.json", *(f"adapter/{name}" for name in ADAPTER_FILES))
    return [f"{folder}/{name}" for folder in chain for name in files]


def registry_config(plan: Plan) -> str:
    """For ``write_registry``."""
    studies = [
        {
            **{"study": study, "dataset": plan.dataset(study).model_dump(), "rows": plan.data_record(study)},
            "base": plan.models[base].model_dump() if (base := resolved.base) else None,
            "record": plan.base_file(study) if resolved.base and study in plan.trained else None,
        }
        for study, resolved in plan.studies.items()
    ]
    adapters = [path for study in plan.trained for path in plan.stage_files(study, PROVENANCE)]
    return dumps({"scale": plan.config.scale, "studies": studies, "adapters": adapters})


def registry_inputs(plan: Plan) -> list[str]:
    """Records that the registry of the run is made from."""
    told = json.loads(registry_config(plan))
    found = [path for study in told["studies"] for path in (study["rows"], study["record"]) if path]
    return sorted({*found, *told["adapters"]})


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

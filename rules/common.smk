# The plan of the run. A mistake in the configuration ends here, in one line and with exit code 2, before the first job.
import sys
from pathlib import Path

sys.path.insert(0, str(Path(workflow.basedir) / "src"))

from primum.strict import IDENTIFIER
from primum.errors import UserError, abort
from primum.layout import ADAPTER_FILES, INPUTS, LEDGERS
from primum.plan import Plan
from primum.reports.catalogue import (
    AUDIT_TABLES,
    CLAIMS,
    CLAIMS_TABLE,
    DATA_RECORDS,
    DEPLOYMENT_TABLES,
    DEPLOYMENTS,
    FIGURES,
    TABLES,
)
from primum.provenance.names import ADAPTER_CARD, BOM, COST_REPORT, COST_TABLE, CRATE, PROVENANCE, REGISTRY, SIGNATURE
from primum.provenance.wiring import bom_config, bom_inputs, environments, signature_files
from primum.provenance.wiring import provenance_config, provenance_inputs, registry_config, registry_inputs
from primum.session import begin, close, close_with_errors

try:
    PLAN = Plan(Path(workflow.basedir), dict(config))
    begin(Path(workflow.basedir))
except UserError as error:
    abort(error)


onsuccess:
    close()


onerror:
    close_with_errors()


R = PLAN.results
STUDY = f"{R}/{{study}}"
STAGE = f"{STUDY}/models/{{backend}}/{{stage}}/seed{{seed}}"
EVAL = f"{STUDY}/eval/{{backend}}/{{stage}}/seed{{seed}}/{{split}}"
CORPUS = f"{STUDY}/corpus/{{teacher}}"
LOGS = f"{R}/logs"
BENCHMARKS = f"{R}/benchmarks"
PREDICTOR_ENV = {"hf": "../envs/trl.yaml", "tunix": "../envs/tunix.yaml"}[PLAN.config.predictor]


def folder_option(option, checkpoints):
    """`--parent <folder of checkpoint.json>`, or nothing for the base."""
    folders = [str(Path(checkpoint).parent) for checkpoint in str(checkpoints).split()]
    return " ".join([option, *folders]) if folders else ""


def older_results(_):
    """The manifest of what `before` names; a run that asks for a comparison without it ends here."""
    try:
        return PLAN.aside.older_manifest()
    except UserError as error:
        abort(error)


def signatures():
    """One of every trained stage. Without a key there is nothing to sign with, which is said before anything is built."""
    try:
        return signature_files(PLAN)
    except UserError as error:
        abort(error)


wildcard_constraints:
    study="|".join(PLAN.studies),
    backend="trl|tunix",
    stage=IDENTIFIER,
    seed=r"\d+",
    split=IDENTIFIER,
    dataset=IDENTIFIER,
    teacher=IDENTIFIER,
    base=IDENTIFIER,
    side="trl|tunix|plain",
    figure="|".join(FIGURES),


# Activating a conda environment clears PYTHONPATH, so what scripts need is set inside every command.
shell.executable("bash")
shell.prefix(
    "set -euo pipefail; export PYTHONPATH=src PYTHONHASHSEED=0 PYTHONUNBUFFERED=1 TOKENIZERS_PARALLELISM=false "
    "HF_HUB_DISABLE_TELEMETRY=1 OMP_NUM_THREADS=1; "
)

"""Energy and cost by rule and by stage, estimated from what Snakemake measured of every job (``benchmarks/``).

The energy of a job is its CPU time times the power of one logical CPU, and for jobs that hold the accelerator their
wall time times its power, where that is given. Power and carbon intensity come from ``codecarbon``'s own tables
(:mod:`primum.provenance.power`). It is an estimate, and no part of the manifest: no two runs take the same time.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from primum.errors import UserError
from primum.provenance.power import Power
from primum.reports.sources import ReportConfig
from primum.stages import BASE_STAGE

ON_ACCELERATOR = ("train_stage", "predict")
NAMED_BY_INPUT = ("fetch_dataset", "prepare_base")  # whose benchmarks are named after no study
HOUR = 3600.0
COLUMNS = "part study name jobs unmeasured wall_s cpu_s peak_mib energy_wh co2e_g cost".split()


@dataclass(frozen=True, slots=True)
class Measured:
    """One job.

    Attributes:
        rule: its rule.
        study, stage: of a job of one stage and seed (``sft/seed0``), or empty.
        wall, cpu: seconds; None where Snakemake measured nothing.
        peak: resident memory in MiB.
    """

    rule: str
    study: str
    stage: str
    wall: float | None = None
    cpu: float | None = None
    peak: float | None = None

    def watt_hours(self, power: Power) -> float:
        """Estimated energy."""
        joules = (self.cpu or 0.0) * power.watts_per_cpu
        if self.rule in ON_ACCELERATOR and power.accelerator_watts:
            joules += (self.wall or 0.0) * power.accelerator_watts
        return joules / HOUR


def read_measurements(config: ReportConfig, benchmarks: Path) -> tuple[list[Measured], int]:
    """Every job of these studies, and how many measurements beside them are of others.

    Jobs of a stage are there even where nothing was measured.

    Raises:
        UserError: if nothing was measured.
    """
    expected, found, others = _of_stages(config), [], 0
    studies = tuple({data.study for data in config.data} | {study.study for study in config.studies})
    for file in sorted(benchmarks.rglob("*.tsv")):
        rule, _, name = file.relative_to(benchmarks).with_suffix("").as_posix().partition("/")
        job = expected.pop((rule, name), None)
        if job is None and (rule in ("train_stage", "predict", "score") or not _is_of(rule, name, studies)):
            others += 1
            continue
        found.append(_measured(file, job or Measured(rule, "", "")))
    if not any(job.wall is not None for job in found):
        raise UserError(
            f"No measurements lie in {benchmarks}, so there is no cost to tell.",
            "Copy them along with the results, or let snakemake build the results here.",
        )
    return [*found, *expected.values()], others


def _of_stages(config: ReportConfig) -> dict[tuple[str, str], Measured]:
    """``{(rule, name of its benchmark): job}`` of every stage."""
    found = {}
    for study in config.studies:
        for stage, seed in study.runs():
            name, label = f"{study.study}-{study.backend}-{stage}-seed{seed}", f"{stage}/seed{seed}"
            if stage != BASE_STAGE:
                found["train_stage", name] = Measured("train_stage", study.study, label)
            for split in study.splits:
                for rule in ("predict", "score"):
                    found[rule, f"{name}-{split}"] = Measured(rule, study.study, label)
    return found


def _is_of(rule: str, name: str, studies: tuple[str, ...]) -> bool:
    """Whether a benchmark belongs to one of the studies, or to all of them."""
    return not name or rule in NAMED_BY_INPUT or any(name == s or name.startswith(f"{s}-") for s in studies)


def _measured(file: Path, job: Measured) -> Measured:
    lines = [line.split("\t") for line in file.read_text(encoding="utf-8").splitlines()]
    values = dict(zip(lines[0], lines[-1], strict=False)) if len(lines) > 1 else {}
    wall, cpu, peak = (_number(values.get(key, "")) for key in ("s", "cpu_time", "max_rss"))
    return Measured(job.rule, job.study, job.stage, wall, cpu, peak)


def _number(text: str) -> float | None:
    """A number; jobs too short to be looked at have 'NA' or '-'."""
    with suppress(ValueError):
        return float(text)
    return None


def cost_rows(jobs: list[Measured], power: Power, price_per_hour: float | None) -> list[dict[str, str]]:
    """Rows of ``cost.csv``: by rule, by stage, and all together."""
    parts: dict[tuple[str, str, str], list[Measured]] = {}
    for job in sorted(jobs, key=lambda job: job.rule):
        parts.setdefault(("rule", "", job.rule), []).append(job)
    for job in sorted(jobs, key=lambda job: (job.study, job.stage)):
        if job.stage:
            parts.setdefault(("stage", job.study, job.stage), []).append(job)
    parts["total", "", ""] = jobs
    return [
        {"part": part, "study": study, "name": name} | _sums(of, power, price_per_hour)
        for (part, study, name), of in parts.items()
    ]


def _sums(jobs: list[Measured], power: Power, price_per_hour: float | None) -> dict[str, str]:
    measured = [job for job in jobs if job.wall is not None]
    wall = sum(job.wall or 0.0 for job in measured)
    energy = sum(job.watt_hours(power) for job in measured)
    numbers = {
        "wall_s": wall,
        "cpu_s": sum(job.cpu or 0.0 for job in measured),
        "peak_mib": max((job.peak or 0.0 for job in measured), default=0.0),
        "energy_wh": energy,
        "co2e_g": energy / 1000 * power.grams_per_kwh,
        "cost": None if price_per_hour is None else wall / HOUR * price_per_hour,
    }
    told = {name: "" if value is None or not measured else f"{value:.4f}" for name, value in numbers.items()}
    return {"jobs": str(len(jobs)), "unmeasured": str(len(jobs) - len(measured)), **told}

"""Energy and cost: every number can be worked out by hand, and what is not known is not made up."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from primum.aside import Energy
from primum.errors import UserError
from primum.files import write_text
from primum.provenance.cost import cost_rows, read_measurements
from primum.provenance.cost_report import cost_report
from primum.provenance.power import Power, carbon_intensity, read_power
from primum.reports.sources import ReportConfig
from tests.unit.reports.conftest import study

HEAD = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"
CONFIG = ReportConfig.model_validate({"scale": "tiny", "studies": [study()], "data": []})
POWER = Power(10.0, "a test", 100.0, "FRA", 50.0)


def measured(folder: Path, name: str, wall: str, cpu: str, peak: str) -> None:
    write_text(folder / f"{name}.tsv", f"{HEAD}{wall}\t0:00:01\t{peak}\t1\t1\t1\t0\t0\t90\t{cpu}\n")


@pytest.fixture
def benchmarks(tmp_path: Path) -> Path:
    """Two trained stages with all their predictions; one prediction was never measured."""
    for stage in ("sft", "grpo"):
        measured(tmp_path, f"train_stage/medmcqa-trl-{stage}-seed0", "3600", "1800", "700.5")
    for stage in ("base", "sft", "grpo"):
        for split in ("eval", "dev"):
            measured(tmp_path, f"predict/medmcqa-trl-{stage}-seed0-{split}", "360", "360", "500")
            measured(tmp_path, f"score/medmcqa-trl-{stage}-seed0-{split}", "0.4", "NA", "NA")
    (tmp_path / "predict/medmcqa-trl-grpo-seed0-dev.tsv").unlink()
    measured(tmp_path, "build_paper", "36", "36", "90")
    measured(tmp_path, "train_stage/medmcqa-trl-former-seed0", "9", "9", "9")
    measured(tmp_path, "plot_figure/another-arms", "9", "9", "9")
    return tmp_path


def test_numbers_by_hand(benchmarks: Path) -> None:
    jobs, others = read_measurements(CONFIG, benchmarks)
    assert others == 2
    rows = {(row["part"], row["study"], row["name"]): row for row in cost_rows(jobs, POWER, 2.0)}
    sft = rows["stage", "medmcqa", "sft/seed0"]  # an hour of training and two predictions of six minutes
    assert (sft["jobs"], sft["unmeasured"]) == ("5", "0")
    assert float(sft["wall_s"]) == 3600 + 2 * 360 + 2 * 0.4 and float(sft["cpu_s"]) == 1800 + 2 * 360
    energy = (1800 + 720) * 10 / 3600 + (3600 + 720) * 100 / 3600
    assert float(sft["energy_wh"]) == pytest.approx(energy, abs=1e-4)
    assert float(sft["co2e_g"]) == pytest.approx(energy / 1000 * 50, abs=1e-4)
    assert float(sft["cost"]) == pytest.approx(2 * (4320.8 / 3600), abs=1e-4)
    assert float(sft["peak_mib"]) == 700.5
    paper = rows["rule", "", "build_paper"]
    assert float(paper["energy_wh"]) == pytest.approx(36 * 10 / 3600)  # it holds no accelerator
    by_rule = [row for (part, _, _), row in rows.items() if part == "rule"]
    total = rows["total", "", ""]
    for field in ("jobs", "wall_s", "energy_wh"):
        assert float(total[field]) == pytest.approx(sum(float(row[field]) for row in by_rule), abs=1e-3)


def test_what_was_not_measured_is_said(benchmarks: Path) -> None:
    jobs, others = read_measurements(CONFIG, benchmarks)
    rows = cost_rows(jobs, POWER, None)
    assert (rows[-1]["jobs"], rows[-1]["unmeasured"], rows[-1]["cost"]) == ("15", "1", "")
    text = cost_report(rows, POWER, None, others)
    assert "Of 15 jobs 1 have no measurement" in text and "2 measurements of other" in text
    assert "none is stated" in text and "| Cost |" not in text


def test_without_measurements_there_is_no_report(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="No measurements"):
        read_measurements(CONFIG, tmp_path)


def test_a_study_without_stages_has_rules_alone(tmp_path: Path) -> None:
    measured(tmp_path, "build_splits/dipg", "2", "1", "9")
    data = [{"study": "dipg", "splits": ["eval"]}]
    jobs, others = read_measurements(
        ReportConfig.model_validate({"scale": "tiny", "studies": [], "data": data}), tmp_path
    )
    rows = cost_rows(jobs, POWER, None)
    assert others == 0 and [row["part"] for row in rows] == ["rule", "total"]
    assert "By stage" not in cost_report(rows, POWER, None, others)


def test_the_tables_are_codecarbon_s() -> None:
    import codecarbon

    mix = Path(codecarbon.__file__).parent / "data/private_infra/global_energy_mix.json"
    known = json.loads(mix.read_text(encoding="utf-8"))
    for country in ("FRA", "POL"):
        assert carbon_intensity(country) == pytest.approx(known[country]["carbon_intensity"])
    with pytest.raises(UserError, match="no electricity of 'XXX'"):
        read_power(Energy(country="XXX"))
    assert read_power(Energy(watts_per_cpu=7.5)).watts_per_cpu == 7.5


@pytest.mark.parametrize(("model", "watts"), [("AMD EPYC 7763 64-Core Processor", 280.0), ("No Such Processor", None)])
def test_the_processor_is_looked_up(monkeypatch: pytest.MonkeyPatch, model: str, watts: float | None) -> None:
    from codecarbon.core import cpu, util

    monkeypatch.setattr(cpu, "detect_cpu_model", lambda: model)
    monkeypatch.setattr(cpu, "count_cpus", lambda: 128)
    monkeypatch.setattr(util, "count_cpus", lambda: 128)
    with (Path(cpu.__file__).parents[1] / "data/hardware/cpu_power.csv").open(newline="") as handle:
        table = {row["Name"]: row["TDP"] for row in csv.DictReader(handle)}
    assert watts is None or float(table["AMD EPYC 7763"]) == watts
    power = read_power(Energy())
    assert power.watts_per_cpu == (watts / 128 if watts else 4.0)
    assert ("its table does not hold" in power.source) == (watts is None) and model in power.source

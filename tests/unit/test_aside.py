"""Keys on which no published file depends: read apart, checked all the same, and heard by no job but their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from primum.aside import take_aside
from primum.closure import code_files
from primum.config import project_root
from primum.errors import UserError
from primum.plan import Plan
from primum.settings import read_yaml

ROOT = project_root()
DEFAULT = read_yaml(ROOT / "config" / "config.yaml")


def test_numbers_reach_us_as_text_from_the_command_line() -> None:
    values = {"energy": {"country": "deu", "price_per_hour": "2.5", "accelerator_watts": "null"}, "scale": "tiny"}
    aside, rest = take_aside(Path(), values)
    energy = aside.energy
    assert (energy.country, energy.price_per_hour, energy.accelerator_watts) == ("DEU", 2.5, None)
    assert rest == {"scale": "tiny"} and aside.signing_key is None


@pytest.mark.parametrize("wrong", [{"country": "France"}, {"price_per_hour": -1}, {"price_per_hour": "dear"}, {"x": 1}])
def test_what_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UserError, match="config: "):
        take_aside(Path(), {"energy": wrong})


def test_no_other_job_hears_of_them() -> None:
    other = DEFAULT | {"energy": {"country": "POL", "price_per_hour": 3}, "signing_key": "key.pem"}
    first, second = (Plan(ROOT, values) for values in (DEFAULT, other))
    assert first.report_config() == second.report_config()
    assert first.train_config("medmcqa", "sft", "0") == second.train_config("medmcqa", "sft", "0")
    for script in sorted(Path(ROOT, "scripts").glob("*.py")):
        if script.name in ("train_stage.py", "predict.py", "score.py", "fetch_dataset.py", "write_manifest.py"):
            assert "src/primum/aside.py" not in code_files(ROOT, f"scripts/{script.name}")


def test_older_results_are_those_of_a_finished_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="'before' is old, which holds no finished results"):
        take_aside(tmp_path, {"scale": "tiny", "before": "old"})
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "manifest.json").write_text("{}")
    aside, rest = take_aside(tmp_path, {"scale": "tiny", "before": "old"})
    assert (aside.older_manifest(), rest) == ("old/manifest.json", {"scale": "tiny"})
    with pytest.raises(UserError, match="config: 'before'"):
        take_aside(tmp_path, {"before": ["old"]})
    with pytest.raises(UserError, match="nothing to compare with"):
        take_aside(tmp_path, {"before": None})[0].older_manifest()

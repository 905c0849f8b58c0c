"""The key ``before``: it names older results or nothing, and decides nothing else."""

from pathlib import Path

import pytest

from primum.before import load_with_before, needed
from primum.errors import UserError

VALUES = {"studies": ["medmcqa"], "scale": "tiny", "seeds": [0]}


def test_what_it_may_be(tmp_path: Path) -> None:
    assert load_with_before(tmp_path, VALUES) == load_with_before(tmp_path, VALUES | {"before": None})
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "manifest.json").write_text("{}")
    before, config = load_with_before(tmp_path, VALUES | {"before": "old"})
    assert (before, config) == ("old", load_with_before(tmp_path, VALUES)[1])
    assert needed(before) == "old/manifest.json"


def test_refusals(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="'before' is old, which holds no finished results"):
        load_with_before(tmp_path, VALUES | {"before": "old"})
    with pytest.raises(UserError, match="config: 'before'"):
        load_with_before(tmp_path, VALUES | {"before": ["old"]})
    with pytest.raises(UserError, match="unknown key 'colour'"):
        load_with_before(tmp_path, VALUES | {"colour": "red"})
    with pytest.raises(UserError, match="nothing to compare with"):
        needed(None)

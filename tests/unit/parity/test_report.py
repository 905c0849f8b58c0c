"""The table: what passes, what is refused, what is only said."""

from __future__ import annotations

import numpy as np
import pytest

from primum.errors import UserError
from primum.evaluation.console import to_csv
from primum.parity.report import COLUMNS, Found, check, compare
from tests.unit.parity.tools import standing_in

NAMES = ("a.lora_A.weight", "b.lora_B.weight")


@pytest.fixture
def plain():
    rng = np.random.default_rng(0)
    gradient = {name: rng.normal(size=(3, 4)) for name in NAMES}
    facts = {
        "study": "toy",
        "side": "plain",
        "unsupported": "",
        "sft": {"tokens": "1" * 64, "loss": {"sft": 2.0}},
        "grpo": {"tokens": "2" * 64, "verdicts": "3" * 64, "loss": {"grpo@trl": 0.5, "grpo@tunix": 0.5}},
    }
    scaled = {name: value * 1.0001 for name, value in gradient.items()}
    return Found(facts, {"sft": gradient, "grpo@trl": gradient, "grpo@tunix": scaled})


def both(plain):
    return standing_in(plain, "trl"), standing_in(plain, "tunix")


def test_what_agrees_passes_and_the_known_difference_is_said(plain):
    rows = compare(*both(plain), plain)
    check(rows)
    known = [row for row in rows if row["ok"] == "known"]
    assert [row["quantity"] for row in known] == ["grpo: known difference, epsilon of the advantages"]
    assert float(known[0]["difference"]) == pytest.approx(1e-4, rel=0.01)
    header, *lines = to_csv(COLUMNS, rows).splitlines()
    assert header == "study,quantity,trl,tunix,reference,difference,tolerance,ok" and len(lines) == len(rows)


@pytest.mark.parametrize("spoilt", ["loss", "nan", "tensor", "missing", "tokens", "verdicts"])
def test_what_differs_is_refused(plain, spoilt):
    trl, tunix = both(plain)
    facts, gradients = dict(tunix.facts), {key: dict(value) for key, value in tunix.gradients.items()}
    if spoilt in ("loss", "nan"):
        facts["sft"] = facts["sft"] | {"loss": {"sft": float("nan") if spoilt == "nan" else 2.001}}
    elif spoilt == "tensor":
        gradients["grpo"][NAMES[1]] = gradients["grpo"][NAMES[1]] * 1.01
    elif spoilt == "missing":
        del gradients["sft"][NAMES[0]]
    else:
        facts["grpo"] = facts["grpo"] | {spoilt: "9" * 64}
    with pytest.raises(UserError, match="the backends differ in"):
        check(compare(trl, Found(facts, gradients), plain))


def test_a_base_that_one_backend_cannot_train_is_said_and_no_failure(plain):
    trl, _ = both(plain)
    rows = compare(trl, Found({"study": "toy", "unsupported": "The tunix backend has no 'llama' models."}, {}), plain)
    check(rows)
    assert [(row["quantity"], row["ok"]) for row in rows] == [
        ("not compared: The tunix backend has no 'llama' models.", "known")
    ]

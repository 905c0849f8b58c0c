"""The registry of claims against the facts file's own calculations, by hand, and what it refuses."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from primum.errors import UserError
from primum.evaluation.claims import COLUMNS, NEEDS, VERDICTS, Claim, claim_rows, read_claims
from primum.evaluation.published import Published
from primum.evaluation.stats import binomial_exact

ROOT = Path(__file__).resolve().parents[3]
SAYS = {"study": "x", "says": "It is better", "source": "x 1"}


@pytest.fixture(scope="module")
def rows():
    claims, numbers = read_claims(ROOT)
    return {row["claim"]: row for row in claim_rows(claims, numbers, {})}


def test_the_verdicts_are_those_of_the_facts(rows):
    """88 against 30 % and 50 against 4 % stand, 34.0 against 27.5 % and the best of four do not, and irAE cannot
    be tested."""
    expected = {
        "dipg-safe": ("supported", 4e-9),
        "dipg-hallucination": ("supported", 1.7e-7),
        "dipg-peak": ("not distinguishable", 0.58),
        "dipg-peak-hallucination": ("not distinguishable", 0.27),
        "dipg-cliff": ("not distinguishable", 0.52),
        "dipg-recovery-consistency": ("supported", 0.048),
        "medmcqa-sft": ("not distinguishable", 0.19),
        "medmcqa-sft-chance": ("not distinguishable", 0.32),
        "medmcqa-schema": ("not distinguishable", 0.14),
        "medmcqa-json": ("contradicted", None),
        "irae-base": ("untestable", None),
        "irae-target": ("untestable", None),
    }
    for name, (verdict, p) in expected.items():
        assert rows[name]["verdict"] == verdict, name
        assert rows[name]["p"] == (None if p is None else pytest.approx(p, rel=0.1)), name
    assert rows["medmcqa-sft"]["paired_if_at_most"] == 37
    assert rows["dipg-safe"]["paired_if_at_most"] == 41  # more than these counts of 50 cannot be discordant
    assert (
        "of 11 cases not even all right would show it (interval from 74.1 %), of 16 they would"
        in (rows["irae-target"]["why"])
    )
    assert rows["dipg-cliff"]["why"].endswith("the counts go the other way")


def test_the_printed_mean_reward_is_that_of_the_raw_rows(rows):
    reward = rows["dipg-reward"]
    assert (reward["published_value"], reward["published_n"]) == (0.58, 50)
    assert reward["published_low"] < 0 < reward["published_high"]
    means = {"dipg-cliff-reward": (-1.66, -2.08, 0.77), "dipg-recovery-reward": (-2.08, 0.58, 0.025)}
    for name, (before, after, p) in means.items():  # the card's own means
        assert (rows[name]["against_value"], rows[name]["published_value"]) == (before, after)
        assert rows[name]["p"] == pytest.approx(p, abs=0.01)


def test_a_mean_without_a_spread_shows_nothing():
    claim = Claim(**SAYS, form="mean", stage="b", values={5: 1})
    assert claim_rows({"c": claim}, {}, {})[0]["verdict"] == "not distinguishable"


def test_every_claim_has_a_verdict_a_reason_and_a_place(rows):
    for row in rows.values():
        assert row["verdict"] in VERDICTS
        assert row["why"] and row["source"].rsplit(" ", 1)[1].isdigit()
        assert set(row) == set(COLUMNS)


def test_what_contradicts_is_significant_the_other_way():
    def verdict(form, now, before):
        numbers = [Published(stage=s, metric="m", percent=p, n=100, source="x") for s, p in (("b", now), ("a", before))]
        claim = Claim(**SAYS, form=form, metric="m", stage="b", over="a")
        return claim_rows({"c": claim}, {"x": numbers}, {})[0]["verdict"]

    assert verdict("rise", 80, 40) == verdict("fall", 40, 80) == "supported"
    assert verdict("rise", 40, 80) == verdict("fall", 80, 40) == "contradicted"
    assert verdict("rise", 41, 40) == verdict("rise", 40, 41) == verdict("rise", 40, 40) == "not distinguishable"


def test_this_run_stands_beside_each_claim():
    numbers = {"x": [Published(stage=s, metric="m", percent=50, n=100, source="x") for s in ("a", "b")]}
    claims = {
        "pair": Claim(**SAYS, form="fall", metric="m", stage="b", over="a"),
        "level": Claim(**SAYS, form="above", metric="m", stage="b", level=25.0),
        "all": Claim(**SAYS, form="all", metric="m", stage="b"),
        "elsewhere": Claim(**SAYS | {"study": "y"}, form="untestable", why="nothing was printed"),
    }
    at = {"split": "eval", "stage": "b", "metric": "m", "low": 0.2, "high": 0.4, "n": 100}
    results = {
        **{"scale": "tiny", "base": "tiny-qwen3", "splits": ["eval", "dev"]},
        "comparisons": [
            at | {"seed": seed, "against": "a", "difference": d, "p_holm": 0.01, "supported": "yes"}
            for seed, d in ((1, 0.5), (0, 0.3))
        ],
        "metrics": [at | {"seed": 0, "value": 0.3, "numerator": 30}, at | {"seed": 0, "split": "dev", "value": 0.9}],
    }
    found = {row["claim"]: row for row in claim_rows(claims, numbers, {"x": results})}
    assert (found["pair"]["our_value"], found["pair"]["our_verdict"]) == (0.3, "contradicted")  # it rose
    assert (found["level"]["our_value"], found["level"]["our_p"]) == (
        0.3,
        pytest.approx(binomial_exact(30, 100, 0.25), rel=1e-5),
    )
    assert (found["level"]["our_verdict"], found["all"]["our_verdict"]) == ("not distinguishable", "contradicted")
    assert found["elsewhere"]["our_verdict"] is found["elsewhere"]["scale"] is None
    results["comparisons"][1]["supported"] = "no"  # not by groups of rows
    assert claim_rows(claims, numbers, {"x": results})[0]["our_verdict"] == "not distinguishable"
    results["metrics"][0] |= {"value": 0.4}  # a balanced rate: not its numerator by its n
    assert claim_rows(claims, numbers, {"x": results})[1]["our_verdict"] is None
    results["comparisons"] = []
    assert claim_rows(claims, numbers, {"x": results})[0]["our_verdict"] is None


@pytest.mark.parametrize("form", sorted(NEEDS))
def test_an_incomplete_claim_is_refused(tmp_path, form):
    folder = tmp_path / "config/published"
    folder.mkdir(parents=True)
    (folder / "claims.yaml").write_text(f"c: {{study: x, says: s, source: x 1, form: {form}}}\n")
    with pytest.raises(UserError, match=f"form '{form}' needs {NEEDS[form][0] if len(NEEDS[form]) == 1 else ''}"):
        read_claims(tmp_path)


def test_a_claim_on_a_number_that_was_not_printed_is_refused(tmp_path):
    folder = tmp_path / "config/published"
    folder.mkdir(parents=True)
    (folder / "x.tsv").write_text("stage\tmetric\tpercent\tn\tsource\nb\tm\t50\t100\tx\n")
    (folder / "claims.yaml").write_text(
        "c: {study: x, says: s, source: x 1, form: rise, metric: m, stage: b, over: a}\n"
    )
    with pytest.raises(UserError, match=r"c: config/published/x.tsv has no m of stage 'a'"):
        read_claims(tmp_path)
    (folder / "claims.yaml").write_text(
        "c: {study: x, says: s, source: x 1, form: all, metric: m, stage: b, level: 3.0}\n"
    )
    with pytest.raises(UserError, match="takes no level"):
        read_claims(tmp_path)


def test_the_script_writes_both_files(tmp_path):
    command = [sys.executable, "scripts/check_claims.py", "--results", "{}"]
    command += ["--output-json", str(tmp_path / "c.json"), "--output-csv", str(tmp_path / "c.csv")]
    subprocess.run(
        command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT / "src")}, check=True, capture_output=True
    )
    held = json.loads((tmp_path / "c.json").read_text())
    written = held["claims"]
    assert {Path(path).name for path in held["inputs"]} == {"claims.yaml", "dipg.tsv", "irae.tsv", "medmcqa.tsv"}
    with (tmp_path / "c.csv").open(newline="") as handle:
        table = list(csv.DictReader(handle))
    assert [row["claim"] for row in table] == [row["claim"] for row in written] == list(read_claims(ROOT)[0])
    assert tuple(table[0]) == COLUMNS


def test_the_binomial_test_is_scipys():
    stats = pytest.importorskip("scipy.stats", reason="scipy is not in this environment")
    for k, n, share in ((55, 200, 0.25), (0, 15, 0.5), (11, 11, 0.8), (3, 10, 0.3)):
        assert binomial_exact(k, n, share) == pytest.approx(stats.binomtest(k, n, share).pvalue)
    assert binomial_exact(0, 3, 0.5) == 0.25

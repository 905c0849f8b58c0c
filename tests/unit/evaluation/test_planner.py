"""Sample sizes: the fact sheet's, the inverse of what is detectable, refusals, and the script on a run's results."""

import subprocess
import sys
from pathlib import Path

import pytest

from primum.errors import UserError
from primum.evaluation.planner import observed, pairs_needed, rows_needed
from primum.evaluation.stats import detectable_difference, wilson
from primum.files import write_json

ROOT = Path(__file__).resolve().parents[3]
ROW = {"stage": "grpo", "against": "sft", "metric": "accuracy", "split": "eval", "seed": 0}
RESULTS = {
    "key_metrics": ["accuracy"],
    "splits": ["eval", "dev"],
    "comparisons": [ROW | {"n": 200, "gained": 30, "lost": 10, "difference": 0.1, "in_words": "grpo vs sft: so"}],
    "metrics": [{k: v for k, v in ROW.items() if k != "against"} | {"design_effect": 1.5}],
}


def script(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts/plan_sample.py"), *map(str, arguments)]
    return subprocess.run(command, env={"PYTHONPATH": str(ROOT / "src")}, capture_output=True, text=True)


def test_pairs() -> None:
    # The published 6.5 points: the fact sheet has 369 (369.2: so 370 have 80 % power) at 20 % discordant, 796 at most.
    assert pairs_needed(0.065, 0.2) == 370
    independent = 0.34 * (1 - 0.275) + 0.275 * (1 - 0.34)  # were the two stages' answers independent
    assert pairs_needed(0.065, independent) == pytest.approx(796, abs=5)
    for difference, share in ((0.05, 0.1), (0.1, 0.1), (0.2, 0.55)):
        pairs = pairs_needed(difference, share)
        assert detectable_difference(share * pairs, pairs) <= difference + 1e-9
        assert detectable_difference(share * (pairs - 1), pairs - 1) > difference
    assert pairs_needed(0.065, 0.2, power=0.9) > 370


def test_rows() -> None:
    # Half-widths of the fact sheet: 13.4 points at 50 rows and a half, 6.9 at 200.
    assert (rows_needed(0.134, 0.5), rows_needed(0.069, 0.5)) == (50, 198)
    low, high = wilson(0.88, rows_needed(0.045, 0.88))
    assert (high - low) / 2 <= 0.045
    assert rows_needed(0.49, 0.0) == 1


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: pairs_needed(0, 0.2), "0 points cannot be planned for"),
        (lambda: pairs_needed(0.3, 0.2), "no difference is 30 points"),
        (lambda: pairs_needed(0.1, 0.2, 1.0), "A power of 1 cannot be"),
        (lambda: rows_needed(0.6, 0.5), "No sample has such an interval"),
        (lambda: rows_needed(1e-7, 0.5), "More than 1,000,000,000 rows"),
        (
            lambda: observed(RESULTS, "sft", "grpo", None, None),
            "'sft' was not compared with 'grpo' in accuracy on eval",
        ),
    ],
)
def test_refusals(call, says) -> None:
    with pytest.raises(UserError, match=says):
        call()


def test_the_script(tmp_path: Path) -> None:
    assert script("--difference", 6.5, "--discordant", 20).stdout == "pairs: 370\n"
    write_json(tmp_path / "eval_results.json", RESULTS)
    pair = ("--from", tmp_path / "eval_results.json", "--stage", "grpo", "--against", "sft")
    found = script(*pair, "--difference", 6.5).stdout.splitlines()
    assert found[1] == "found: 20.0 % of 200 pairs discordant, design effect 1.50"
    assert found[2] == "pairs: 370; as rows are grouped there: 555"
    alone = script("--difference", 6.5)
    assert alone.returncode == 2 and alone.stderr.count("\n") == 1 and "Not enough to plan with" in alone.stderr

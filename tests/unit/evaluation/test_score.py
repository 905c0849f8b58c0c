"""Scoring: one verdict a prediction, rates by hand, and whose answer it was when options are rotated."""

import json

import pytest
import tiny

from primum.errors import UserError
from primum.evaluation.score import ScoreConfig, score_predictions
from primum.evaluation.stats import RATE
from primum.tasks.base import Example

CONFIG = ScoreConfig(study="medmcqa", task="medmcqa", task_settings=tiny.TASK_SETTINGS)
SHIFTS = (0, 1, 2, 3)


def say(letter, confidence=0.9):
    return json.dumps({"predicted_category": letter, "confidence": confidence, "reason": "because"})


def predict(rows, answer, shifts=(0,), letters=None):
    """Predictions of a policy ``answer(shown example) -> completion``."""
    task = tiny.task()
    made = []
    for shift in shifts:
        for row in rows:
            example = Example.from_row(row)
            shown = task.permute(example, shift) if shift else example
            scored = letters(shown) if letters else {"A": -1.0, "B": -1.0, "C": -2.0, "D": -3.0}
            made.append(
                {
                    "id": row["id"],
                    "shift": shift,
                    "completion": answer(shown),
                    "tokens": 10,
                    "finished": True,
                    "letter_logprobs": scored,
                }
            )
    return made


def test_rates_by_hand():
    rows = tiny.rows(8)
    gold = {row["id"]: row["gold"]["answer"] for row in rows}
    wrong = {row: "ABCD"[("ABCD".index(letter) + 1) % 4] for row, letter in gold.items()}
    texts = [say(gold["q0"]), say(gold["q1"]), say(wrong["q2"]), say(gold["q3"]).replace("0.9", "true")]
    texts += ["<think>\nx", f"```json\n{say(gold['q5'])}\n```", "", say(wrong["q7"])]
    predictions = predict(rows, lambda _: "")
    for prediction, text in zip(predictions, texts, strict=True):
        prediction["completion"] = text
    predictions[4]["finished"] = False
    scores, metrics = score_predictions(CONFIG, rows, predictions)
    counts = {name: (m["numerator"], m["n"]) for name, m in metrics["metrics"].items()}
    first_letter = sum(letter == "A" for letter in gold.values())  # A and B tie at -1.0: the first counts
    assert counts == {
        "accuracy": (3, 8),
        "valid_json_rate": (5, 8),
        "schema_pass_rate": (4, 8),
        "accuracy_on_schema": (2, 4),
        "letter_accuracy": (first_letter, 8),
    }
    assert metrics["failures"] == {
        "code fence": 1,
        "empty": 1,
        "left-over <think>": 1,
        "wrong keys, types or values": 1,
        "wrong letter": 2,
    }
    assert metrics["completions"]["unfinished"]["numerator"] == 1
    assert metrics["answers"]["letter_answer"] == {"A": 8}
    assert metrics["calibration"]["n"] == 4
    assert metrics["permutation"] is None
    assert metrics["kinds"]["metals"]["accuracy"] == {
        k: v for k, v in metrics["metrics"]["accuracy"].items() if k in RATE
    }
    assert metrics["metrics"]["accuracy"]["groups"] == len({row["group"] or row["id"] for row in rows})
    assert metrics["metrics"]["accuracy"]["low_clustered"] <= metrics["metrics"]["accuracy"]["low"]
    assert scores[3] == {
        **{"id": "q3", "shift": 0, "json_valid": True, "schema_valid": False, "correct": True},
        **{"correct_and_schema_valid": False, "answer": gold["q3"], "confidence": None},
        **{"why": "wrong keys, types or values", "letter_answer": "A", "letter_correct": gold["q3"] == "A"},
    }


def test_a_model_that_reads_is_consistent():
    rows = tiny.rows(12)

    def reads(shown):  # picks the option that comes first in the alphabet, wherever it stands
        options = shown.inputs["options"]
        return say("ABCD"[options.index(min(options))])

    _, metrics = score_predictions(CONFIG, rows, predict(rows, reads, SHIFTS))
    found = metrics["permutation"]
    assert found["shifts"] == [0, 1, 2, 3]
    assert found["consistency"]["numerator"] == 12
    assert len({rate["numerator"] for rate in found["accuracy_by_shift"].values()}) == 1


def test_a_model_that_says_a_is_not_consistent():
    rows = tiny.rows(12)
    _, metrics = score_predictions(CONFIG, rows, predict(rows, lambda _: say("A"), SHIFTS))
    found = metrics["permutation"]
    assert found["consistency"]["numerator"] == 0
    assert found["letter_consistency"]["numerator"] == 0
    hits = [rate["numerator"] for rate in found["accuracy_by_shift"].values()]
    assert sum(hits) == 12  # every option stands first once
    assert hits[0] == sum(row["gold"]["answer"] == "A" for row in rows)
    assert metrics["metrics"]["accuracy"]["n"] == 12  # rotated passes are no further questions


def test_no_answer_is_not_an_answer_kept():
    rows = tiny.rows(4)
    _, metrics = score_predictions(CONFIG, rows, predict(rows, lambda _: "no idea", SHIFTS))
    assert metrics["permutation"]["consistency"]["numerator"] == 0


def test_gold_is_right_under_every_rotation():
    rows = tiny.rows(10)
    task = tiny.task()

    def letters(shown):
        return {letter: float(letter == shown.gold["answer"]) for letter in "ABCD"}

    _, metrics = score_predictions(CONFIG, rows, predict(rows, task.gold_completion, SHIFTS, letters))
    found = metrics["permutation"]
    for key in ("accuracy_by_shift", "letter_accuracy_by_shift"):
        assert [rate["numerator"] for rate in found[key].values()] == [10, 10, 10, 10]
    assert found["letter_consistency"]["value"] == 1.0


def test_unscorable_rows_are_counted_not_judged():
    rows = tiny.rows(5)
    rows[2]["gold"] = {}
    scores, metrics = score_predictions(CONFIG, rows, predict(rows, lambda _: say("A")))
    assert (metrics["unscorable"], metrics["n"], len(scores)) == (1, 4, 4)
    assert metrics["metrics"]["accuracy"]["n"] == 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p[:-1], "'q3' has no prediction at shift 0"),
        (lambda p: [*p, p[0]], "'q0' was predicted twice"),
        (lambda p: [*p, {**p[0], "id": "other"}], "'other' was predicted but is not in the split"),
        (lambda p: [*p, {**p[0], "shift": 1}], "'q1' has no prediction at shift 1"),
    ],
)
def test_predictions_of_other_rows_are_refused(change, message):
    rows = tiny.rows(4)
    with pytest.raises(UserError, match=message):
        score_predictions(CONFIG, rows, change(predict(rows, lambda _: say("A"))))

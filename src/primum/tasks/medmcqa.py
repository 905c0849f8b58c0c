"""MedMCQA as a structured-JSON classifier: the one parser and judge of its answers.

Decided once, for rewards and for evaluation alike:

* R1 ``json_valid``: the completion is one JSON object and nothing else (``primum.text.json_objects``).
* R2 ``schema_valid``: the object has exactly the three keys; ``predicted_category`` is "A".."D"; ``confidence`` is a
  JSON number in [0, 1] (``true`` is no number); ``reason`` is a string with something other than white space in it.
* R3 ``correct``: the object's ``predicted_category`` is the gold letter, whatever its other fields are (as in the
  seed).

The published evaluation stripped ``<think>`` and code fences before parsing while the published rewards did not; here
nobody strips.
"""

from __future__ import annotations

import json
from typing import ClassVar

from primum.errors import UserError
from primum.tasks.base import Choices, Example, Message, Metric, Task, Verdict
from primum.text.json_objects import read_object, why_no_object

LETTERS = ("A", "B", "C", "D")
KEYS = frozenset(("predicted_category", "confidence", "reason"))


class MedMCQA(Task):
    """Four options, one letter, stated as ``{"predicted_category", "confidence", "reason"}``."""

    name = "medmcqa"
    outcomes = ("json_valid", "schema_valid", "correct", "correct_and_schema_valid")
    reward_outcomes = ("json_valid", "schema_valid", "correct")
    metrics = (
        Metric("accuracy", "correct", label="Accuracy"),
        Metric("valid_json_rate", "json_valid", label="Valid JSON"),
        Metric("schema_pass_rate", "schema_valid", label="Schema pass"),
        Metric("accuracy_on_schema", "correct_and_schema_valid", ("schema_valid",), label="Accuracy on schema"),
    )
    key_metrics = ("accuracy",)
    states_confidence = True
    settings_fields: ClassVar[dict[str, type | tuple[type, ...]]] = {
        "system_prompt": str,
        "user_prompt": str,
        "gold_confidence": (int, float),
        "reason_max_chars": int,
    }

    def validate(self, example: Example) -> None:
        question, options = example.inputs.get("question"), example.inputs.get("options")
        if not isinstance(question, str) or not question.strip():
            raise UserError(f"Row '{example.id}' has no question.", "Mend or remove the row.")
        if (
            not isinstance(options, list)
            or len(options) != 4
            or not all(isinstance(o, str) and o.strip() for o in options)
        ):
            raise UserError(
                f"Row '{example.id}' does not have four options that say something.", "Mend or remove the row."
            )
        if example.gold.get("answer") not in LETTERS:
            raise UserError(
                f"Row '{example.id}' has no gold answer (A-D).", "Mend or remove the row: every row must be answerable."
            )

    def messages(self, example: Example) -> list[Message]:
        options = example.inputs["options"]
        fields = {
            "question": example.inputs["question"],
            **{f"op{letter.lower()}": o for letter, o in zip(LETTERS, options, strict=True)},
        }
        user = self.settings["user_prompt"].format_map(fields)
        system = self.settings["system_prompt"]
        return ([{"role": "system", "content": system}] if system else []) + [{"role": "user", "content": user}]

    def gold_completion(self, example: Example) -> str:
        answer = example.gold["answer"]
        explanation = " ".join(str(example.gold.get("explanation") or "").split())[
            : self.settings["reason_max_chars"]
        ].strip()
        reason = explanation or f"The answer is {example.inputs['options'][LETTERS.index(answer)]}."
        return json.dumps(
            {"predicted_category": answer, "confidence": self.settings["gold_confidence"], "reason": reason},
            ensure_ascii=False,
        )

    def judge(self, example: Example, text: str) -> Verdict:
        gold = example.gold.get("answer")
        obj = read_object(text)
        if obj is None:
            outcomes = {"json_valid": False, "schema_valid": False, "correct": False, "correct_and_schema_valid": False}
            return Verdict(outcomes, None, None, why_no_object(text), gold is not None)
        category, confidence, reason = obj.get("predicted_category"), obj.get("confidence"), obj.get("reason")
        answer = category if type(category) is str and category in LETTERS else None
        number = confidence if type(confidence) in (int, float) and 0 <= confidence <= 1 else None
        schema = (
            answer is not None
            and number is not None
            and type(reason) is str
            and not (not reason or reason.isspace())
            and obj.keys() == KEYS
        )
        correct = answer is not None and answer == gold
        why = "" if schema and correct else ("wrong letter" if schema else "wrong keys, types or values")
        outcomes = {
            "json_valid": True,
            "schema_valid": schema,
            "correct": correct,
            "correct_and_schema_valid": schema and correct,
        }
        return Verdict(outcomes, answer, number, why, gold is not None)

    def policies(self, example: Example) -> dict[str, str]:
        def say(letter: str) -> str:
            return json.dumps({"predicted_category": letter, "confidence": 0.95, "reason": "always the same"})

        fixed = {f"always_{letter}": say(letter) for letter in LETTERS}
        copy = self.messages(example)[-1]["content"]
        return fixed | {
            "empty": "",
            "fenced_json": f"```json\n{self.gold_completion(example)}\n```",
            "copy_question": copy,
            "bare_number": "85",
        }

    def choices(self, example: Example) -> Choices:
        return Choices('{"predicted_category": "', LETTERS)

    def permute(self, example: Example, shift: int) -> Example:
        options, gold = example.inputs["options"], dict(example.gold)
        order = [(i + shift) % 4 for i in range(4)]  # new position i holds the old option order[i]
        gold["answer"] = LETTERS[order.index(LETTERS.index(gold["answer"]))]
        return Example(
            example.id, {**example.inputs, "options": [options[i] for i in order]}, gold, example.kind, example.group
        )


TASK = MedMCQA

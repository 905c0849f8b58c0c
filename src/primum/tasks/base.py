"""The contract of a task: Example in, messages out; completion in, Verdict out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from primum.errors import UserError

Message = dict[str, str]  # {"role": "system" | "user" | "assistant", "content": text}


@dataclass(frozen=True, slots=True)
class Example:
    """One row of a split.

    Attributes:
        id: unique within the study.
        inputs: what the prompt is made from.
        gold: what a right answer is judged against; empty means unscorable.
        kind: example kind (for MedMCQA the subject): the key of subgroup tables.
        group: rows sharing a group are about the same thing (the key of clustered statistics).
    """

    id: str
    inputs: Mapping[str, Any]
    gold: Mapping[str, Any]
    kind: str = ""
    group: str = ""

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Example:
        """Build from one line of ``{split}.jsonl``."""
        return cls(row["id"], row["inputs"], row["gold"], row.get("kind", ""), row.get("group", ""))

    def to_row(self) -> dict[str, Any]:
        """The line of ``{split}.jsonl``."""
        return {
            "id": self.id,
            "inputs": dict(self.inputs),
            "gold": dict(self.gold),
            "kind": self.kind,
            "group": self.group,
        }


@dataclass(slots=True)
class Verdict:
    """What a completion was found to be. Exactly one a sample.

    Attributes:
        outcomes: the task's named booleans, all of them, always.
        answer: the extracted answer, or None.
        confidence: the stated confidence in [0, 1], or None.
        why: why the first failed outcome failed; empty when all hold.
        scorable: False when the example has no gold: then it is neither right nor wrong.
    """

    outcomes: dict[str, bool]
    answer: str | None = None
    confidence: float | None = None
    why: str = ""
    scorable: bool = True


@dataclass(frozen=True, slots=True)
class Metric:
    """A rate: share of samples with outcome ``of``, among those with an outcome of ``given`` (all when empty).

    With several outcomes in ``given``, which must exclude each other, it is the mean of the shares within each: a
    *balanced* rate, which no policy raises by serving the more frequent kind alone.

    Attributes:
        name: as tables have it.
        of: the outcome that is counted.
        given: the outcomes among which it is counted, each for itself.
        label: as a reader sees it.
        fault: the outcome is one, so that less of it is better.
    """

    name: str
    of: str
    given: tuple[str, ...] = ()
    label: str = ""
    fault: bool = False

    def strata(self) -> tuple[str, ...]:
        """The conditions, the empty one standing for every sample."""
        return self.given or ("",)


@dataclass(frozen=True, slots=True)
class Choices:
    """Candidates for log-likelihood scoring: ``prefix`` is what the assistant has said so far."""

    prefix: str
    letters: tuple[str, ...]


ANY_RULE = "any rule"  # all rules of a layer together, where each is told by itself


@dataclass(frozen=True, slots=True)
class Layered:
    """A completion as a task's safety layer lets it pass.

    Attributes:
        text: what a person is shown: the completion itself where nothing was corrected.
        corrections: ``{"rule", "field", "before", "after"}``, one a rule that asked for the change; empty for none.
    """

    text: str
    corrections: tuple[dict[str, str | None], ...] = ()


class Task(ABC):
    """A task turns examples into messages and completions into verdicts. Subclasses set the class fields."""

    name: ClassVar[str]
    outcomes: ClassVar[tuple[str, ...]]  # every boolean of a verdict, in order
    reward_outcomes: ClassVar[tuple[str, ...]]  # those a reward table may weigh
    penalties: ClassVar[tuple[str, ...]] = ()  # those of them that are faults: a table may fine them, and not pay them
    metrics: ClassVar[tuple[Metric, ...]]  # the first one is the study's headline
    key_metrics: ClassVar[tuple[str, ...]] = ()  # those of them that are never shown without the others
    references: ClassVar[tuple[str, ...]] = ()  # policies that stand beside every stage
    layer_outcomes: ClassVar[tuple[str, ...]] = ()  # what a safety layer can change: told of every row that it corrects
    exploit: ClassVar[str] = ""  # an outcome that looks like success and is none: what it earns is reported
    states_confidence: ClassVar[bool] = False  # verdicts have a confidence, so that calibration can be judged
    settings_fields: ClassVar[dict[str, type | tuple[type, ...]]] = {}

    def __init__(self, settings: Mapping[str, Any]) -> None:
        unknown = sorted(set(settings) - set(self.settings_fields))
        if unknown:
            raise UserError(
                f"Unknown key 'task_settings.{unknown[0]}' for task '{self.name}'.",
                f"Use one of: {', '.join(sorted(self.settings_fields))}.",
            )
        for key, kind in self.settings_fields.items():
            if key not in settings:
                raise UserError(
                    f"Missing key 'task_settings.{key}' for task '{self.name}'.", "Add it to the study's YAML."
                )
            if not isinstance(settings[key], kind) or (isinstance(settings[key], bool) and kind is not bool):
                raise UserError(
                    f"'task_settings.{key}' has the wrong type ({settings[key]!r}).", "See config/README.md."
                )
        self.settings = dict(settings)

    @abstractmethod
    def validate(self, example: Example) -> None:
        """Raise :class:`UserError`, naming the row and the remedy, if ``example`` cannot be asked and judged."""

    @abstractmethod
    def messages(self, example: Example) -> list[Message]:
        """The prompt: system and user turns, without the answer."""

    @abstractmethod
    def gold_completion(self, example: Example) -> str:
        """The assistant turn that SFT teaches; it must earn full marks."""

    @abstractmethod
    def judge(self, example: Example, text: str) -> Verdict:
        """Judge one completion. The only parser of model output."""

    @abstractmethod
    def policies(self, example: Example) -> dict[str, str]:
        """Completions of cheap policies that know nothing (for guards and baselines), by policy name."""

    def expected(self, example: Example) -> frozenset[str]:
        """Reward outcomes that hold for a right completion of ``example``; no other may."""
        return frozenset(self.reward_outcomes)

    def abstention(self, example: Example) -> str | None:
        """What an honest model says that does not know, or None where the task has no such answer.

        A task that has one tells in the outcome ``right`` whether a completion is as it should be.
        """
        return None

    def behaviour(self, example: Example, outcomes: Mapping[str, bool]) -> str:
        """What was expected and what was done, in words that can be counted where answers are free text."""
        return "answered"

    def choices(self, example: Example) -> Choices | None:
        """Candidates for log-likelihood scoring, or None where the task has none."""
        return None

    def layer(self, text: str) -> Layered | None:
        """A completion behind the task's safety layer, which sees what was said and nothing else; None without one."""
        return None

    def permute(self, example: Example, shift: int) -> Example | None:
        """The same question with its options rotated by ``shift``, or None where the task has none."""
        return None

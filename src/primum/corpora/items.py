"""What a teacher is asked to write: an endless, seeded sequence of briefs for every split and kind.

Facts, sums, rules and traps are dealt out once: held-out splits have their own, which no training split ever sees. A
brief depends on nothing but the seed, the split, the kind and its number: asking for more never changes what was asked.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from primum.corpora.resources import Fact, Resources, Trap
from primum.errors import UserError
from primum.files import dumps
from primum.teaching import Corpus
from primum.text.words import content, figures_with_units, tokens

TRAINING = "training"
DERIVED_SHARE = 0.3  # of reasoning items: those that take a computed step
SAME = 0.34  # share of a concept's words that a sum repeats, from which it tells the concept
BRIEF = "BRIEF"  # the line before the brief in every prompt
Dealt = TypeVar("Dealt", Fact, Trap)


@dataclass(frozen=True, slots=True)
class Item:
    """One example to be written.

    Attributes:
        id: ``{split}/{kind}/{number}``.
        group: what it is about; no group stands in a training and a held-out split.
        brief: what the teacher is told, as JSON.
        fact: the fact, sum or rule that has to be answered; None for a trap.
    """

    id: str
    split: str
    kind: str
    group: str
    brief: dict[str, Any]
    fact: Fact | None


class Items:
    """The sequences of one corpus.

    Args:
        corpus: sizes, seed and prompts (their texts).
        resources: what briefs are made of.
    """

    def __init__(self, corpus: Corpus, resources: Resources) -> None:
        self.corpus = corpus
        self.resources = resources
        self._dealt: dict[str, dict[str, list[Any]]] = {
            name: deal(getattr(resources, name), corpus, name) for name in ("concepts", "rules", "traps")
        }
        self._dealt["derived"] = follow(resources.derived, self._dealt["concepts"])

    def item(self, split: str, kind: str, number: int) -> Item:
        """The ``number``-th item of a kind for a split; 'compare' is a split of its own, dealt like training."""
        rng = random.Random(f"{self.corpus.seed}/{split}/{kind}/{number}")
        brief, group, fact = self._brief(kind, split if split in self.corpus.held_out else TRAINING, number, rng)
        return Item(f"{split}/{kind}/{number:05d}", split, kind, group, {"kind": kind, **brief}, fact)

    def messages(self, item: Item) -> list[dict[str, str]]:
        """The prompt of an item: the kind's instructions, then its brief."""
        text = self.corpus.prompts[item.kind]  # type: ignore[index]
        return [{"role": "user", "content": f"{text}\n\n{BRIEF}\n{dumps(item.brief, indent=1)}"}]

    def _brief(self, kind: str, part: str, number: int, rng: random.Random) -> tuple[dict[str, Any], str, Fact | None]:
        deck = self._dealt
        if kind == "refusal":
            trap = turn(deck["traps"][part], number)
            brief = {"question": rng.choice(trap.questions), "near": trap.near}
            others = self._others(part, None, rng, 2)
            return brief | self._patient(rng, brief["question"]) | others, trap.id, None
        if kind == "safety":
            rule = turn(deck["rules"][part], number)
            brief = self._asked(rule, rng)
            return brief | self._patient(rng, brief["question"]), rule.id, rule
        if kind == "reasoning" and rng.random() < DERIVED_SHARE and deck["derived"][part]:
            sum_ = rng.choice(deck["derived"][part])
            brief = self._asked(sum_, rng)
            return brief | self._patient(rng, "") | self._others(part, sum_, rng, 1), sum_.id, sum_
        fact = turn(deck["concepts"][part], number)
        brief = self._asked(fact, rng)
        if kind == "needle":
            return brief, fact.id, fact
        if kind == "anti_knowledge":
            sentences = rng.sample(self.resources.phrases["irrelevant"], 5)
            return {"question": brief["question"], "unrelated": sentences}, fact.id, fact
        if kind == "conflict":
            sources = rng.sample(
                ["referral letter", "discharge summary", "clinic note", "trial report", "transfer note"], 2
            )
            brief |= {"rival": rng.choice(fact.wrong), "sources": sources}
        return brief | self._patient(rng, "") | self._others(part, fact, rng, 2), fact.id, fact

    def _asked(self, fact: Fact, rng: random.Random) -> dict[str, Any]:
        brief = {"fact": rng.choice(fact.statements), "question": rng.choice(fact.questions), "answer": fact.value}
        return brief | ({"operation": fact.operation} if fact.operation else {})

    def _patient(self, rng: random.Random, question: str) -> dict[str, Any]:
        phrases = self.resources.phrases
        return {
            "patient": {
                "age": rng.choice(phrases["ages"]),
                "sex": _sex(question) or rng.choice(phrases["sexes"]),
                "presentation": rng.choice(phrases["presentations"]),
                "setting": rng.choice(phrases["settings"]),
                "imaging": rng.choice(phrases["imaging"]),
                "course": rng.sample(phrases["courses"], 2),
            }
        }

    def _others(self, part: str, fact: Fact | None, rng: random.Random, count: int) -> dict[str, Any]:
        """Statements of other facts that do not answer the question, so that the right one has to be found."""
        pool = [other for other in self._dealt["concepts"][part] if fact is None or other.category != fact.category]
        if len(pool) < count:
            raise UserError(
                f"Too few concepts of other categories to stand beside '{fact.id if fact else 'a trap'}'.",
                "Add concepts, or raise corpus.held_out_share.",
            )
        return {"others": [rng.choice(other.statements) for other in rng.sample(pool, count)]}


def _sex(question: str) -> str:
    """Of the child whom a question names: a daughter is no boy."""
    words = set(tokens(question))
    if words & {"she", "her", "daughter", "girl"}:
        return "girl"
    return "boy" if words & {"he", "his", "him", "son", "boy"} else ""


def deal(things: Sequence[Dealt], corpus: Corpus, name: str) -> dict[str, list[Dealt]]:
    """``things`` by part: the held-out splits share ``held_out_share`` of them by their sizes, training has the rest.

    Raises:
        UserError: if some part would have none.
    """
    order = list(things)
    random.Random(f"{corpus.seed}/deal/{name}").shuffle(order)
    sizes = {split: corpus.sizes[split] for split in corpus.held_out}
    parts: dict[str, list[Dealt]] = {}
    start = 0
    for split, size in sizes.items():
        count = max(1, round(len(order) * corpus.held_out_share * size / sum(sizes.values())))
        parts[split] = order[start : start + count]
        start += count
    parts[TRAINING] = order[start:]
    if not all(parts.values()):
        raise UserError(
            f"Too few {name} for the held-out splits and training.", "Add some, or lower corpus.held_out_share."
        )
    return parts


def follow(sums: Sequence[Fact], dealt: dict[str, list[Fact]]) -> dict[str, list[Fact]]:
    """Sums by part: each goes where the concepts lie whose figures it repeats; one that tells those of two is left out.

    A concept is repeated where a sentence shares its figure, or has it for a result, and a third of its words.
    """
    parts: dict[str, list[Fact]] = {part: [] for part in dealt}
    for fact in sums:
        own = set(content(tokens(fact.statements[0])))
        figures = {n for text in (fact.statements[0], fact.value) for n in figures_with_units(tokens(text))}
        where = {
            part
            for part, concepts in dealt.items()
            for concept in concepts
            if figures & set(figures_with_units(tokens(concept.value)))
            and any(
                len(own & set(words)) >= SAME * len(set(words))
                for s in concept.statements
                if (words := content(tokens(s)))
            )
        }
        if len(where) <= 1:
            parts[where.pop() if where else TRAINING].append(fact)
    return parts


def turn(deck: Sequence[Dealt], number: int) -> Dealt:
    """Each in turn, so that all are asked about equally often."""
    return deck[number % len(deck)]


def quotas(size: int, composition: dict[Any, float]) -> dict[str, int]:
    """Rows of each kind that add up to ``size``, by largest remainder."""
    exact = {kind: size * share for kind, share in composition.items()}
    counts = {kind: int(value + 1e-9) for kind, value in exact.items()}
    short = size - sum(counts.values())
    for kind in sorted(exact, key=lambda kind: (counts[kind] - exact[kind], kind))[:short]:
        counts[kind] += 1
    return dict(sorted(counts.items()))

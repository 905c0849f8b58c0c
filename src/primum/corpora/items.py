"""What a teacher is asked to write: an endless, seeded sequence of briefs for every split and kind.

Facts, sums, rules and traps are dealt out once: held-out splits have their own, which no training split ever sees. A
brief depends on nothing but the seed, the split, the kind and its number: asking for more never changes what was asked.

What is asked (a concept, a sum, a rule, a patient's detail), how many sources are named, and what stands beside the
asked sentence are drawn alike for rows that can be answered and for rows that cannot: whether to abstain has to be
read. ``primum.corpora.surface`` measures how far that holds.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from primum.corpora.neighbours import Neighbours
from primum.corpora.resources import Fact, Resources, Trap
from primum.errors import UserError
from primum.files import dumps
from primum.teaching import Corpus
from primum.text.words import content, figures_with_units, tokens

TRAINING = "training"
# What is asked, by kind: in the study's composition each sort of question goes unanswered in about 40 % of its rows.
ASKED = {
    "reasoning": {"concepts": 0.50, "traps": 0.31, "derived": 0.19},
    "needle": {"concepts": 0.80, "traps": 0.20},
    "refusal": {"concepts": 0.35, "rules": 0.28, "traps": 0.22, "derived": 0.15},
    "anti_knowledge": {"concepts": 0.50, "traps": 0.20, "rules": 0.15, "derived": 0.15},
    "conflict": {"concepts": 0.70, "traps": 0.30},
    "safety": {"rules": 1.0},
}
# How often two sources tell the asked sentence, or what stands in its place, and how often one does. Of all rows with
# two, about two fifths cannot be answered.
SOURCES = {"reasoning": (0.55, 0.15), "refusal": (0.15, 0.25), "conflict": (1.0, 0.0), "safety": (0.15, 0.25)}
NAMED_BESIDE = 0.15  # how often a sentence that stands beside it has a source
SOURCE_NAMES = ("referral letter", "discharge summary", "clinic note", "trial report", "transfer note")
GOLDEN = 0.6180339887498949  # its multiples spread evenly: any stretch of numbers has the shares above
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
        fact: the fact, sum, rule or detail that is asked for, whether or not it can be answered; None for a trap.
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
        self._beside = Neighbours(resources, self._dealt)
        self._sorts: dict[str, list[tuple[str, int]]] = {kind: [] for kind in ASKED}
        self._orders: dict[tuple[str, str, str], list[Any]] = {}

    def item(self, split: str, kind: str, number: int) -> Item:
        """The ``number``-th item of a kind for a split; 'compare' is a split of its own, dealt like training."""
        rng = random.Random(f"{self.corpus.seed}/{split}/{kind}/{number}")
        brief, group, fact = self._brief(kind, split, number, rng)
        return Item(f"{split}/{kind}/{number:05d}", split, kind, group, {"kind": kind, **brief}, fact)

    def messages(self, item: Item) -> list[dict[str, str]]:
        """The prompt of an item: the kind's instructions, then its brief."""
        text = self.corpus.prompts[item.kind]  # type: ignore[index]
        return [{"role": "user", "content": f"{text}\n\n{BRIEF}\n{dumps(item.brief, indent=1)}"}]

    def _brief(self, kind: str, split: str, number: int, rng: random.Random) -> tuple[dict[str, Any], str, Fact | None]:
        part = split if split in self.corpus.held_out else TRAINING
        thing = self._thing(kind, split, part, number)
        trap = thing if isinstance(thing, Trap) else None
        fact: Fact = trap.fact(rng.choice(trap.values)) if trap else thing
        question = rng.choice(unsolved(fact) if kind in ("refusal", "anti_knowledge") else fact.questions)
        advice = {"advice": True} if fact.id.startswith("rule/") and kind != "safety" else {}
        if kind == "anti_knowledge":
            unrelated = self._beside.unrelated(part, question, fact, rng)
            return {"question": question, "unrelated": unrelated} | advice, fact.id, fact
        told = {"fact": rng.choice(fact.statements), "question": question, "answer": fact.value}
        if kind == "needle":
            return told, fact.id, fact
        told |= {"operation": fact.operation} if fact.operation else {}
        again = rng.choice(fact.statements)
        if kind == "refusal":
            near = trap.near if trap else self._beside.instead(part, question, fact, rng)
            told, again = {"question": question, "near": near} | advice, near
        elif kind == "conflict":
            told["rival"] = rng.choice(fact.wrong)
        two, one = SOURCES[kind]
        drawn = rng.random()
        count = 2 if drawn < two and not fact.operation else 1 if drawn < two + one else 0
        names = rng.sample(SOURCE_NAMES, 3)
        if count:
            told |= {"sources": names[:count]} | ({"again": again} if count == 2 else {})
        # A detail and what comes near one stand in equally many rows of either sort.
        detail = kind == "refusal" if trap else rng.random() < 0.5
        others = [self._beside.of_patient(part, question, rng, detail, trap)]
        if count < 2:
            there = [told.get("fact", ""), told.get("near", "")]
            miss = self._beside.near_miss(part, question, None if trap else fact, rng, there)
            if kind == "refusal" and fact.id.startswith("concept/") and self._beside.nearer(part, question, miss, near):
                told["near"], miss = miss, near
            others.insert(0, miss)
            if rng.random() < NAMED_BESIDE:
                others[-1] = f"The {names[2]} says: {others[-1]}"
        told |= {"others": others} | self._patient(rng, question, 2 - count)
        return told, fact.id, None if trap and kind == "refusal" else fact

    def _thing(self, kind: str, split: str, part: str, number: int) -> Any:
        """What is asked about: its sort by the shares of the kind, then each of a sort in turn, in an order of its own.

        Kinds take facts in different orders: that a fact is asked about says nothing of whether it can be answered.
        """
        sorts = self._sorts[kind]
        while len(sorts) <= number:
            name = drawn(ASKED[kind], len(sorts))
            sorts.append((name, sum(name == other for other, _ in sorts)))
        name, rank = sorts[number]
        if not self._dealt[name][part]:  # a small part may have no sum
            name, rank = "concepts", number
        key = (name, split, kind)
        if key not in self._orders:
            order = list(self._dealt[name][part])
            random.Random(f"{self.corpus.seed}/order/{split}/{kind}/{name}").shuffle(order)
            self._orders[key] = order
        return turn(self._orders[key], rank)

    def _patient(self, rng: random.Random, question: str, fillers: int) -> dict[str, Any]:
        """The invented child, and sentences that say nothing of the matter; fewer where sources take the room."""
        phrases = self.resources.phrases
        return {
            "patient": {
                "age": rng.choice(phrases["ages"]),
                "sex": _sex(question) or rng.choice(phrases["sexes"]),
                "presentation": rng.choice(phrases["presentations"]),
                "setting": rng.choice(phrases["settings"]),
                "imaging": rng.choice(phrases["imaging"]),
                "course": rng.sample([*phrases["courses"], *phrases["irrelevant"]], min(fillers, 1)),
            }
        }


def drawn(shares: dict[str, float], number: int) -> str:
    """The sort of the ``number``-th item: evenly spread, so that any stretch of items has about the shares."""
    place = number * GOLDEN % 1 * sum(shares.values())
    for name, share in shares.items():
        place -= share
        if place < 0:
            return name
    return next(reversed(shares))


def unsolved(fact: Fact) -> tuple[str, ...]:
    """The wordings of a question that do not give both figures of the sum themselves."""
    figures = set(fact.operation.split()[::2])
    left = tuple(q for q in fact.questions if not figures or not figures <= set(tokens(q)))
    return left or fact.questions


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

"""A draft -> a row, or the reason why not. Every check that a rule can make of one example by itself.

The facts of the brief are the truth here: a teacher chooses words, never what is right. So the question is the brief's,
the gold key is the fact's value, and a draft whose answer is another is a wrong answer, however well it is quoted.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from primum.corpora.drafts import Draft, Rejected
from primum.corpora.haystack import hide
from primum.corpora.items import Item
from primum.data.similarity import normalise
from primum.tasks.base import Example
from primum.tasks.grounded_answer import GroundedAnswer
from primum.text.abstention import abstains
from primum.text.answers import holds, invented
from primum.text.grounding import ungrounded
from primum.text.words import PLAIN, content, figures_with_units, sentences, tokens

EXPECTS = {"refusal": "abstain", "anti_knowledge": "abstain", "conflict": "conflict"}  # the other kinds: an answer
HIDDEN = ("needle", "anti_knowledge")  # what stands among axioms: the asked sentence, or one about something else
ANSWERED = 0.75  # share of a trap's words in one sentence from which that sentence seems to answer it
OWN = 0.7  # share of a sentence's words that the brief has, from which it is the brief's
ON_TOPIC = 0.5  # share of a question's words in a context that is said to be about something else
REASONS = {  # of the judge's outcomes, in the order in which they are looked at
    "format_mismatch": "format",
    "missing_trace": "ungrounded_quote",
    "hallucinated_trace": "ungrounded_quote",
    "hallucination": "unsupported_answer",
    "conflict_penalty": "answered_a_trap",
    "abstain_penalty": "answered_a_trap",
    "over_abstention": "refused_answerable",
    "incorrect_answer": "wrong_answer",
    "proof_inconsistency": "unsupported_answer",
}


class Filter:
    """The checks of one study.

    Args:
        task: its judge is the one that training and evaluation use.
        axioms: what needles are hidden among.
        bounds: fewest and most of them.
        seed: of the haystacks.
    """

    def __init__(self, task: GroundedAnswer, axioms: Sequence[str], bounds: tuple[int, int], seed: int) -> None:
        self._task = task
        self._axioms = axioms
        self._bounds = bounds
        self._seed = seed

    def row(self, draft: Draft, item: Item) -> tuple[Example, dict[str, Any]]:
        """The example, and what else is recorded of it.

        Raises:
            Rejected: with the first reason found.
        """
        if normalise(draft.question) != normalise(item.brief["question"]):
            raise Rejected("other_question", draft.question[:80])
        self._grounded(draft)
        record: dict[str, Any] = {}
        context = draft.context
        if item.kind in HIDDEN and item.fact:
            rng = random.Random(f"{self._seed}/haystack/{item.id}")
            context, record["haystack"] = hide(context, item.fact.value, self._axioms, self._bounds, rng)
        self._content(draft, item, context)
        known = [draft.context, draft.question, *map(str, item.brief.values())]
        if figure := invented(draft.think, known):
            raise Rejected("unsupported_think", f"its reasoning has {figure}, which the brief has not")
        example = self._example(draft, item, context)
        verdict = self._task.judge(example, self._task.gold_completion(example))
        held = {name for name in self._task.reward_outcomes if verdict.outcomes[name]}
        if held != self._task.expected(example):
            reason = next((word for name, word in REASONS.items() if verdict.outcomes[name]), "conflict_not_named")
            raise Rejected(reason, verdict.why)
        return example, record

    def _grounded(self, draft: Draft) -> None:
        limit = self._task.settings["min_quote_chars"]
        for quote in draft.proof:
            if why := ungrounded(quote, draft.context, limit):
                raise Rejected("ungrounded_quote", f"{why}: {quote[:80]}")

    def _content(self, draft: Draft, item: Item, context: str) -> None:
        """What the kind promises has to be so: an answer that is there, a trap that is one, a contradiction."""
        words, question = tokens(draft.context), draft.question
        value = item.fact.value if item.fact else ""
        if item.kind in ("refusal", "anti_knowledge") and item.fact:
            there, figures = tokens(context), set(item.fact.operation.split()[::2])
            if holds(there, value, question, rate=True) or (figures and figures <= {*there, *tokens(question)}):
                raise Rejected("answerable", f"the context holds '{value}'")
        if item.kind == "refusal":
            others = [*item.brief.get("others", ()), *_patient(item.brief.get("patient") or {})]
            told = [" ".join([item.brief["near"], *item.brief.get("sources", ())]), *others]
            if answering := next((s for s in sentences(draft.context) if _answers(s, question, told)), ""):
                raise Rejected("answerable", answering[:80])
        elif item.kind == "anti_knowledge":
            asked = set(content(tokens(question)))
            if asked and len(asked & set(content(tokens(context)))) / len(asked) >= ON_TOPIC:
                raise Rejected("on_topic", "the context shares most of the question's words")
        elif item.kind == "conflict":
            both = [
                v
                for v in (value, item.brief["rival"])
                if any(holds(tokens(q), v, question, rate=True) for q in draft.proof)
            ]
            if len(both) < 2:
                raise Rejected("no_conflict", "its quotes do not hold both of the statements")
        elif item.fact and item.fact.operation:
            wanted = item.fact.operation.split()[::2]
            if not set(wanted) <= set(words):
                raise Rejected("context_without_fact", f"not both of {' and '.join(wanted)}")
        elif not holds(words, value, question, rate=True):
            raise Rejected("context_without_fact", f"'{value}' is not in the context")

    def _example(self, draft: Draft, item: Item, context: str) -> Example:
        expects = EXPECTS.get(item.kind, "answer")
        fact = item.fact if expects == "answer" else None
        gold: dict[str, Any] = {
            "answer": draft.answer,
            "proof": list(draft.proof),
            "think": draft.think,
            "key": fact.value if fact else "",
            "alternatives": list(fact.wrong) if fact else [],  # of a contradiction: both sides
            "expects": expects,
        }
        if expects == "conflict" and item.fact:
            gold["alternatives"] = [item.fact.value, item.brief["rival"]]
        if fact and fact.operation:
            gold["operation"] = fact.operation
        return Example(item.id, {"context": context, "question": draft.question}, gold, item.kind, item.group)


def _patient(patient: dict[str, Any]) -> list[str]:
    told = [str(patient.get(key, "")) for key in ("presentation", "setting", "imaging")]
    return [*told, *patient.get("course", ())]


def _answers(sentence: str, question: str, told: Sequence[str]) -> bool:
    """Whether a sentence may tell what is asked. What the brief itself has told is known not to.

    Otherwise, of a sentence in the teacher's own words, one distinctive word of the question, or a figure that the
    brief does not have, will do.
    """
    if abstains(sentence):
        return False
    asked = {word for word in content(tokens(question)) if word not in PLAIN}
    words = set(content(tokens(sentence)))
    known = {word for text in told for word in content(tokens(text))}
    if len(words & known) >= OWN * len(words):
        return bool(asked) and any(len(asked & set(content(tokens(t)))) / len(asked) >= ANSWERED for t in told[1:])
    figures = {number for text in (*told, question) for number in figures_with_units(tokens(text))}
    own_figure = any(n not in figures and n[1] != "year" for n in figures_with_units(tokens(sentence)))
    stems = {word[:5] for word in asked if len(word) > 4}
    return own_figure or bool(stems & {word[:5] for word in words})

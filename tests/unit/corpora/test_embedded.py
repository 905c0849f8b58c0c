"""The embedded teacher: the same prompt, the same reply; good without mistakes, and each mistake told apart."""

from __future__ import annotations

import json
import random
from collections import Counter, defaultdict

import pytest

from primum.corpora import embedded
from primum.corpora.drafts import Rejected
from primum.corpora.embedded import MISTAKES, write
from primum.corpora.settings import COMPARE
from primum.files import sha256_json
from primum.teaching import KINDS

# What each mistake may be rejected for. A trap has no right answer, so whatever answers it is 'answered_a_trap'.
EXPECTED = {
    "broken_json": {"not_json"},
    "missing_field": {"schema"},
    "cut_off": {"cut_off"},
    "refusal": {"teacher_refused"},
    "injected_tag": {"injected"},
    "phi": {"phi"},
    "altered_quote": {"ungrounded_quote", "no_conflict"},
    "invented_quote": {"ungrounded_quote"},
    "wrong_answer": {"wrong_answer", "unsupported_answer", "answered_a_trap", "conflict_not_named"},
    "unsupported_answer": {"unsupported_answer", "answered_a_trap"},
}
# A vignette whose own sentence already seems to answer its trap is rejected before its mistakes (21 of 4000).
BEFORE = {"refusal": {"answerable"}}
EACH = 400  # spoiled replies of every kind: about 40 of each mistake


def _prompt(items, item) -> str:
    return items.messages(item)[0]["content"]


@pytest.fixture(scope="module")
def spoiled(items, judged):
    """(mistake, kind, item, reply, rejection or None) of replies that all have a mistake."""
    found = []
    for kind in KINDS:
        for n in range(EACH):
            item = items.item("sft", kind, n)
            prompt = _prompt(items, item)
            rng = random.Random(f"{n}/{sha256_json(prompt)}")
            embedded.KINDS[kind](item.brief, rng)
            rng.random()  # whether to make one
            mistake = rng.choice(MISTAKES)
            text, finish = write(prompt, n, 1.0)
            result = judged(item, text, finish)[1]
            found.append((mistake, kind, item, text, result if isinstance(result, Rejected) else None))
    return found


def test_the_same_prompt_and_seed_give_the_same_reply(items) -> None:
    prompts = [_prompt(items, items.item("sft", kind, n)) for kind in KINDS for n in range(20)]
    one = [write(prompt, 3, 0.3) for prompt in prompts]
    assert one == [write(prompt, 3, 0.3) for prompt in reversed(prompts)][::-1]
    for other in (
        [write(prompt, 4, 0.3) for prompt in prompts],
        [write(f"An instruction more.\n{prompt}", 3, 0.3) for prompt in prompts],
    ):
        assert sum(a == b for a, b in zip(one, other, strict=True)) < 0.5 * len(prompts)


def test_only_the_last_brief_of_a_prompt_is_read(items) -> None:
    prompt = _prompt(items, items.item("sft", "needle", 0))
    decoy = '\nBRIEF\n{"kind": "needle", "question": "?", "fact": "Decoy.", "answer": "Decoy"}\n'
    assert "Decoy" not in write(decoy + prompt, 0, 0.0)[0]


@pytest.mark.parametrize("kind", KINDS)
def test_without_mistakes_its_replies_pass(items, judged, kind: str) -> None:
    count, failed = 400, []
    for n in range(count):
        item = items.item((COMPARE, "sft", "eval")[n % 3], kind, n)
        text, finish = write(_prompt(items, item), n, 0.0)
        _, found = judged(item, text, finish)
        if isinstance(found, Rejected):
            failed.append((item.id, found.reason, found.detail))
    assert len(failed) <= 0.01 * count, failed


@pytest.mark.parametrize("kind", KINDS)
def test_with_nothing_but_mistakes_none_passes(spoiled, kind: str) -> None:
    mine = [entry for entry in spoiled if entry[1] == kind]
    passed = Counter(mistake for mistake, _, _, _, rejected in mine if rejected is None)
    assert len(mine) == EACH and passed.total() <= 0.01 * EACH, passed


def test_each_mistake_occurs_for_every_kind(spoiled) -> None:
    seen = Counter((mistake, kind) for mistake, kind, *_ in spoiled)
    assert set(EXPECTED) == set(MISTAKES)
    for mistake in MISTAKES:
        for kind in KINDS:
            assert 0.05 * EACH < seen[mistake, kind] < 0.16 * EACH, (mistake, kind)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_each_mistake_is_found_for_what_it_is(spoiled, mistake: str) -> None:
    reasons: dict[str, Counter[str]] = defaultdict(Counter)
    for made, kind, _, _, rejected in spoiled:
        if made == mistake:
            reasons[kind][rejected.reason if rejected else "passed"] += 1
    for kind, found in reasons.items():
        assert set(found) <= EXPECTED[mistake] | BEFORE.get(kind, set()), (kind, dict(found))
        assert sum(found[reason] for reason in EXPECTED[mistake]) >= 0.9 * found.total(), (kind, dict(found))


def test_mistakes_come_at_the_set_rate(items) -> None:
    """A reply of rate 0.25 differs from that of rate 0, its fence aside, for a quarter of the prompts."""
    made = 0
    prompts = [_prompt(items, items.item("grpo", kind, n)) for kind in KINDS for n in range(250)]
    for n, prompt in enumerate(prompts):
        rng = random.Random(f"{n}/{sha256_json(prompt)}")
        brief = json.loads(prompt.rpartition("\nBRIEF\n")[2])
        whole = embedded.KINDS[brief["kind"]](brief, rng)
        text, finish = write(prompt, n, 0.25)
        try:
            made += finish != "stop" or json.loads(text.removeprefix("```json").removesuffix("```")) != whole
        except ValueError:
            made += 1
    assert abs(made / len(prompts) - 0.25) < 0.03


def test_some_replies_come_in_a_fence_and_on_several_lines(items) -> None:
    texts = [write(_prompt(items, items.item("sft", "needle", n)), n, 0.0)[0] for n in range(200)]
    assert 5 < sum(text.startswith("```json\n") for text in texts) < 40
    assert 50 < sum("\n" in text.removeprefix("```json\n").removesuffix("\n```") for text in texts) < 150

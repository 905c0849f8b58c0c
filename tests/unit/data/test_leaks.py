"""Same questions and near-duplicates across splits."""

from __future__ import annotations

import random
from itertools import product

import pytest

from primum.data.leaks import find_leaks, refuse, word_pairs
from primum.errors import UserError
from primum.tasks.base import Example


def _example(row_id, question, options=("alpha", "beta", "gamma", "delta")):
    return Example(row_id, {"question": question, "options": list(options)}, {"answer": "A"})


def test_same_question_whatever_its_spelling_and_option_order():
    a = _example("a", "Which  vitamin is Needed?", ("Zinc", "Iron", "Gold.", "Tin"))
    b = _example("b", "which vitamin is needed", ("tin", "gold", "IRON", "zinc "))
    c = _example("c", "which vitamin is needed", ("tin", "gold", "lead", "zinc"))
    (leak,) = find_leaks({"one": [a], "two": [b], "three": [c]}, 0.95)
    assert leak.same and leak.ids == ("a", "b") and leak.splits == ("one", "two") and leak.similarity == 1
    assert not find_leaks({"one": [a, b], "two": [_example("d", "Something else altogether")]}, 0.95)


def test_symbols_make_questions_differ():
    a, b = _example("a", "+?", ("Na+", "K+", "1", "2")), _example("b", "+?", ("Na-", "K+", "1", "2"))
    (leak,) = find_leaks({"one": [a], "two": [b]}, 0.8)  # the same words, so as near as can be, but not the same
    assert not leak.same


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.8, 1.0])
def test_finds_what_comparing_every_pair_finds(threshold):
    rng = random.Random(0)
    words = [f"w{i}" for i in range(60)]
    texts = [[rng.choice(words) for _ in range(24)] for _ in range(40)]
    copies = []
    for text in texts:  # each original beside copies with one to eight words changed
        for changes in range(9):
            copy = list(text)
            for place in rng.sample(range(24), changes):
                copy[place] = rng.choice(words)
            copies.append(copy)
    one = [_example(f"a{i}", " ".join(text)) for i, text in enumerate(texts)]
    two = [_example(f"b{i}", " ".join(text)) for i, text in enumerate(copies)]
    pairs = {example.id: word_pairs(example) for example in (*one, *two)}

    def similarity(a, b):
        return len(pairs[a.id] & pairs[b.id]) / len(pairs[a.id] | pairs[b.id])

    expected = {(a.id, b.id) for a, b in product(one, two) if similarity(a, b) >= threshold}
    found = find_leaks({"one": one, "two": two}, threshold)
    assert {leak.ids for leak in found} == expected and len(found) == len(expected) >= 40
    assert found == find_leaks({"one": one, "two": two}, threshold)


def test_refusal_names_five_pairs_and_the_total():
    leaks = find_leaks(
        {
            "sft": [_example(f"s{i}", f"Q {i} x") for i in range(7)],
            "eval": [_example(f"e{i}", f"q {i} x") for i in range(7)],
        },
        0.99,
    )
    assert len(leaks) == 7
    with pytest.raises(UserError) as caught:
        refuse(leaks)
    assert "7 question(s)" in caught.value.message and caught.value.message.count("(sft)") == 5
    assert "s0 (sft) and e0 (eval)" in caught.value.message and "data.exclude" in caught.value.remedy
    refuse([])

"""Surface: a coin on rows without a tell, nearly all on rows with one, and the tiny corpus near a coin."""

from __future__ import annotations

import random

import pytest

from primum.corpora.surface import answerable, chance, overlap, surface
from primum.files import dumps

WORDS = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau".split()
BOUND = 0.65


def _row(number: int, context: str, question: str, expects: str) -> dict:
    gold = {"expects": expects}
    return {"id": f"r/{number}", "inputs": {"context": context, "question": question}, "gold": gold}


def _rows(count: int, seed: int, tell: str = "", asked: str = "") -> list[dict]:
    """Random words; those that cannot be answered have ``tell`` in the context and ``asked`` in the question."""
    rng = random.Random(seed)
    rows = []
    for number in range(count):
        expects = rng.choice(("answer", "answer", "answer", "abstain", "conflict"))
        context, question = (" ".join(rng.choices(WORDS, k=size)) for size in (40, 8))
        if expects != "answer":
            context, question = f"{context}. {tell}", f"{question} {asked}"
        rows.append(_row(seed * count + number, context, question, expects))
    return rows


def test_without_a_tell_a_classifier_is_a_coin() -> None:
    found = surface(_rows(600, 1), _rows(300, 2))
    for name in ("question", "context", "both"):
        assert abs(found[name]["value"] - 0.5) < 0.1, name
        assert found[name]["low"] < 0.5 < found[name]["high"], name
    assert found["rows"] == 300 and 0.5 < found["answerable"] < 0.7


@pytest.mark.parametrize(
    ("tell", "asked", "seen"),
    [
        ("The letter says so", "", ("context", "both")),
        ("", "of this child", ("question", "both")),
        ("The letter says so", "of this child", ("question", "context", "both")),
    ],
)
def test_a_tell_is_found_where_it_stands(tell: str, asked: str, seen: tuple[str, ...]) -> None:
    found = surface(_rows(600, 1, tell, asked), _rows(300, 2, tell, asked))
    for name in ("question", "context", "both"):
        assert (found[name]["value"] > 0.9) == (name in seen), (name, found[name])


def test_a_rare_class_is_not_given_up_for_a_common_one() -> None:
    """Balanced: a tell of one row in ten counts as much as one of half of them."""

    def some(count: int, seed: int) -> list[dict]:
        rows = _rows(count, seed, "The letter says so")
        return [row for n, row in enumerate(rows) if answerable(row) or n % 6 == 0]

    assert surface(some(900, 1), some(900, 2))["context"]["value"] > 0.9


def test_a_deliberately_leaky_corpus_is_found(made, job) -> None:
    """The rows of the tiny corpus, with the tells that it once had put back."""
    leaky = []
    for row in made.rows:
        expects = row["gold"]["expects"]
        tell = {"conflict": " The clinic note says: it is so.", "abstain": " The form was not filled in."}.get(
            expects, ""
        )
        leaky.append(row | {"inputs": row["inputs"] | {"context": row["inputs"]["context"] + tell}})
    train, test = _parts(leaky, job)
    found = surface(train, test)
    assert found["context"]["value"] > 0.9 and found["both"]["value"] > 0.9
    assert found["question"]["value"] < BOUND


def _parts(rows, job):
    train = [row for row in rows if row["origin"] not in job.corpus.held_out]
    return train, [row for row in rows if row["origin"] in job.corpus.held_out]


def test_the_tiny_corpus_has_to_be_read(made, job) -> None:
    """The bound is chance, and twice what a coin strays from it at these sizes: 0.5 + 2 x 0.058, below 0.65."""
    train, test = _parts(made.rows, job)
    found = surface(train, test)
    bound = 0.5 + 2 * (found["chance"] - 0.5)
    assert bound < BOUND
    for name in ("question", "context", "both"):
        assert found[name]["value"] <= bound, (name, found[name])
    assert found["answerable"] == pytest.approx(0.6)
    # Reading begins with the sentence that speaks of what is asked: that may tell something, and not everything.
    assert 0.55 < found["overlap"]["value"] < 0.8


def test_chance_is_the_end_of_the_interval_of_a_coin() -> None:
    """Simulated: of 2,000 coins on 60 and 40 rows about 2.5 % come further."""
    rows = [_row(n, "a", "b", "answer" if n < 60 else "abstain") for n in range(100)]
    rng = random.Random(0)
    limit, beyond = chance(rows), 0
    for _ in range(2000):
        heads = [sum(rng.random() < 0.5 for _ in range(size)) / size for size in (60, 40)]
        beyond += sum(heads) / 2 > limit
    assert 0.015 < beyond / 2000 < 0.035


def test_overlap_is_of_the_best_sentence() -> None:
    assert overlap(_row(0, "Alpha beta. Gamma delta beta alpha.", "Alpha beta delta zeta?", "answer")) == 0.75
    assert overlap(_row(0, "Nothing.", "Alpha beta?", "answer")) == 0.0
    assert overlap(_row(0, "Nothing.", "Who is it?", "answer")) == 0.0


def test_rows_of_one_sort_are_not_measured() -> None:
    rows = _rows(50, 1)
    same = [row for row in rows if answerable(row)]
    assert surface(same, rows) == surface(rows, same) == surface([], rows) == surface(rows, []) == {}


def test_the_order_of_rows_does_not_matter() -> None:
    train, test = _rows(200, 1, "The letter says so"), _rows(100, 2, "The letter says so")
    assert dumps(surface(train, test)) == dumps(surface(train[::-1], test[::-1]))

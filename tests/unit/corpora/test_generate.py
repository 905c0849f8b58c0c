"""Generation: quotas to the row, an order that no teacher decides, and nothing kept that stands there already."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from primum.corpora import embedded
from primum.corpora.generate import ROOM, Seen, check_composition, describe, generate
from primum.corpora.items import quotas
from primum.data.similarity import jaccard, normalise, sketches, word_pairs
from primum.errors import UserError
from primum.files import dumps, read_jsonl, write_jsonl
from primum.tasks.base import Example
from tests.unit.corpora.conftest import Asks, embedded_asks

SORRY = "I'm sorry, but I can't help with that."


def _generate(job, parts, asks, **keys):
    task, items, checks = parts
    corpus = job.corpus.model_copy(update=keys)
    return generate(corpus, "someone", asks, items, task, checks)


def _tally(rows):
    return Counter((row["origin"], row["kind"]) for row in rows)


def test_every_quota_is_met_to_the_row(job, made) -> None:
    wanted = {
        (split, kind): n
        for split, size in job.corpus.sizes.items()
        for kind, n in quotas(size, job.corpus.composition).items()
    }
    assert _tally(made.rows) == wanted and len(made.rows) == sum(job.corpus.sizes.values()) == 900
    positive = sum(row["kind"] in ("reasoning", "needle") for row in made.rows)
    safety = sum(row["kind"] == "safety" for row in made.rows)
    assert (positive, safety) == (450, 90)


@pytest.mark.parametrize("sizes", [{"sft": 1, "dev": 1, "eval": 1}, {"sft": 37, "dev": 3, "eval": 11}])
def test_odd_sizes_are_met_too(job, parts, shrunk, sizes) -> None:
    made = _generate(shrunk(sizes=sizes), parts, embedded_asks())
    assert Counter(row["origin"] for row in made.rows) == sizes


def test_the_composition_is_counted_from_the_rows(job, made) -> None:
    check_composition(made.rows, job.corpus)
    row = next(row for row in made.rows if row["kind"] == "safety")
    for rows in (
        [other for other in made.rows if other is not row],
        [*made.rows, row],
        [row | {"kind": "needle"} if other is row else other for other in made.rows],
        [
            row | {"origin": "sft" if row["origin"] != "sft" else "eval"} if other is row else other
            for other in made.rows
        ],
    ):
        with pytest.raises(AssertionError):
            check_composition(rows, job.corpus)


def test_rows_do_not_depend_on_the_order_of_replies(job, parts, shrunk, tmp_path) -> None:
    small = shrunk()
    one, two = embedded_asks(rate=0.3), embedded_asks(rate=0.3, backwards=True)
    made = [_generate(small, parts, asks) for asks in (one, two)]
    assert one.asked != two.asked and sorted(one.asked) == sorted(two.asked)
    for name in ("rows", "rejected"):
        for number, corpus in enumerate(made):
            write_jsonl(tmp_path / f"{name}{number}", getattr(corpus, name))
        assert (tmp_path / f"{name}0").read_bytes() == (tmp_path / f"{name}1").read_bytes()
        ids = [row["id"] for row in getattr(made[0], name)]
        assert ids == sorted(ids) and ids
    assert made[0].counts == made[1].counts and made[0].usage == made[1].usage


def test_items_are_taken_by_number_and_the_rest_is_surplus(made) -> None:
    """The kept and the rejected of a kind are the first of its items, without a gap; what comes behind is to spare."""
    spare = 0
    for split, kinds in made.counts.items():
        for kind, count in kinds.items():
            assert count["kept"] == count["wanted"]
            rejected = sum(count["rejected"].values())
            assert count["asked"] == count["kept"] + rejected + count["surplus"]
            numbers = sorted(
                int(row["id"].rpartition("/")[2])
                for row in (*made.rows, *made.rejected)
                if row["id"].startswith(f"{split}/{kind}/")
            )
            assert numbers == list(range(count["kept"] + rejected))
            spare += count["surplus"]
    assert spare > 0
    assert Counter(row["reason"] for row in made.rejected) == sum(
        (count["rejected"] for kinds in made.counts.values() for count in kinds.values()), Counter()
    )


def test_held_out_splits_are_filled_first_and_each_question_is_asked_once(job, parts, shrunk) -> None:
    asks = embedded_asks(rate=0.3)
    _generate(shrunk(), parts, asks)
    assert len(asks.asked) == len(set(asks.asked)) == len(asks.read)
    assert list(dict.fromkeys(name.split("/")[0] for name in asks.asked)) == ["dev", "eval", "grpo", "sft"]
    asks = embedded_asks()
    _generate(shrunk(), parts, asks, held_out=["sft", "eval"])
    assert list(dict.fromkeys(name.split("/")[0] for name in asks.asked)) == ["sft", "eval", "dev", "grpo"]


def test_usage_adds_up(job, parts, shrunk) -> None:
    asks = embedded_asks(rate=0.3)
    made = _generate(shrunk(), parts, asks)
    replies = list(asks._replies.values())
    assert made.usage == {
        "requests": len(asks.asked),
        "prompt_tokens": sum(reply.prompt_tokens for reply in replies),
        "completion_tokens": sum(reply.completion_tokens for reply in replies),
        "cost": 0.25 * len(asks.asked),
    }
    assert made.usage["requests"] == sum(c["asked"] for kinds in made.counts.values() for c in kinds.values())


def test_a_poor_teacher_is_asked_until_the_quotas_are_full(job, parts, shrunk) -> None:
    made = _generate(shrunk(), parts, embedded_asks(seed=2, rate=0.5))
    assert len(made.rows) == 61 and len(made.rejected) > 30


def test_a_hopeless_teacher_ends_in_a_line_with_its_commonest_reasons(job, parts, shrunk) -> None:
    replies = iter(range(10_000))
    texts = [SORRY, SORRY, SORRY, "<html></html>", "{}", "[1]", SORRY]
    with pytest.raises(UserError) as caught:
        _generate(shrunk(), parts, Asks(lambda prompt: (texts[next(replies) % 7], "stop")))
    said = str(caught.value)
    assert "\n" not in said and "Teacher 'someone' filled 0 of 3 rows of kind 'reasoning' for 'dev'" in said
    limit = 4 * 3 + ROOM
    assert f"with {limit} requests" in said
    reasons = said.partition("(")[2].partition(")")[0].split(", ")
    found = {name: int(n) for name, n in (reason.rsplit(" ", 1) for reason in reasons)}
    assert next(iter(found)) == "teacher_refused" and set(found) == {"teacher_refused", "not_json", "schema"}
    assert sum(found.values()) == limit and list(found.values()) == sorted(found.values(), reverse=True)
    assert "max_tries" in caught.value.remedy


def test_a_kind_that_cannot_be_filled_is_named(job, parts, shrunk) -> None:
    """Every kind but one is written well."""

    def write(prompt: str) -> tuple[str, str]:
        return (SORRY, "stop") if '"kind": "conflict"' in prompt else embedded.write(prompt, 0, 0.0)

    asks = Asks(write)
    with pytest.raises(UserError, match=r"filled 0 of 1 rows of kind 'conflict' for 'dev' .*\(teacher_refused 24\)"):
        _generate(shrunk(), parts, asks)
    assert Counter(name.split("/")[1] for name in asks.asked)["conflict"] == 24


def test_max_tries_is_a_limit_on_requests_a_row(job, parts, shrunk) -> None:
    asks = Asks(lambda prompt: (SORRY, "stop"))
    with pytest.raises(UserError, match=r"filled 0 of 40 rows of kind 'safety' for 'dev' with 80 requests"):
        _generate(
            shrunk(),
            parts,
            asks,
            sizes={"dev": 40, "sft": 1},
            composition={"safety": 1.0},
            held_out=["dev"],
            max_tries=1.5,
        )


# --- what stands there already ----------------------------------------------------------------------------------------


def _seen(threshold, held_out, *texts):
    """Kept texts as (split, text); a function that asks for the twin of another."""
    seen = Seen(threshold, held_out)

    def parts_of(text):
        text = normalise(text)
        pairs = word_pairs(text)
        return text, pairs, next(iter(sketches([pairs])))

    from primum.corpora.items import Item

    for number, (split, text) in enumerate(texts):
        seen.add(Item(f"{split}/needle/{number}", split, "needle", "g", {}, None), *parts_of(text))
    return lambda split, text: seen.twin(split, *parts_of(text))


LONG = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon"
WORDS = LONG.split()


def test_a_draft_that_repeats_a_held_out_row_contaminates_it() -> None:
    twin = _seen(0.8, ["dev", "eval"], ("eval", LONG), ("sft", LONG.replace("alpha", "omega one two three")))
    assert twin("sft", LONG.upper() + "!").reason == "contaminates_held_out"
    assert twin("sft", f"{LONG} more").reason == "contaminates_held_out"
    assert twin("eval", LONG).reason == "duplicate" and twin("dev", LONG).reason == "duplicate"
    assert twin("dev", f"{LONG} more").reason == "near_duplicate"
    assert twin("sft", " ".join(reversed(WORDS))) is None
    assert "eval/needle/0 (similarity 1.00)" in twin("sft", LONG).detail
    assert "(similarity 0.95)" in twin("sft", f"{LONG} more").detail


def test_training_rows_are_duplicates_of_each_other_and_no_contamination() -> None:
    twin = _seen(0.8, ["eval"], ("sft", LONG))
    assert twin("grpo", LONG).reason == twin("sft", LONG).reason == "duplicate"
    assert twin("grpo", f"{LONG} more").reason == "near_duplicate"


def test_the_threshold_is_the_similarity_itself() -> None:
    other = f"{LONG} one two three four"  # 19 of 23 pairs: 0.826
    assert _seen(0.8, [], ("sft", LONG))("sft", other).reason == "near_duplicate"
    assert _seen(0.85, [], ("sft", LONG))("sft", other) is None


def test_a_training_row_like_a_held_out_and_a_training_one_is_told_as_contamination() -> None:
    """Whichever was kept first: what matters is that a held-out row would be given away."""
    near = f"{LONG} more"
    twin = _seen(0.8, ["eval"], ("eval", LONG), ("sft", " ".join(WORDS[1:])))
    assert twin("sft", near).reason == "contaminates_held_out"


def test_rows_that_resemble_kept_ones_are_left_out_of_a_corpus(job, parts, shrunk) -> None:
    """A low threshold makes vignettes of one pattern into near-duplicates: the decisions, over whole rows."""
    small = shrunk(near_duplicate_threshold=0.15, max_tries=12, composition={"safety": 0.6, "refusal": 0.4})
    made = _generate(small, parts, embedded_asks(rate=0.0))
    texts = {
        row["id"]: word_pairs(normalise(f"{row['inputs']['context']} {row['inputs']['question']}")) for row in made.rows
    }
    ids = sorted(texts)
    assert max(jaccard(texts[a], texts[b]) for i, a in enumerate(ids) for b in ids[:i]) < 0.15
    found = Counter()
    for row in made.rejected:
        if row["reason"] in ("contaminates_held_out", "near_duplicate"):
            mine, other = row["id"].split("/")[0], row["detail"].split("/")[0]
            crosses = mine in ("sft", "grpo") and other in ("dev", "eval")
            assert (row["reason"] == "contaminates_held_out") == crosses, row["id"]
            found[row["reason"]] += 1
    assert found["contaminates_held_out"] and found["near_duplicate"]


def test_a_teacher_that_repeats_itself_gets_one_row_for_it(job, parts, shrunk) -> None:
    """The needle's context is the fact alone: the same fact, question and straws are the same row."""
    asks = embedded_asks(rate=0.0)
    made = _generate(
        shrunk(), parts, asks, sizes={"dev": 1, "sft": 30}, held_out=["dev"], composition={"needle": 1.0}, max_tries=9
    )
    texts = [(row["inputs"]["context"], row["inputs"]["question"]) for row in made.rows]
    assert len(set(texts)) == 31


# --- what the rows are ------------------------------------------------------------------------------------------------


def test_every_kept_quote_is_in_its_context(made) -> None:
    quotes = [(row["id"], quote) for row in made.rows for quote in row["gold"]["proof"]]
    assert len(quotes) >= len(made.rows)
    contexts = {row["id"]: row["inputs"]["context"] for row in made.rows}
    assert [(name, quote) for name, quote in quotes if not quote or quote not in contexts[name]] == []


def test_gold_earns_exactly_what_is_expected_on_every_row(made, parts) -> None:
    task = parts[0]
    seen = set()
    for row in made.rows:
        example = Example.from_row(row)
        task.validate(example)
        verdict = task.judge(example, task.gold_completion(example))
        held = {name for name in task.reward_outcomes if verdict.outcomes[name]}
        assert held == task.expected(example), row["id"]
        assert verdict.outcomes["right"] and verdict.outcomes["safe"], row["id"]
        seen.add(row["gold"]["expects"])
    assert seen == {"answer", "abstain", "conflict"}


def test_no_group_of_a_held_out_row_is_in_training(made) -> None:
    groups = {split: {row["group"] for row in made.rows if row["origin"] == split} for split in made.counts}
    assert not groups["dev"] & groups["eval"]
    assert not (groups["dev"] | groups["eval"]) & (groups["sft"] | groups["grpo"])


def test_a_row_says_where_it_comes_from(made, items) -> None:
    sources = {
        fact.id: fact.source for fact in (*items.resources.concepts, *items.resources.derived, *items.resources.rules)
    }
    for row in made.rows:
        assert row["meta"]["teacher"] == "embedded" and row["id"].startswith(f"{row['origin']}/{row['kind']}/")
        assert row["meta"]["source"] == sources.get(row["group"], ""), row["id"]
        assert bool(row["meta"]["source"]) != row["group"].startswith("trap/"), row["id"]
        assert ("haystack" in row["meta"]) == (row["kind"] in ("needle", "anti_knowledge"))
    assert all(row["reply"] is not None and row["reason"] and row["detail"] for row in made.rejected)


@pytest.mark.parametrize("name", ["think", "question"])
def test_half_a_surrogate_pair_in_a_reply_does_not_end_the_corpus(job, parts, shrunk, tmp_path, name) -> None:
    """A reply may spell one by its JSON escape: the ledger holds that, but no UTF-8 file holds the letter."""
    turn = iter(range(10_000))

    def write(prompt: str) -> tuple[str, str]:
        text, finish = embedded.write(prompt, 0, 0.0)
        if next(turn) % 5 == 3 and not text.startswith("`"):
            text = json.dumps(json.loads(text) | {name: json.loads(text)[name] + " \ud83d"})
        return text, finish

    made = _generate(shrunk(), parts, Asks(write))
    assert write_jsonl(tmp_path / "rows.jsonl", made.rows) == 61
    assert write_jsonl(tmp_path / "rejected.jsonl", made.rejected) == len(made.rejected)


def test_the_description_is_told_from_what_was_made(job, made, tmp_path) -> None:
    write_jsonl(tmp_path / "rows.jsonl", made.rows)
    told = describe(job, made, tmp_path)
    again = describe(job, made, tmp_path)
    assert dumps(told) == dumps(again) and str(tmp_path) not in dumps(told)
    assert told["total"]["kept"] == len(read_jsonl(tmp_path / "rows.jsonl")) == told["total"]["wanted"] == 900
    assert told["total"]["rejected"] == len(made.rejected) == sum(told["reasons"].values())
    total = told["total"]
    assert total["asked"] == total["kept"] + total["rejected"] + total["surplus"] == told["usage"]["requests"]
    assert told["teacher"]["name"] == "embedded" and told["teacher"]["revision"] == job.revisions["embedded"] != "-"
    assert set(told["teacher"]) == {"name", "model", "parameters", "revision"}
    assert set(told["prompts_sha256"]) == set(job.corpus.prompts) and len(told["rows_sha256"]) == 64
    assert told["diversity"]["groups"] == len({row["group"] for row in made.rows})

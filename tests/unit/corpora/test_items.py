"""Items: the same seed asks the same, held-out facts stay apart, quotas add up, prompts are whole."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from primum.corpora.filters import EXPECTS, HIDDEN
from primum.corpora.items import ASKED, BRIEF, SOURCES, TRAINING, Items, deal, quotas
from primum.corpora.resources import load_resources
from primum.corpora.settings import COMPARE
from primum.errors import UserError
from primum.teaching import KINDS
from primum.text.words import tokens

SPLITS = ("sft", "grpo", "dev", "eval", COMPARE)
MANY = 300  # of each split and kind: thousands in all, and every deck several times over


def _all(items: Items, count: int = MANY):
    return [items.item(split, kind, n) for split in SPLITS for kind in KINDS for n in range(count)]


def test_a_seed_asks_the_same_and_another_seed_others(job, items) -> None:
    again = Items(job.corpus, items.resources)
    other = Items(job.corpus.model_copy(update={"seed": job.corpus.seed + 1}), items.resources)
    one, two, three = (_all(source, 20) for source in (items, again, other))
    assert one == two
    same = sum(a.brief == b.brief for a, b in zip(one, three, strict=True))
    assert same < 0.02 * len(one)
    assert items._dealt["concepts"]["eval"] != other._dealt["concepts"]["eval"]


def test_asking_for_more_or_in_another_order_changes_nothing(job, items) -> None:
    fresh = Items(job.corpus, items.resources)
    late = {kind: fresh.item("sft", kind, 40) for kind in reversed(KINDS)}
    for kind in KINDS:
        early = [items.item("sft", kind, n) for n in range(41)]
        assert early[40] == late[kind]
        assert [fresh.item("sft", kind, n) for n in reversed(range(41))] == early[::-1]


def test_a_split_keeps_its_items_when_training_sizes_change(job, items) -> None:
    """Only the held-out splits' own sizes decide what they hold."""
    larger = job.corpus.model_copy(update={"sizes": dict(job.corpus.sizes) | {"sft": 4000, "grpo": 1}})
    other = Items(larger, items.resources)
    for split in ("dev", "eval", "sft"):
        assert [items.item(split, k, n) for k in KINDS for n in range(15)] == [
            other.item(split, k, n) for k in KINDS for n in range(15)
        ]


def test_no_group_stands_in_training_and_held_out_or_in_two_held_out_splits(items) -> None:
    asked = _all(items)
    assert len(asked) >= 9000 and len({item.id for item in asked}) == len(asked)
    groups = {split: {item.group for item in asked if item.split == split} for split in SPLITS}
    training = groups["sft"] | groups["grpo"] | groups[COMPARE]
    assert not groups["dev"] & groups["eval"]
    assert not groups["dev"] & training and not groups["eval"] & training
    assert all(
        {group.split("/")[0] for group in found} == {"concept", "derived", "rule", "trap"} for found in groups.values()
    )


def test_what_is_told_beside_a_fact_does_not_leak_across_either(items) -> None:
    """The sentences of other facts in a brief come from the item's own part, too."""
    part_of = {
        statement: part
        for name in ("concepts", "rules", "derived")
        for part, facts in items._dealt[name].items()
        for f in facts
        for statement in f.statements
    }
    for part, traps in items._dealt["traps"].items():
        for trap in traps:
            part_of |= dict.fromkeys((trap.near, *(s.format(v) for s in trap.told for v in trap.values)), part)
    part_of |= dict.fromkeys(items.resources.phrases["irrelevant"], "")
    for item in _all(items, 60):
        brief = item.brief
        others = [re.sub(r"^The [a-z ]+ says: ", "", text) for text in brief.get("others", [])]
        told = [*others, *(brief[key] for key in ("fact", "near", "again", "unrelated") if key in brief)]
        part = item.split if item.split in ("dev", "eval") else TRAINING
        assert {part_of[text] for text in told} <= {part, ""}, item.id
        assert len(set(others)) == len(others) and not {brief.get("fact"), brief.get("near")} & set(others)


def test_every_fact_is_dealt_once_and_asked_about(items) -> None:
    for name, parts in items._dealt.items():
        dealt = [thing.id for things in parts.values() for thing in things]
        assert len(set(dealt)) == len(dealt)
        wanted = {thing.id for thing in getattr(items.resources, name)}
        # A sum that repeats the concepts of two parts is dealt to none.
        assert set(dealt) == wanted if name != "derived" else len(wanted) / 2 < len(dealt) and set(dealt) <= wanted
    asked = {item.group for item in _all(items)}
    sums = {fact.id for facts in items._dealt["derived"].values() for fact in facts}
    assert {f.id for f in (*items.resources.concepts, *items.resources.rules)} | sums <= asked
    assert {trap.id for trap in items.resources.traps} <= asked


def test_held_out_shares_follow_the_sizes(job, items) -> None:
    corpus, concepts = job.corpus, items.resources.concepts
    parts = deal(concepts, corpus, "concepts")
    held_out = len(parts["dev"]) + len(parts["eval"])
    assert abs(held_out - corpus.held_out_share * len(concepts)) <= 1
    assert abs(len(parts["eval"]) - 2 * len(parts["dev"])) <= 2  # eval is twice as large


def test_too_few_facts_are_refused(job, items) -> None:
    for count in (0, 1, 2):
        with pytest.raises(UserError, match="Too few rules for the held-out splits and training"):
            deal(items.resources.rules[:count], job.corpus, "rules")
    assert all(deal(items.resources.rules[:3], job.corpus, "rules").values())


def test_a_part_too_small_to_draw_neighbours_from_is_refused(job, resources_copy: Path) -> None:
    """A reasoning brief draws two facts of other categories from its own part."""
    path = resources_copy / "concepts.tsv"
    path.write_text("\n".join(path.read_text(encoding="utf-8").splitlines()[:4]) + "\n", encoding="utf-8")
    with pytest.raises(UserError):
        Items(job.corpus, load_resources(resources_copy)).item("dev", "refusal", 0)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 10, 11, 13, 99, 101, 997, 1500])
def test_quotas_add_up_and_stay_within_one_of_the_share(job, size: int) -> None:
    found = quotas(size, job.corpus.composition)
    assert sum(found.values()) == size and set(found) == set(job.corpus.composition)
    assert all(abs(found[kind] - size * share) < 1 for kind, share in job.corpus.composition.items())


def test_quotas_of_exact_shares_are_exact() -> None:
    tenths = {"a": 0.1, "b": 0.2, "c": 0.7}  # 0.1 * 3 and 0.7 * 10 are not what they seem in binary
    assert quotas(10, tenths) == {"a": 1, "b": 2, "c": 7}
    assert quotas(30, tenths) == {"a": 3, "b": 6, "c": 21}
    thirds = {kind: 1 / 3 for kind in "cab"}
    assert quotas(2, thirds) == {"a": 1, "b": 1, "c": 0}  # ties by name, whatever the order of the study
    assert quotas(3, thirds) == {"a": 1, "b": 1, "c": 1}
    assert quotas(5, {"a": 0.5, "b": 0.5, "c": 0.0})["c"] == 0


def test_every_prompt_is_instructions_then_a_brief_that_reads_back(job, items) -> None:
    for item in _all(items, 25):
        (message,) = items.messages(item)
        text, mark, brief = message["content"].rpartition(f"\n{BRIEF}\n")
        assert message["role"] == "user" and mark and json.loads(brief) == item.brief
        assert text == f"{job.corpus.prompts[item.kind]}\n" and message["content"].count(BRIEF) == 1
        assert item.brief["kind"] == item.kind and item.brief["question"]
        # Braces only of the JSON form that is asked for; none that some format() should have filled.
        assert not re.search(r"\{\w*\}", message["content"])
        assert not re.search(r"\bNone\b|\bnan\b|Fact\(|Trap\(", message["content"])


def test_no_prompt_shows_the_tags_of_the_study(job, parts, items) -> None:
    """A teacher that saw the student's tags would write them."""
    task = parts[0]
    for kind in KINDS:
        prompt = items.messages(items.item("sft", kind, 0))[0]["content"]
        assert not [tag for tag in task.tags if f"<{tag}>" in prompt or f"</{tag}>" in prompt], kind


def test_briefs_hold_what_their_kind_needs(items) -> None:
    for n in range(60):
        at = {kind: items.item("sft", kind, n) for kind in KINDS}
        assert at["refusal"].brief["near"] and not {"answer", "fact"} & set(at["refusal"].brief)
        assert (at["refusal"].fact is None) == at["refusal"].group.startswith("trap/")
        assert at["anti_knowledge"].brief["unrelated"] and not {"answer", "fact"} & set(at["anti_knowledge"].brief)
        conflict = at["conflict"]
        assert conflict.brief["rival"] in conflict.fact.wrong and len(set(conflict.brief["sources"])) == 2
        for kind in ("reasoning", "needle", "safety", "conflict"):
            brief, fact = at[kind].brief, at[kind].fact
            assert brief["answer"] == fact.value and brief["fact"] in fact.statements
            assert brief["question"] in fact.questions
        assert set(at["needle"].brief) == {"kind", "fact", "question", "answer"}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_asked_has_the_shares_of_its_kind_in_any_stretch(items, kind: str) -> None:
    """Of the first twenty as of the last: a kind's rows are not all about concepts because there are few of them."""
    names = {"concepts": "concept", "rules": "rule", "traps": "trap", "derived": "derived"}
    for start, count in ((0, 20), (37, 40), (200, 100)):
        asked = Counter(items.item("sft", kind, n).group.split("/")[0] for n in range(start, start + count))
        for name, share in ASKED[kind].items():
            assert abs(asked[names[name]] / count - share) < 0.1, (start, asked)


def _unanswered(wanted: dict[str, float], of: dict[str, float]) -> float:
    """Share of the rows with something that cannot be answered."""
    shares = {kind: wanted[kind] * of.get(kind, 0.0) for kind in wanted}
    return sum(shares[kind] for kind in EXPECTS) / sum(shares.values())


def test_no_sort_of_question_and_no_count_of_sources_tells_whether_to_abstain(job) -> None:
    """By the shares that items are drawn with, in the study's composition: about 40 % of each go unanswered."""
    mix = job.corpus.composition
    for name in ("concepts", "traps", "derived", "rules"):
        assert abs(_unanswered(mix, {kind: asked.get(name, 0.0) for kind, asked in ASKED.items()}) - 0.4) < 0.03, name
    for count in (0, 1):
        of = {kind: drawn_with[count] for kind, drawn_with in SOURCES.items()}
        assert abs(_unanswered(mix, of) - 0.4) < 0.06, count
    hidden = {kind: 1.0 for kind in HIDDEN}
    assert abs(_unanswered(mix, hidden) - 0.4) < 0.01
    assert abs(_unanswered(mix, {kind: 1.0 for kind in mix if kind not in hidden}) - 0.4) < 0.01


def test_a_fact_is_asked_about_whether_or_not_it_can_be_answered(items) -> None:
    """Every kind takes the facts in an order of its own: which fact it is does not tell either."""
    first = {kind: [items.item("sft", kind, n).group for n in range(60)] for kind in KINDS}
    concepts = {kind: {g for g in found if g.startswith("concept/")} for kind, found in first.items()}
    for kind in ("refusal", "conflict", "anti_knowledge"):
        both = concepts[kind] & (concepts["reasoning"] | concepts["needle"])
        assert both and both != concepts[kind], kind


def test_two_sources_tell_the_same_or_contradict_each_other(items) -> None:
    for n in range(200):
        reasoning, conflict = (items.item("sft", kind, n) for kind in ("reasoning", "conflict"))
        assert len(conflict.brief["sources"]) == 2 and conflict.brief["again"] in conflict.fact.statements
        if "again" in reasoning.brief:
            assert len(reasoning.brief["sources"]) == 2 and reasoning.brief["again"] in reasoning.fact.statements
        else:
            assert len(reasoning.brief.get("sources", ())) < 2


def test_a_detail_of_a_patient_is_right_by_its_brief_alone(items) -> None:
    details = [item for n in range(300) if (item := items.item("grpo", "reasoning", n)).group.startswith("trap/")]
    assert len({item.group for item in details}) > 30
    for item in details:
        trap = next(trap for trap in items.resources.traps if trap.id == item.group)
        assert item.fact.value in trap.values and set(item.fact.wrong) == set(trap.values) - {item.fact.value}
        assert item.brief["fact"].count(item.fact.value) == 1 and item.fact.source == ""
        assert trap.near not in item.brief["others"], "what says that it is missing does not stand beside it"


def test_a_question_that_gives_the_figures_itself_goes_unasked_where_it_is_not_answered(items) -> None:
    for n in range(300):
        item = items.item("sft", "refusal", n)
        if item.fact and item.fact.operation:
            left, _, right = item.fact.operation.split()
            assert not {left, right} <= set(tokens(item.brief["question"])), item.id

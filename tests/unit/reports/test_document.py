# ruff: noqa: RUF001  (signs and quotation marks are meant as they are: they are printed)
"""The text: no number but a collected one, and wording that follows from the tests."""

import json
import re
from dataclasses import replace

import pytest

from primum.files import write_json
from primum.reports.card import metadata, write_card
from primum.reports.collect import collect
from primum.reports.document import build_document, open_study
from primum.reports.findings import comparison, headlines, in_brief, published
from primum.reports.html import references
from primum.reports.limits import limits
from primum.reports.numbers import Numbers, text_of
from primum.reports.paper import TEMPLATES
from primum.reports.seeds import over_seeds
from primum.reports.sources import StudyFiles
from primum.reports.watched import bearing, watched
from tests.unit.reports.conftest import build

NAMES = re.compile(r"tiny-qwen3|b\w*16|Apache-2\.0|sha256")


def every_text(value):
    """All words of a document: spans, captions, heads, titles."""
    if isinstance(value, dict):
        kept = {key: part for key, part in value.items() if key not in ("file", "cite", "key")}
        return [text for part in kept.values() for text in every_text(part)]
    if isinstance(value, list):
        return [text for part in value for text in every_text(part)]
    return [value] if isinstance(value, str) else []


def open_run(run, entries=None):
    files = StudyFiles(run.results, run.study)
    return open_study(Numbers(entries or collect(run.report, run.results)), files), files


def blank(entries):
    return {key: entry | {"text": "§"} for key, entry in entries.items()}


def test_no_digit_stands_in_the_document_but_those_of_collected_numbers(run):
    entries = collect(run.report, run.results)
    document = build_document(run.report, [open_run(run, blank(entries))])
    texts = every_text(document)
    assert sum(text.count("§") for text in texts) > 500
    assert [text for text in texts if re.search(r"\d", NAMES.sub("", text))] == []


def test_no_digit_stands_in_the_card_but_those_of_collected_numbers(run, tmp_path, monkeypatch):
    entries = blank(collect(run.report, run.results))
    monkeypatch.setattr(Numbers, "load", classmethod(lambda cls, path, root: cls(entries)))
    write_card(run.study, "grpo", tmp_path / "unused", run.results, tmp_path / "card.md")
    body = (tmp_path / "card.md").read_text().split("\n---\n", 1)[1]
    prose = re.sub(r"```.*?```|`[^`]*`", "", body, flags=re.DOTALL)
    assert prose.count("§") > 100
    assert [line for line in prose.splitlines() if re.search(r"\d", NAMES.sub("", line))] == []


def test_templates_hold_no_numbers_in_their_prose():
    page = (TEMPLATES / "report.html.j2").read_text()
    page = re.sub(r"<style>.*?</style>|\{[{%].*?[%}]\}|<[^>]*>", "", page, flags=re.DOTALL)
    card = re.sub(r"```.*?```|\{[{%].*?[%}]\}", "", (TEMPLATES / "card.md.j2").read_text(), flags=re.DOTALL)
    for prose in (page, card):
        assert re.findall(r"\d+", NAMES.sub("", prose)) == []
    # In the layout, digits are sizes, levels or places.
    layout = re.sub(
        r"//.*|\d+(\.\d+)?(pt|em|mm|%)|\"[^\"]*\.(typ|json|yaml)\"|#[0-9a-f]{6}",
        "",
        (TEMPLATES / "paper.typ").read_text(),
    )
    assert re.findall(r"\[[^\[\]#]*\d[^\[\]#]*\]", layout) == []


def test_the_wording_follows_from_the_test(run):
    entries = collect(run.report, run.results)
    at = "medmcqa/comparison/eval/grpo/0/sft/accuracy/"

    def words(**values):
        changed = {f"{at}{key}": entries[f"{at}{key}"] | {"value": value} for key, value in values.items()}
        return text_of(comparison(open_run(run, entries | changed)[0], "grpo", "sft", "accuracy"))

    assert words().startswith("GRPO raises accuracy over SFT: +")
    assert words(difference=-0.1).startswith("GRPO lowers accuracy against SFT")
    assert words(supported="no").startswith("A difference in accuracy between GRPO and SFT is not supported")
    assert "points with 80% power" in words(supported="no", p_holm=0.2)
    assert "rows of one group are alike, and by groups p" in words(supported="no", p_clustered=0.2)
    assert words(gained=0, lost=0) == "In accuracy, no item differs between GRPO and SFT."


def test_headlines_compare_every_stage_with_its_parent_and_the_last_with_the_base(run):
    found = [text_of(sentence) for sentence in headlines(open_run(run)[0])]
    assert [re.match(r"(\w+) raises accuracy over ([^:]+):", s).groups() for s in found] == [
        ("SFT", "the base"),
        ("GRPO", "SFT"),
        ("GRPO", "the base"),
        ("GRPO", "the policy ‘majority letter’"),
    ]


def test_what_the_headline_does_not_show_is_told_on_the_side_of_its_test(run):
    entries = collect(run.report, run.results)
    at = "medmcqa/comparison/eval/sft/0/base/valid_json_rate/supported"
    tables = open_run(run, entries | {at: entries[at] | {"value": "no"}})[0]
    assert watched(tables) == []
    tables = replace(tables, words=replace(tables.words, watched=("schema_pass_rate", "valid_json_rate")))
    sft, grpo = map(text_of, watched(tables))
    assert re.match(r"SFT against the base, supported: schema pass [^;]+; not supported: valid JSON [^;]+\]\.$", sft)
    assert grpo.startswith("GRPO against the base, supported: ")
    (first,) = bearing(replace(tables, study=tables.study.model_copy(update={"limitations": ["One.", "Two."]})))
    assert text_of(first) == "To be read with it: One."


def test_one_seed_makes_no_table_of_seeds(run):
    assert over_seeds(open_run(run)[0]) is None


def test_in_brief_tells_what_is_supported_from_what_is_not(run):
    """Every pair of the headlines stands in one of two sentences, with its interval, on the side of its test."""
    tables = open_run(run)[0]
    (yes,) = map(text_of, in_brief(tables))
    assert yes.startswith("Supported after Holm’s adjustment: SFT against the base +")
    assert yes.count(" points [") == len(headlines(tables))
    entries = collect(run.report, run.results)
    at = "medmcqa/comparison/eval/grpo/0/sft/accuracy/supported"
    yes, no = map(text_of, in_brief(open_run(run, entries | {at: entries[at] | {"value": "no"}})[0]))
    assert "GRPO against SFT" not in yes
    assert no.startswith("Not supported: GRPO against SFT +")
    assert no.count(" points [") == 1


def test_limits_name_one_seed_shared_facts_and_the_bundled_inputs(run):
    words = " ".join(text_of(item) for item in limits(open_run(run)[0]))
    for part in (
        "One training run",
        "Shared facts. 9 of the",
        "no difference is called supported that swapping whole groups does not find",
        "no examination",
        "constant 0.95",
        "not medical practice",
    ):
        assert part in words


def test_several_seeds_and_no_published_numbers(tmp_path):
    run = build(tmp_path, seeds=(0, 1), published=None)
    tables, files = open_run(run)
    assert published(tables) is None
    assert "One training run" not in " ".join(text_of(item) for item in limits(tables))
    document = build_document(run.report, [(tables, files)])
    heads = [
        c["head"]
        for p in document["parts"]
        for s in p["sections"]
        for b in s["blocks"]
        if b["kind"] == "table"
        for c in b["columns"]
    ]
    assert "grpo (seed 1)" in heads
    rows = over_seeds(tables)["rows"]
    assert [text_of(row[0]) for row in rows] == ["sft", "sft vs base", "grpo", "grpo vs base", "grpo vs sft"]
    assert "[seeds and items]" in heads and text_of(rows[1][2]).startswith("+")
    assert len(metadata(tables, files, "grpo").to_dict()["model-index"]) == 1


def test_every_reference_that_is_cited_is_known(run):
    document = build_document(run.report, [open_run(run)])
    found = references(document)
    assert {"wilson1927", "mcnemar1947", "holm1979", "hu2021", "shao2024"} <= set(found)
    assert [entry["place"] for entry in found.values()] == list(range(1, len(found) + 1))


def test_stale_numbers_stop_the_paper(tmp_path):
    run = build(tmp_path)
    write_json(run.results / "paper" / "numbers.json", collect(run.report, run.results))
    results = run.results / "medmcqa" / "eval_results.json"
    write_json(results, json.loads(results.read_text()) | {"scale": "other"})
    with pytest.raises(Exception, match="older results/tiny/medmcqa/eval_results"):
        Numbers.load(run.results / "paper" / "numbers.json", run.root)


def test_verdicts_stand_under_their_head_and_p_values_under_theirs(run):
    tables = open_run(run)[0]
    for block in (tables.headline_comparisons(), tables.comparisons(run.study.splits)):
        heads = [column["head"] for column in block["columns"]]
        rows = [dict(zip(heads, map(text_of, row), strict=True)) for row in block["rows"] if isinstance(row, list)]
        assert (
            rows
            and {row["Supported"] for row in rows} <= {"yes", "no", "–"}
            and "yes" in {r["Supported"] for r in rows}
        )
        assert all(re.fullmatch(r"–|<\s0\.001|[01]\.\d{3}", row["p"]) for row in rows)

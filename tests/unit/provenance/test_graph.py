"""The run as a graph of rules, from records in Snakemake's own form; and its drawing."""

from __future__ import annotations

import random
from itertools import pairwise, permutations

import pytest

from primum.errors import UserError
from primum.files import write_text
from primum.provenance.graph import environments_of, graph_of, layers, reduced
from primum.provenance.jobs import METADATA, read_jobs
from primum.reports.pipeline import draw_pipeline
from tests.unit.provenance.test_lineage import job

D, NUMBERS = "results/tiny", "results/tiny/paper/numbers.json"
STAGES = ["sft", "grpo"]


@pytest.fixture
def project(tmp_path):
    """Two studies' splits, two stages of which one goes on from the other, scores, and numbers of it all."""
    for path in ("envs/data.yaml", "envs/trl.yaml", "resources/facts.tsv", "src/primum/a.py"):
        write_text(tmp_path / path, f"{path}\n")
    splits = [f"{D}/{study}/data/eval.jsonl" for study in ("a", "b")]
    models = [f"{D}/a/models/{stage}/checkpoint.json" for stage in STAGES]
    scores = [f"{D}/a/eval/{stage}/scores.jsonl" for stage in STAGES]
    for path in [*splits, *models, *scores, NUMBERS, f"{D}/left/over.json"]:
        write_text(tmp_path / path, "{}\n")
    for study, path in zip("ab", splits, strict=True):
        job(tmp_path, f"build_splits_{study}", path, ["resources/facts.tsv", "src/primum/a.py"])
    job(tmp_path, "train_stage", models[0], splits[:1])
    job(tmp_path, "train_stage", models[1], [splits[0], models[0]])
    for score, model in zip(scores, models, strict=True):
        job(tmp_path, "score", score, [model, splits[0]])
    job(tmp_path, "collect_numbers", NUMBERS, [*scores, splits[1]])
    job(tmp_path, "score", f"{D}/left/over.json", [splits[1]])  # of former settings: led to nothing asked for
    _of_their_own(tmp_path)
    return tmp_path


def _of_their_own(project):
    """Every job has a log of its own, as the workflow's rules name them."""
    import json

    for at, path in enumerate(sorted((project / METADATA).rglob("*"))):
        record = json.loads(path.read_text())
        write_text(path, json.dumps(record | {"log": [f"logs/{at}.log"]}))


def graph(project):
    return graph_of(read_jobs(project), [NUMBERS], ["a", "b"], environments_of(project))


def test_rules_are_counted_and_studies_put_together(project):
    found = graph(project)
    assert found.jobs == {"collect_numbers": 1, "score": 2, "train_stage": 2, "build_splits": 2}
    assert found.repeated == {"train_stage"} and set(found.environments.values()) == {"data"}
    assert found.files == {
        ("build_splits", "collect_numbers"): 1,
        ("build_splits", "score"): 1,
        ("build_splits", "train_stage"): 1,
        ("score", "collect_numbers"): 2,
        ("train_stage", "score"): 2,
    }


def test_an_edge_that_a_longer_way_stands_for_is_left_out(project):
    kept = [("build_splits", "train_stage"), ("score", "collect_numbers"), ("train_stage", "score")]
    assert reduced(graph(project).files) == kept
    depth, back = layers(graph(project).jobs, kept)
    assert depth == {"build_splits": 0, "train_stage": 1, "score": 2, "collect_numbers": 3} and not back


def test_reduction_keeps_what_is_reached_and_nothing_that_it_need_not():
    """On random graphs without cycles: the same nodes are reached, and no edge can be spared."""
    rng = random.Random(3)

    def reached(edges, start):
        found, waiting = set(), [start]
        while waiting:
            here = waiting.pop()
            waiting += [b for a, b in edges if a == here and b not in found]
            found |= {b for a, b in edges if a == here}
        return found

    for _ in range(20):
        edges = [(a, b) for a, b in permutations("abcdefg", 2) if a < b and rng.random() < 0.5]
        kept = reduced(edges)
        assert all(reached(kept, node) == reached(edges, node) for node in "abcdefg")
        assert all(b not in reached([edge for edge in kept if edge != (a, b)], a) for a, b in kept)


def test_rules_that_feed_each_other_are_still_drawn(tmp_path):
    depth, back = layers("abcd", [("a", "b"), ("b", "c"), ("c", "b"), ("c", "d")])
    assert depth == {"a": 0, "b": 1, "c": 2, "d": 3} and back == [("c", "b")]


def test_a_result_without_a_record_is_named(project):
    for path in (project / METADATA).rglob("*"):
        if b'"train_stage"' in path.read_bytes():
            path.unlink()
    with pytest.raises(UserError, match=r"no record of the job that made results/tiny/a/models/\w+/checkpoint.json"):
        graph(project)


def test_the_figure_has_the_same_bytes_again_and_names_every_rule(project, tmp_path):
    for at in "ab":
        draw_pipeline(graph(project), tmp_path / f"{at}.svg", tmp_path / f"{at}.png")
    for kind in ("svg", "png"):
        first, second = ((tmp_path / f"{at}.{kind}").read_bytes() for at in "ab")
        assert first == second
    text = (tmp_path / "a.svg").read_text()
    assert all(f"<!-- {words} -->" in text for words in ("train_stage", "2 jobs, chained · data", "build_splits"))


def test_boxes_of_a_layer_do_not_touch():
    from primum.reports import pipeline

    edges = [("a", name) for name in "bcde"] + [(name, "f") for name in "bcde"] + [("a", "f")]
    depth, _ = layers("abcdef", edges)
    ways = [pipeline._way(edge, depth) for edge in edges]
    rows = pipeline._rows(depth, ways)
    places = pipeline._places(rows, ways)
    width = {node: pipeline.GAP if node in depth else pipeline.FREE for row in rows for node in row}
    for row in rows:
        assert all(places[b] - places[a] >= (width[a] + width[b]) / 2 - 1e-9 for a, b in pairwise(row))


def test_what_fits_stays_and_what_overlaps_shares_the_way():
    from primum.reports.pipeline import _apart

    assert _apart([0.0, 5.0, 9.0], [1.0, 1.0, 1.0]) == [0.0, 5.0, 9.0]
    assert _apart([0.0, 0.0, 9.0], [1.0, 1.0, 2.0]) == [-0.5, 0.5, 9.0]
    assert _apart([2.0, 0.0], [1.0, 1.0]) == [0.5, 1.5]  # the order is kept, whatever was wanted

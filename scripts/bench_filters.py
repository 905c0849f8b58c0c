"""Rows a second on one core: the embedded teacher's replies through all filters, part by part; and verdicts."""

import argparse
import json
from contextlib import suppress
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from time import perf_counter

from primum.config import project_root
from primum.corpora.drafts import Rejected, read_draft
from primum.corpora.embedded import write
from primum.corpora.generate import Seen
from primum.corpora.items import Item
from primum.corpora.settings import CorpusJob
from primum.data.similarity import normalise, sketches, word_pairs
from primum.files import write_json
from primum.plan import Plan
from primum.settings import read_yaml
from primum.strict import parse

STUDY, SPLIT, TEACHER = "dipg", "sft", "embedded"
AIM, ROUNDS, BATCH = 5000, 3, 1000  # rows a second of the chain; processes, caches cold; replies at a time


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replies", type=int, default=6000, help="made beforehand, the kinds in turn")
    parser.add_argument("--output", type=Path, help="JSON file for the numbers")
    args = parser.parse_args()
    plan = Plan(project_root(), read_yaml(project_root() / "config" / "config.yaml"))
    job = parse(CorpusJob, json.loads(plan.corpus_config(STUDY)), "bench_filters")
    items, options = job.parts(project_root())[1], job.teachers[TEACHER].parameters
    kinds = sorted(job.corpus.composition)
    asked = [items.item(SPLIT, kinds[n % len(kinds)], n // len(kinds)) for n in range(args.replies)]
    texts = [write(items.messages(item)[-1]["content"], options["seed"], options["mistake_rate"]) for item in asked]
    with get_context("fork").Pool(1, maxtasksperchild=1) as pool:
        rounds = [pool.apply(measure, (job, asked, texts)) for _ in range(ROUNDS)]
    found = {part: round(median(rates[part] for rates in rounds)) for part in rounds[0]}
    print(*(f"{part:<12}{value:>8,} a second" for part, value in found.items()), sep="\n")
    print(f"{'aim':<12}{AIM:>8,} a second for the chain: {'met' if found['chain'] >= AIM else 'missed'}")
    if args.output:
        write_json(args.output, {"a_second": found, "aim": AIM, "replies": args.replies, "rounds": ROUNDS})


def measure(job: CorpusJob, asked: list[Item], texts: list[tuple[str, str]]) -> dict[str, float]:
    """Replies a second of the chain and of each part, and verdicts a second on right, cut and borrowed completions."""
    task, _, checks = job.parts(project_root())
    seen, kept, spent = Seen(job.corpus.near_duplicate_threshold, job.corpus.held_out), [], [0.0, 0.0, 0.0]
    next(sketches([word_pairs("loads its library")]))
    for start in range(0, len(asked), BATCH):
        read, passed, clock = [], [], [perf_counter()]
        for item, (text, finish) in zip(asked[start : start + BATCH], texts[start : start + BATCH], strict=True):
            with suppress(Rejected):
                read.append((item, read_draft("answered", text, finish, task.tags)))
        clock.append(perf_counter())
        for item, draft in read:
            with suppress(Rejected):
                passed.append((item, draft, checks.row(draft, item)[0]))
        clock.append(perf_counter())
        whole = [normalise(f"{draft.context} {draft.question}") for _, draft, _ in passed]
        pairs = list(map(word_pairs, whole))
        for (item, _, row), *near in zip(passed, whole, pairs, sketches(pairs), strict=True):
            if seen.twin(SPLIT, *near) is None:
                seen.add(item, *near)
                kept.append(row)
        spent = [total + b - a for total, a, b in zip(spent, clock, [*clock[1:], perf_counter()], strict=True)]
    mixed = [(row, task.gold_completion(row)[:end]) for row in kept for end in (None, -9)]
    mixed += [(row, task.completion("", row.gold["proof"], other.gold["answer"])) for row, other in pairwise(kept)]
    start = perf_counter()
    for row, text in mixed:
        task.judge(row, text)
    rates = {"verdicts": len(mixed) / (perf_counter() - start), "chain": len(asked) / sum(spent)}
    return rates | {part: len(asked) / s for part, s in zip(("read_draft", "filter", "duplicates"), spent, strict=True)}


if __name__ == "__main__":
    main()

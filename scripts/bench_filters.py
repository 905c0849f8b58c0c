"""Rows a second on one core: the embedded teacher's replies through all filters, part by part; and verdicts."""

import argparse
import json
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from primum.config import project_root
from primum.corpora.drafts import Rejected, read_draft
from primum.corpora.embedded import write
from primum.corpora.generate import Seen
from primum.corpora.items import Item
from primum.corpora.settings import CorpusJob
from primum.data.similarity import normalise, sketches, word_pairs
from primum.files import dumps, write_json
from primum.plan import Plan
from primum.settings import read_yaml
from primum.strict import parse
from primum.tasks.base import Example

STUDY, SPLIT, TEACHER = "dipg", "sft", "embedded"
AIM = 5000  # rows a second through the whole chain
BATCH = 1000  # replies that one part deals with before the next part


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replies", type=int, default=6000, help="made beforehand, the kinds in turn")
    parser.add_argument("--rounds", type=int, default=3, help="a process each, so that no cache is warm; medians count")
    parser.add_argument("--output", type=Path, help="JSON file for the numbers")
    args = parser.parse_args()
    plan = Plan(project_root(), read_yaml(project_root() / "config" / "config.yaml"))
    job = parse(CorpusJob, json.loads(plan.corpus_config(STUDY)), "bench_filters")
    _, items, _ = job.parts(project_root())
    options, kinds = job.teachers[TEACHER].parameters, sorted(job.corpus.composition)
    asked = [items.item(SPLIT, kinds[n % len(kinds)], n // len(kinds)) for n in range(args.replies)]
    texts = [write(items.messages(item)[-1]["content"], options["seed"], options["mistake_rate"]) for item in asked]
    with get_context("fork").Pool(1, maxtasksperchild=1) as pool:
        done = [pool.apply(filtered, (job, asked, texts)) for _ in range(args.rounds)]
        judged = [pool.apply(verdicts, (job, done[0][1])) for _ in range(args.rounds)]
    found = {part: round(median(rates[part] for rates, _ in done)) for part in done[0][0]}
    found |= {"verdicts": round(median(judged))}
    print("\n".join(f"{part:<12}{value:>8,} a second" for part, value in found.items()))
    print(f"of {args.replies} replies {len(done[0][1])} rows were kept; the aim of the chain is {AIM:,} a second")
    if args.output:
        write_json(args.output, {"a_second": found, "aim": AIM, "replies": args.replies, "rounds": args.rounds})


def filtered(job: CorpusJob, asked: list[Item], texts: list[tuple[str, str]]) -> tuple[dict[str, float], list[Example]]:
    """Replies a second of the chain and of each part of it, and the rows that are kept."""
    task, _, checks = job.parts(project_root())
    list(sketches([word_pairs("loads the library before the clock runs")]))
    seen, kept, spent = Seen(job.corpus.near_duplicate_threshold, job.corpus.held_out), [], [0.0, 0.0, 0.0]
    for start in range(0, len(asked), BATCH):
        batch, clock = list(zip(asked, texts, strict=True))[start : start + BATCH], [perf_counter()]
        read = [(i, d) for i, (t, end) in batch if (d := attempt(read_draft, "answered", t, end, task.tags))]
        clock.append(perf_counter())
        passed = [(item, draft, row) for item, draft in read if (row := attempt(checks.row, draft, item))]
        clock.append(perf_counter())
        whole = [normalise(f"{draft.context} {draft.question}") for _, draft, _ in passed]
        pairs = [word_pairs(text) for text in whole]
        for (item, _, (row, _)), text, words, sketch in zip(passed, whole, pairs, sketches(pairs), strict=True):
            if seen.twin(SPLIT, text, words, sketch) is None:
                seen.add(item, text, words, sketch)
                kept.append(row)
        clock.append(perf_counter())
        spent = [s + b - a for s, a, b in zip(spent, clock[:-1], clock[1:], strict=True)]
    parts = dict(zip(("read_draft", "filter", "duplicates"), spent, strict=True))
    return {name: len(asked) / seconds for name, seconds in ({"chain": sum(spent)} | parts).items()}, kept


def attempt(check: Callable[..., Any], *arguments: Any) -> Any:
    """What a check gives, or None where it rejects."""
    try:
        return check(*arguments)
    except Rejected:
        return None


def verdicts(job: CorpusJob, rows: list[Example]) -> float:
    """Verdicts a second on right, bare, clipped, uncertain and borrowed completions of every row, mixed evenly."""
    task, _, _ = job.parts(project_root())
    asked = []
    for row, other in zip(rows, rows[1:] + rows[:1], strict=True):
        gold, proof = task.gold_completion(row), row.gold["proof"]
        borrowed = [
            task.completion("", proof, other.gold["answer"]),
            task.completion("", other.gold["proof"], row.gold["answer"]),
        ]
        asked += [(row, text) for text in (gold, row.gold["answer"], gold[: len(gold) // 2], *borrowed)]
    start = perf_counter()
    for row, text in asked:
        task.judge(row, text)
    return len(asked) / (perf_counter() - start)


if __name__ == "__main__":
    main()

"""The results as a person reads them in a terminal, and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

ACROSS = 6  # columns of rates with intervals
MOST = 60  # comparisons that are all told; of more, those on the key metrics


def to_csv(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    """CSV with a header and ``columns`` in order; None is an empty cell."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, lineterminator="\n", extrasaction="raise")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def summary(results: Mapping[str, Any]) -> str:
    """Metric by stage with 95 % intervals for every split, one line a comparison, and the published rates.

    Args:
        results: content of ``eval_results.json``.
    """
    lines: list[str] = []
    for split in results["splits"]:
        items = next((e["n"] for e in results["evaluations"] if e["split"] == split), 0)
        lines += [
            "",
            f"{results['study']} · {split} · {items} items · base {results['base']} · scale {results['scale']}",
        ]
        for table in _rate_tables(results, split):
            lines += [*aligned(table), ""]
        rows = [row for row in results["comparisons"] if row["split"] == split]
        told = [row for row in rows if len(rows) <= MOST or row["metric"] in results["key_metrics"]]
        lines += [_comparison_line(row, results["seeds"]) for row in told]
        if len(told) < len(rows):
            lines.append(f"(and {len(rows) - len(told)} comparisons on other metrics: tables/comparisons.csv)")
    lines += _rewards(results)
    for row in results["selection"]:
        if row["seed"] == results["seeds"][0]:
            lines += ["", *_selected(row)] if row is results["selection"][0] else _selected(row)
    if results["published"]:
        lines += [
            "",
            f"published numbers, and ours at scale {results['scale']}: {results['base']} on {results['dataset']}",
        ]
        lines += aligned(list(_published_table(results)))
    return "\n".join(lines[1:])


def percent(row: Mapping[str, Any], prefix: str = "") -> str:
    """``34.0 [27.8, 40.8]``, or a dash."""
    value, low, high = (row.get(f"{prefix}{key}") for key in ("value", "low", "high"))
    if value is None:
        return "-"
    return f"{100 * value:.1f}" + (
        f" [{100 * low:.1f}, {100 * high:.1f}]" if low is not None and high is not None else ""
    )


def _rate_tables(results: Mapping[str, Any], split: str) -> list[list[list[str]]]:
    """Metrics down, stages and the baselines that stand beside them across, as many as a terminal holds."""
    rows = [row for row in results["metrics"] if row["split"] == split]
    runs = list(dict.fromkeys((row["stage"], row["seed"]) for row in rows))
    names = list(dict.fromkeys(row["metric"] for row in rows))
    several = len(results["seeds"]) > 1
    cells = {(*_run(row), row["metric"]): percent(row) for row in rows}
    cells |= {(r["baseline"], None, r["metric"]): percent(r) for r in results["baselines"] if r["split"] == split}
    columns: list[tuple[str, tuple[str, int | None]]] = [
        (f"{stage} (seed {seed})" if several else stage, (stage, seed)) for stage, seed in runs
    ]
    columns += [(name.replace("_", " "), (name, None)) for name in results["references"]]
    parts = [columns[at : at + ACROSS] for at in range(0, len(columns), ACROSS)]
    return [
        [
            ["", *(head for head, _ in part)],
            *(
                [name, *(cells.get((*of, name), "" if of[1] is None else "-") for _, of in part)]
                for name in names
                if any((*of, name) in cells for _, of in part)
            ),
        ]
        for part in parts
    ]


def _run(row: Mapping[str, Any]) -> tuple[str, int]:
    """Which run a row is of."""
    return row["stage"], row["seed"]


def _rewards(results: Mapping[str, Any]) -> list[str]:
    """Mean reward of every stage on the headline split, under the fixed table and under its own; then comparisons."""
    split, lines = results["splits"][0], [["", "table", "part", "mean reward", "as much as gold, %", "least", "most"]]
    for row in results["rewards"]:
        if row["split"] == split and row["part"] != "policy" and row["n"]:
            mean = f"{row['mean']:.2f} [{row['low']:.2f}, {row['high']:.2f}]"
            ends = (f"{row[end]:g}" for end in ("least", "most"))
            lines.append([row["stage"], row["table"], row["part"], mean, percent(row, "at_best_"), *ends])
    if len(lines) == 1:
        return []
    tested = [row for row in results["reward_comparisons"] if row["split"] == split]
    return ["", f"mean reward on {split}", *aligned(lines), *(_comparison_line(r, results["seeds"]) for r in tested)]


def _selected(row: Mapping[str, Any]) -> list[str]:
    chosen = (
        f"{row['metric']}: best of {row['stages']} on {row['chosen_on']} is {row['stage']}, which has {percent(row)}"
    )
    return [f"{chosen} on {row['split']}; chosen there, {row['naive_stage']} would claim {percent(row, 'naive_')}"]


def _published_table(results: Mapping[str, Any]) -> Iterator[list[str]]:
    yield ["", "published", "ours"]
    for row in results["published"]:
        yield [f"{row['metric']} {row['stage']}", percent(row, "published_"), percent(row, "our_")]


def _comparison_line(row: Mapping[str, Any], seeds: Sequence[int]) -> str:
    return row["in_words"] + (f" (seed {row['seed']})" if len(seeds) > 1 else "")


def aligned(table: list[list[str]]) -> list[str]:
    """Lines with columns padded to one width."""
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]

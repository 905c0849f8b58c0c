"""A dataset's rows -> the study's splits: the seed's own shuffle, then ranges; all is checked before any is written."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

from pydantic import Field

from primum.config import Splits
from primum.data.leaks import Leak, find_leaks, refuse
from primum.errors import UserError
from primum.files import read_jsonl, sha256_file, write_json, write_jsonl
from primum.strict import Identifier, Strict
from primum.tasks import load_task
from primum.tasks.base import Example, Task

VALIDATION = "validation"
SplitRows = dict[str, list[Example]]


class SplitsConfig(Strict):
    """What ``build_splits`` needs of a study."""

    study: str
    dataset: Identifier  # id in config/datasets.tsv
    task: str
    task_settings: dict[str, Any]
    data: Splits
    corpus_splits: list[str] = Field(default_factory=list)  # those of a corpus, where the rows come from one
    training_splits: list[str]  # those that may be trained on


def build_splits(config: SplitsConfig, rows_file: Path, output: Path) -> dict[str, Any]:
    """Write ``{split}.jsonl`` for every split and, last, ``splits.json``.

    Args:
        config: the study's data settings.
        rows_file: ``rows.jsonl`` of the dataset or corpus.
        output: the study's data folder.

    Returns:
        The content of ``splits.json``: the source, per split its rows, sha256, letters and kinds, the number of
        groups that splits share, the leaks with the row dropped for each, and rows whose right option stands twice.

    Raises:
        UserError: naming the split, row or pair that cannot be used. Then nothing is written.
    """
    rows = _read_rows(rows_file)
    splits = corpus_splits(rows, config.corpus_splits) if config.data.from_corpus else slice_rows(rows, config.data)
    excluded = _exclude(splits, rows, config.data.exclude)
    task = load_task(config.task, config.task_settings)
    bad = _bad_gold(task, splits, config.data.on_bad_gold)
    for name in splits:
        splits[name] = [example for example in splits[name] if example.id not in bad]
    dropped = resolve_leaks(splits, config)
    gone = {row_id for row_id in dropped.values() if row_id is not None}
    kept = {name: [example for example in examples if example.id not in gone] for name, examples in splits.items()}
    for name, examples in kept.items():
        if not examples:
            raise UserError(
                f"Split '{name}' is empty once excluded and leaking rows are out.", "Widen its range in data.ranges."
            )
    for name, examples in kept.items():
        write_jsonl(output / f"{name}.jsonl", (example.to_row() for example in examples))
    summary = {
        "study": config.study,
        "source": {"dataset": config.dataset, "rows_sha256": sha256_file(rows_file)},
        "shuffle_seed": config.data.shuffle_seed,
        "by_group": config.data.by_group,
        "by_kind": config.data.by_kind,
        "near_duplicate_threshold": config.data.near_duplicate_threshold,
        "splits": {name: _describe(examples, output / f"{name}.jsonl") for name, examples in kept.items()},
        "groups_shared": _groups_shared(kept),
        "excluded": excluded,
        "bad_gold": bad,
        "leaks": [_leak_row(leak, row_id) for leak, row_id in dropped.items()],
        "dropped": sorted(gone),
        "right_option_twice": sorted(
            example.id for examples in kept.values() for example in examples if _right_option_twice(example)
        ),
    }
    write_json(output / "splits.json", summary)
    return summary


def shuffled_indices(count: int, seed: int) -> list[int]:
    """The order of ``datasets.Dataset.from_list(rows).shuffle(seed=seed)``: the number of rows alone decides it."""
    from datasets import Dataset

    if not count:
        return []
    return list(Dataset.from_dict({"index": list(range(count))}).shuffle(seed=seed)["index"])


def slice_rows(rows: list[dict[str, Any]], data: Splits) -> SplitRows:
    """Shuffle the training rows or their groups and cut the ranges, by their starts; then the dataset's own validation.

    A capped validation split is a random sample in the file's order: neighbouring rows may be about the same thing.
    """
    train = [row for row in rows if row["origin"] == "train"]
    units: dict[str, list[dict[str, Any]]] = {}
    for row in train:
        units.setdefault(row["group"] if data.by_group else row["id"], []).append(row)
    whole, order = list(units.values()), shuffled_indices(len(units), data.shuffle_seed)
    if data.by_kind:
        order = _spread([rows[0].get("kind", "") for rows in whole], order)
    splits: SplitRows = {}
    for name, (start, stop) in sorted(data.ranges.items(), key=lambda item: item[1]):
        if stop > len(whole):
            unit = "groups" if data.by_group else "rows"
            raise UserError(
                f"Split '{name}' needs {unit} {start} to {stop}, but the dataset has {len(whole)}.",
                f"Mend data.ranges.{name}, or use a larger dataset.",
            )
        splits[name] = [Example.from_row(row) for i in order[start:stop] for row in whole[i]]
    if data.validation:
        own = [row for row in rows if row["origin"] == VALIDATION]
        if not own:
            raise UserError(
                "The dataset has no validation split of its own.",
                "Set data.validation: false, and take 'validation' out of evaluation.splits.",
            )
        chosen = sorted(shuffled_indices(len(own), data.shuffle_seed)[: data.validation_max_rows])
        splits[VALIDATION] = [Example.from_row(own[i]) for i in chosen]
    return splits


def _spread(kinds: list[str], order: list[int]) -> list[int]:
    """Items of each kind at even distances, in the order given: any range holds about its share of each kind."""
    sizes, seen = Counter(kinds), Counter[str]()
    places: dict[int, float] = {}
    for i in order:
        places[i] = (seen[kinds[i]] + 0.5) / sizes[kinds[i]]
        seen[kinds[i]] += 1
    return sorted(order, key=places.__getitem__)


def corpus_splits(rows: list[dict[str, Any]], names: list[str]) -> SplitRows:
    """The splits that a corpus was made for, by the origin of its rows."""
    splits: SplitRows = {name: [] for name in names}
    for row in rows:
        if row["origin"] not in splits:
            raise UserError(
                f"Row '{row['id']}' is for '{row['origin']}', which is no split.", "Write the corpus again."
            )
        splits[row["origin"]].append(Example.from_row(row))
    return splits


def _bad_gold(task: Task, splits: SplitRows, on_bad_gold: str) -> dict[str, str]:
    """Ids of rows that cannot be asked, or whose gold completion their own task judges wrong, and why."""
    bad: dict[str, str] = {}
    for name, examples in splits.items():
        for example in examples:
            try:
                check_row(task, example, name)
            except UserError as error:
                if on_bad_gold == "stop":
                    raise
                bad[example.id] = error.message
    return dict(sorted(bad.items()))


def check_row(task: Task, example: Example, split: str) -> None:
    """The row can be asked and its gold completion earns every reward; else a :class:`UserError` naming the row."""
    task.validate(example)
    verdict = task.judge(example, task.gold_completion(example))
    held = {outcome for outcome in task.reward_outcomes if verdict.outcomes[outcome]}
    if failed := sorted(held ^ task.expected(example)):
        raise UserError(
            f"Row '{example.id}' of split '{split}': its gold completion fails '{failed[0]}' ({verdict.why}).",
            "Mend the row, list it in data.exclude, or set data.on_bad_gold: drop.",
        )


def resolve_leaks(splits: SplitRows, config: SplitsConfig) -> dict[Leak, str | None]:
    """Leaks, and the id to drop for each; with ``on_leak: stop``, any leak is a :class:`UserError`.

    Of a training and an evaluation row the training row goes. Of two rows of the same sort the one in the later range
    goes, so that ``grpo`` gives way to ``sft`` and ``dev`` to ``eval``; but the standard validation split and a range
    that is only measured on both stay whole.
    """
    leaks = find_leaks(splits, config.data.near_duplicate_threshold)
    if config.data.on_leak == "stop":
        refuse(leaks)

    def mixed(leak: Leak) -> bool:
        return sum(split in config.training_splits for split in leak.splits) == 1

    gone: set[str] = set()
    resolved: dict[Leak, str | None] = {}
    for leak in sorted(leaks, key=lambda leak: (not mixed(leak), leak)):
        already = [row_id for row_id in leak.ids if row_id in gone]
        if already:
            resolved[leak] = already[0]
        elif mixed(leak):
            resolved[leak] = leak.ids[0 if leak.splits[0] in config.training_splits else 1]
        else:
            resolved[leak] = None if VALIDATION in leak.splits else leak.ids[1]
        gone.update(row_id for row_id in (resolved[leak],) if row_id is not None)
    return dict(sorted(resolved.items()))


def _read_rows(path: Path) -> list[dict[str, Any]]:
    rows = read_jsonl(path)
    seen: set[str] = set()
    for number, row in enumerate(rows, 1):
        missing = sorted({"id", "inputs", "gold", "origin"} - set(row)) if isinstance(row, dict) else ["id"]
        if missing:
            raise UserError(f"{path} line {number} has no '{missing[0]}'.", "Let snakemake rebuild the file.")
        if row["id"] in seen:
            raise UserError(
                f"{path} line {number}: row '{row['id']}' stands twice.", "Give every row an id of its own."
            )
        seen.add(row["id"])
    return rows


def _exclude(splits: SplitRows, rows: list[dict[str, Any]], exclude: list[str]) -> list[str]:
    """Take rows out after the cut: taken out before, they would move every other row to another place."""
    unknown = sorted(set(exclude) - {row["id"] for row in rows})
    if unknown:
        raise UserError(f"data.exclude names '{unknown[0]}', which is no row of the dataset.", "Mend or remove the id.")
    gone = sorted({example.id for examples in splits.values() for example in examples} & set(exclude))
    for name in splits:
        splits[name] = [example for example in splits[name] if example.id not in gone]
    return gone


def _describe(examples: list[Example], path: Path) -> dict[str, Any]:
    return {
        "rows": len(examples),
        "sha256": sha256_file(path),
        "answers": dict(Counter(str(e.gold.get("expects") or e.gold.get("answer")) for e in examples)),
        "kinds": dict(Counter(example.kind for example in examples)),
        "groups": len({example.group for example in examples}),
    }


def _groups_shared(splits: SplitRows) -> dict[str, int]:
    groups = {name: {example.group for example in examples} for name, examples in splits.items()}
    return {f"{a}+{b}": len(groups[a] & groups[b]) for a, b in combinations(splits, 2)}


def _leak_row(leak: Leak, dropped: str | None) -> dict[str, Any]:
    return {
        "ids": leak.ids,
        "splits": leak.splits,
        "similarity": round(leak.similarity, 4),
        "same": leak.same,
        "dropped": dropped,
    }


def _right_option_twice(example: Example) -> bool:
    """Another option reads like the right one, so that a right answer can be judged wrong."""
    options, answer = example.inputs.get("options", []), example.gold.get("answer")
    texts = [" ".join(str(option).split()).casefold() for option in options]
    return (
        len(str(answer)) == 1
        and "ABCD".find(str(answer)) in range(len(texts))
        and texts.count(texts["ABCD".find(str(answer))]) > 1
    )

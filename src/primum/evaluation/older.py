"""Two folders of results, one older: read and checked; which files changed, and what in settings, data and code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from primum.errors import UserError
from primum.files import read_json, read_jsonl, sha256_file
from primum.stages import BASE_STAGE

MANIFEST = "manifest.json"


class Results:
    """A finished ``results/{scale}``, or a copy of one.

    Args:
        folder: where it lies.

    Raises:
        UserError: if it is not there, not finished, or not as its manifest has it.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise UserError(f"There is no folder {folder}.", "Give a copy of results/{scale}, with its manifest.json.")
        if not (folder / MANIFEST).is_file():
            raise UserError(
                f"{folder} has no {MANIFEST}: it holds no finished results.",
                "Give a whole copy of results/{scale}; a run that stopped must be finished first.",
            )
        self.folder, manifest = folder, read_json(folder / MANIFEST)
        if not isinstance(manifest, dict) or not {"scale", "artefacts", "inputs"} <= set(manifest):
            raise UserError(f"{folder / MANIFEST} is no manifest.", "Give a copy of results/{scale}.")
        self.scale: str = manifest["scale"]
        self.artefacts: dict[str, str] = manifest["artefacts"]
        self.inputs: dict[str, str] = manifest["inputs"]
        for path, digest in sorted(self.artefacts.items()):
            if not (folder / path).is_file():
                raise UserError(f"{folder} is not whole: {path} is missing.", "Copy it again, or build it first.")
            if sha256_file(folder / path) != digest:
                raise UserError(
                    f"{folder / path} is not the file that {MANIFEST} has.",
                    "Copy it again, or build the manifest anew.",
                )

    def studies(self) -> list[str]:
        """Those that were evaluated."""
        return sorted(
            path.parent.name for path in map(PurePosixPath, self.artefacts) if path.match("*/eval_results.json")
        )

    def results(self, study: str) -> dict[str, Any]:
        """``eval_results.json``."""
        return read_json(self.folder / study / "eval_results.json")

    def splits(self) -> dict[tuple[str, str], dict[str, Any]]:
        """``rows`` and ``sha256`` of every split, by study and split."""
        found = {}
        for path in sorted(self.artefacts):
            if PurePosixPath(path).match("*/data/splits.json"):
                study = path.split("/")[0]
                for split, described in read_json(self.folder / path)["splits"].items():
                    found[study, split] = {key: described[key] for key in ("rows", "sha256")}
        return found

    def checkpoints(self) -> dict[tuple[str, str, int], dict[str, Any]]:
        """``checkpoint.json`` by study, stage and seed."""
        found = [path for path in sorted(self.artefacts) if PurePosixPath(path).match("models/*/*/*/checkpoint.json")]
        records = [read_json(self.folder / path) for path in found]
        return {(record["study"], record["stage"], record["seed"]): record for record in records}

    def made_by(self, study: str, stage: str, seed: int) -> str | None:
        """What says which stage it is: the hash of its record, or of its base's."""
        if stage == BASE_STAGE:
            return self.inputs.get(f"results/inputs/bases/{self.results(study)['base']}/base.json")
        ends = f"/{stage}/seed{seed}/checkpoint.json"
        return next(
            (h for p, h in self.artefacts.items() if p.startswith(f"{study}/models/") and p.endswith(ends)), None
        )

    def rows(self, study: str, split: str) -> dict[str, dict[str, Any]]:
        """Rows of a split, by id."""
        return {row["id"]: row for row in read_jsonl(self.folder / study / "data" / f"{split}.jsonl")}

    def evaluations(self, study: str) -> dict[tuple[str, int, str], str]:
        """Folders of scores, relative to the results, by stage, seed and split."""
        found = {}
        for path in sorted(self.artefacts):
            if path.startswith(f"{study}/eval/") and path.endswith("/scores.jsonl"):
                stage, seed, split = path.split("/")[3:6]
                found[stage, int(seed.removeprefix("seed")), split] = path.rsplit("/", 1)[0]
        return found

    def scores(self, evaluation: str) -> dict[str, dict[str, Any]]:
        """Unrotated scores of an evaluation, by row id."""
        lines = read_jsonl(self.folder / evaluation / "scores.jsonl")
        return {score["id"]: score for score in lines if score["shift"] == 0}


def changed_files(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, list[str]]:
    """Paths ``added``, ``removed`` and ``changed``.

    Args:
        before, after: sha256 by path.
    """
    both = set(before) & set(after)
    return {
        "added": sorted(set(after) - both),
        "removed": sorted(set(before) - both),
        "changed": sorted(path for path in both if before[path] != after[path]),
    }


def changed_settings(before: Results, after: Results) -> list[dict[str, Any]]:
    """What differs in splits and in the records of stages, key by key.

    Returns:
        Rows ``study``, ``of`` (a split, or a stage with its seed), ``key``, ``before``, ``after``; None for what one
        side does not have.
    """
    rows = []
    for kind, old, new in (
        ("split", before.splits(), after.splits()),
        ("stage", before.checkpoints(), after.checkpoints()),
    ):
        for name in sorted({*old, *new}):
            of = f"split {name[1]}" if kind == "split" else f"{name[1]}, seed {name[2]}"
            if name not in old or name not in new:
                there = [("is there" if name in side else None) for side in (old, new)]
                rows.append({"study": name[0], "of": of, "key": kind, "before": there[0], "after": there[1]})
                continue
            sides = [side[name] if kind == "split" else _said(side[name]) for side in (old, new)]
            flat = [dict(_flat(side)) for side in sides]
            for key in sorted({*flat[0], *flat[1]}):
                values = [side.get(key) for side in flat]
                if values[0] != values[1]:
                    rows.append({"study": name[0], "of": of, "key": key, "before": values[0], "after": values[1]})
    return rows


def _said(record: Mapping[str, Any]) -> dict[str, Any]:
    """What of a checkpoint's record is not made by training."""
    kept = ("backend", "base", "config", "data", "code_sha256", "environment_sha256")
    return {key: record[key] for key in kept if key in record}


def _flat(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Values with dotted keys."""
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from _flat(inner, f"{key}.{name}" if key else str(name))
    else:
        yield key, value

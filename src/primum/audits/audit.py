"""All audits of a study, from files alone: the content of ``audits.json``, and its tables."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from primum.audits import abstention, contamination, flips, hacking, risk, subgroups
from primum.audits.reading import AuditConfig, read_audited
from primum.audits.signals import labels_of
from primum.files import read_json, sha256_file

COLUMNS: dict[str, tuple[str, ...]] = {
    **hacking.COLUMNS,
    **contamination.COLUMNS,
    **risk.COLUMNS,
    **abstention.COLUMNS,
    **subgroups.COLUMNS,
    **flips.COLUMNS,
}
IN_TABLES_ALONE = ("training",)  # a copy of what the logs hold


def audit(
    config: AuditConfig, root: Path, folder: Path, backend: str
) -> tuple[dict[str, Any], dict[str, list[dict[str, Any]]]]:
    """Audit.

    Args:
        config: which study.
        root: the project's folder.
        folder: ``results/{scale}/{study}``.
        backend: who trained its stages.

    Returns:
        The content of ``audits.json``; and the rows of every table in :data:`COLUMNS`.
    """
    audited = read_audited(config, folder / "eval" / backend, folder / "data", folder / "models" / backend)
    audited.found.sha256["eval_results.json"] = sha256_file(folder / "eval_results.json")
    found: dict[str, Any] = {
        **hacking.audit_hacking(audited, read_json(folder / "eval_results.json")),
        **contamination.audit_contamination(audited, root),
        **risk.audit_risk(audited),
        "abstention": abstention.audit_abstention(audited),
        **subgroups.audit_subgroups(audited),
        **flips.audit_flips(audited, folder / "audits", backend),
    }
    kept = {name: value for name, value in found.items() if name not in IN_TABLES_ALONE}
    about = {"study": config.study, "splits": config.splits, "headline": audited.headline.name}
    about["labels"] = labels_of(audited.task)
    return about | kept | {"inputs": audited.found.sha256}, {name: found[name] for name in COLUMNS}


def in_words(found: Mapping[str, Any]) -> list[str]:
    """What a person watching should see: flags, the swaps, and what abstention costs."""
    split = found["splits"][0]
    lines = [f"{found['study']}: audits on {split}"]
    flagged = {(r["stage"], r["seed"]): r for r in found["hacking"] if r["split"] == split}
    lines += [f"{stage} (seed {seed}) flagged: {r['flag']}; {r['why']}" for (stage, seed), r in flagged.items()]
    for row in found["overlap"]:
        lines.append(f"{row['split']} against {row['against']}: {row['heavy']} of {row['rows']} rows overlap heavily")
    for swap, record in found["swaps"].items():
        lines.append(f"{swap}: {record['status']}, {record['swapped']} of {record['rows']} rows")
    for row in found["flips"]:
        lines.append(f"{row['swap']} {row['stage']}: {row['gained']} gained, {row['lost']} lost of {row['n']}")
    return lines

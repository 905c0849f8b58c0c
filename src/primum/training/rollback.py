"""``rollback: auto``: a block goes on from the last good block, not from a parent whose dev result fell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from primum.errors import UserError
from primum.files import read_json


@dataclass(frozen=True, slots=True)
class Block:
    """A block that a stage may go on from.

    Attributes:
        stage: its name.
        folder: its checkpoint's folder.
        metrics: its ``metrics.json`` on the dev split.
    """

    stage: str
    folder: Path
    metrics: Path


def choose_block(blocks: Sequence[Block], headline: str) -> tuple[Block, dict[str, Any] | None]:
    """The block to go on from: the last one that did not fall below the interval of the last good one before it.

    Args:
        blocks: the curriculum so far, the first block first; the last one is the stage's parent.
        headline: the metric that decides.

    Returns:
        The block and, if it is not the parent, what to put on record: ``{"from", "to", "metric", "value", "low",
        "high", "n"}``: the parent's value, and the interval of the block that is gone back to.
    """
    values = [_read(block, headline) for block in blocks]
    good = 0
    for number in range(1, len(blocks)):
        if values[number]["value"] >= values[good]["low"]:
            good = number
    last = len(blocks) - 1
    if good == last:
        return blocks[last], None
    record = {"from": blocks[last].stage, "to": blocks[good].stage, "metric": headline, "value": values[last]["value"]}
    return blocks[good], record | {key: values[good][key] for key in ("low", "high", "n")}


def _read(block: Block, headline: str) -> dict[str, Any]:
    found = read_json(block.metrics)["metrics"].get(headline)
    if found is None or found["value"] is None:
        raise UserError(
            f"{block.metrics} has no '{headline}' of stage '{block.stage}', which 'rollback: auto' goes by.",
            "Score the block on the dev split again, or set rollback to 'off'.",
        )
    return found

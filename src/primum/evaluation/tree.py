"""The training tree as comparisons need it: what a stage is held against, and which stages end an arm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from primum.stages import BASE_STAGE


class Node(Protocol):
    """A stage and what it grew from; the base has no parent, or is left out."""

    @property
    def name(self) -> str: ...
    @property
    def parent(self) -> str | None: ...
    @property
    def method(self) -> str | None: ...


class Tree:
    """Stages that grow from one base.

    An *arm* is the way from the last stage that several arms share to a stage from which none grows. The longest is
    the main arm (the curriculum, where there is one), the others its controls.

    Args:
        nodes: parents first.
    """

    def __init__(self, nodes: Sequence[Node]) -> None:
        self.nodes = {node.name: node for node in nodes if node.name != BASE_STAGE}

    def lineage(self, stage: str) -> list[str]:
        """Stage names from the base's child to ``stage``; empty for the base."""
        if stage == BASE_STAGE:
            return []
        return [*self.lineage(self.nodes[stage].parent or BASE_STAGE), stage]

    def ends(self) -> list[str]:
        """Stages from which none grows: the main arm's first, then as they stand in the study."""
        parents = {node.parent for node in self.nodes.values()}
        ends = [name for name in self.nodes if name not in parents]
        return sorted(ends, key=lambda name: name != max(ends, key=lambda end: len(self.lineage(end))))

    def arms(self) -> list[list[str]]:
        """The stages of every arm, the main one first; those that all arms share belong to none."""
        lines = [self.lineage(end) for end in self.ends()]
        if len(lines) < 2:
            return []
        shared = set(lines[0]).intersection(*lines[1:])
        return [[name for name in line if name not in shared] for line in lines]

    def against(self, stage: str) -> list[str]:
        """What a stage is compared with: the base, its parent, the nearest supervised stage that it grew from; and the
        main arm's end with the end of every other arm."""
        if stage == BASE_STAGE:
            return []
        supervised = [name for name in self.lineage(stage)[:-1] if self.nodes[name].method == "sft"]
        found = [BASE_STAGE, self.nodes[stage].parent or BASE_STAGE, *supervised[-1:]]
        main, *others = self.ends()
        return list(dict.fromkeys([*found, *(others if stage == main else [])]))

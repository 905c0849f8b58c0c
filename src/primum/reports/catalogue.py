"""Which figures, tables and records there are: names that the plan and the reports share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

FIGURES = (
    *("composition", "yield", "training_loss", "training_reward", "metric_by_stage", "arms", "reward_parts"),
    *("calibration", "deployments", "hacking", "risk_coverage"),
)
SCORED_FILES = ("predictions.jsonl", "scores.jsonl", "metrics.json")  # of a stage or a deployment on a split
DEPLOYMENTS = "deployments.json"  # of a study, below its folder
DEPLOYMENT_TABLES = tuple(f"deployment_{name}" for name in ("metrics", "comparisons", "costs", "corrections"))
TABLES = (
    *("metrics", "kinds", "comparisons", "over_seeds", "rewards", "outcomes", "reward_comparisons"),
    *("selection", "baselines", "published"),
)
AUDITS = "audits.json"  # of a study, below its folder; SWAP_FILES: the rows with swapped patients behind it
AUDIT_TABLES = tuple(
    f"audit_{name}"
    for name in (
        *("signals", "hacking", "correlations", "training", "overlap", "contamination", "risk", "abstention"),
        *("people", "gaps", "flips"),
    )
)
SWAP_FILES = ("audits/swapped.jsonl", "audits/swaps.json")
CLAIMS = "paper/claims.json"  # of all original studies together, below results/{scale}
CLAIMS_TABLE = "paper/tables/claims.csv"
CORPUS_RECORD = "generation.json"
PIPELINE = ("figures/pipeline.svg", "figures/pipeline.png")  # of all studies together, below results/{scale}/paper
PARITY = "paper/tables/parity.csv"  # of all studies together, below results/{scale}

DATA_RECORDS = ("splits.json", "croissant.json", "rewards_check.json")  # beside a study's split files


class Trained(Protocol):
    """What decides which figures there are."""

    @property
    def parent(self) -> str: ...
    @property
    def method(self) -> str: ...


def figures_of(
    stages: Sequence[Trained], confidence: bool, abstains: bool, corpus: bool, paid: bool, deployed: bool = False
) -> tuple[str, ...]:
    """The figures for which a study has something to show.

    Args:
        stages: arms are shown where their tree forks, and what moved with a reward where one was paid.
        confidence: whether the task states how sure it is: calibration, risk and coverage.
        abstains: whether it may say that it does not know: risk and coverage.
        corpus: whether a teacher wrote the rows: the yield.
        paid: whether every stage is reported under one fixed reward table: what it is made of.
        deployed: whether stages are evaluated with other prompts or a safety layer, too.
    """
    methods, parents = {stage.method for stage in stages}, [stage.parent for stage in stages]
    shown = {
        "yield": corpus,
        "reward_parts": paid and "grpo" in methods,
        "training_loss": "sft" in methods,
        "training_reward": "grpo" in methods,
        "arms": len(set(parents)) < len(parents),
        "calibration": confidence,
        "hacking": "grpo" in methods,
        "risk_coverage": confidence or abstains,
        "deployments": deployed,
    }
    return tuple(name for name in FIGURES if shown.get(name, True))


def figure_files(figure: str) -> tuple[str, ...]:
    """Names of the records that a figure is drawn from, beside training histories."""
    known = {"composition": ("splits.json",), "yield": (CORPUS_RECORD, "comparison.json")}
    known |= {"deployments": ("eval_results.json", DEPLOYMENTS)}
    known |= {name: (AUDITS,) for name in ("hacking", "risk_coverage")}
    return known.get(figure, ("eval_results.json",))

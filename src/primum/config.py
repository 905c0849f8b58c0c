"""Typed models of every configuration file; the source of ``config/schema.json``. Unknown keys are refused."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from primum.registry import DatasetEntry, ModelEntry
from primum.stages import BASE_STAGE, SHARED_BY_BLOCKS, Backend, Deployment, GrpoStage, Lora, Mesh, Stage
from primum.strict import Identifier, Share, Strict
from primum.teaching import Corpus, Teacher


class Splits(Strict):
    """Ranges [start, stop) of rows or groups after ``datasets.Dataset.shuffle(seed=shuffle_seed)``, or the splits that
    rows name."""

    shuffle_seed: int
    ranges: dict[Identifier, tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(gt=0)]]] = Field(
        default_factory=dict
    )
    by_group: bool = False  # ranges count groups (rows about the same thing), each of which stays whole
    by_kind: bool = False  # every kind of row is spread evenly over the ranges
    from_corpus: bool = False  # instead of ranges: the splits for which the study's corpus was made
    validation: bool  # also take the dataset's own validation split, where it has one, as split 'validation'
    validation_max_rows: Annotated[int, Field(gt=0)] | None = None
    near_duplicate_threshold: Share  # MinHash Jaccard similarity of word pairs at which two rows are the same question
    on_bad_gold: Literal["stop", "drop"] = (
        "stop"  # a row that its own task judges wrong; drop: leave it out, and record it
    )
    on_leak: Literal["stop", "drop"]  # drop: remove the *training* row of each leaking pair, and record it
    exclude: list[str] = Field(default_factory=list)  # row ids to leave out of every split

    @model_validator(mode="before")
    @classmethod
    def _ranges_as_tuples(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("ranges"), dict):
            data = data | {"ranges": {k: tuple(v) if isinstance(v, list) else v for k, v in data["ranges"].items()}}
        return data

    @model_validator(mode="after")
    def _disjoint(self) -> Splits:
        taken: list[tuple[int, int, str]] = sorted((start, stop, name) for name, (start, stop) in self.ranges.items())
        for start, stop, name in taken:
            if stop <= start:
                raise ValueError(f"split '{name}' is empty: [{start}, {stop})")
        for (_, stop, first), (start, _, second) in pairwise(taken):
            if start < stop:
                raise ValueError(
                    f"splits '{first}' and '{second}' overlap at {'group' if self.by_group else 'row'} {start}"
                )
        return self


class Evaluation(Strict):
    """Greedy prediction and scoring."""

    splits: Annotated[list[Identifier], Field(min_length=1)]  # the first is the one claims are made on
    max_new_tokens: Annotated[int, Field(gt=0)]
    batch_size: Annotated[int, Field(gt=0)]
    permutations: Annotated[int, Field(ge=0, le=3)]  # extra passes with the options rotated, on the first split
    reward_table: Identifier | None = None  # the one table under which every stage's mean reward is reported


class Guards(Strict):
    """What must hold before and while training; see ``primum.training.guards``."""

    min_sampled_schema_rate: Share  # of sampled completions, before GRPO starts
    sampled_prompts: Annotated[int, Field(gt=0)]
    sampled_outcome: str  # the outcome whose rate is meant
    max_equal_reward_steps: Annotated[int, Field(gt=0)]  # logged steps in a row with all rewards equal


class Study(Strict):
    """One study: one YAML in ``config/studies``, overlaid by the scale. Without stages it ends at its data."""

    title: str
    task: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
    task_settings: dict[str, Any]  # checked by the task; a '*_prompt' value is a file of config/prompts
    dataset: Identifier  # id in datasets.tsv: of what is read, or of what the corpus is
    corpus: Corpus | None = None
    data: Splits
    rewards: dict[Identifier, dict[str, float]]
    exploitable_rewards: list[Identifier] = Field(
        default_factory=list
    )  # tables known to pay exploits: the gate reports them, and refuses others
    stages: dict[Identifier, Stage] = Field(default_factory=dict)
    deployments: dict[Identifier, Deployment] = Field(default_factory=dict)  # evaluated beside the stages
    base: Identifier | None = None  # id in models.tsv
    backend: Backend = "trl"  # who trains and predicts, unless the main configuration says otherwise
    mesh: Mesh = Field(default_factory=Mesh)  # of the tunix backend
    thinking: bool = False  # the chat template's enable_thinking, in training and evaluation alike
    lora: Lora | None = None
    guards: Guards | None = None
    evaluation: Evaluation | None = None
    train_threads: Annotated[int, Field(gt=0)] = 1  # CPU threads of a training or prediction job
    limitations: list[Annotated[str, StringConstraints(pattern=r"^[^0-9{}]+$")]] = Field(
        default_factory=list
    )  # said in paper and card; no numbers
    published: Identifier | None = None  # config/published/<name>.tsv: the original's numbers, for comparison

    @model_validator(mode="after")
    def _source(self) -> Study:
        if self.data.from_corpus and (self.corpus is None or self.data.ranges or self.data.validation):
            raise ValueError("data.from_corpus: needs a corpus, and no ranges and no validation beside it")
        if not self.data.from_corpus and not self.data.ranges:
            raise ValueError("data.ranges: cut the dataset, or describe a corpus and set data.from_corpus")
        for table in self.exploitable_rewards:
            if table not in self.rewards:
                raise ValueError(f"exploitable_rewards: '{table}' is no table of this study")
        return self

    @model_validator(mode="after")
    def _tree(self) -> Study:
        if not self.stages:
            return self
        for key in ("base", "lora", "guards", "evaluation"):
            if getattr(self, key) is None:
                raise ValueError(f"{key}: a study with stages needs it")
        if BASE_STAGE in self.stages:
            raise ValueError(f"a stage may not be called '{BASE_STAGE}'")
        for name, stage in self.stages.items():
            seen, at = {name}, stage.parent
            while at != BASE_STAGE:
                if at not in self.stages:
                    raise ValueError(f"stages.{name}: parent '{at}' is no stage of this study")
                if at in seen:
                    raise ValueError(f"stages.{name}: parents form a circle through '{at}'")
                seen.add(at)
                at = self.stages[at].parent
            if stage.split not in self.splits() or stage.split == "validation":
                raise ValueError(f"stages.{name}: split '{stage.split}' is not in data.ranges")
            if self.data.from_corpus and self.corpus and stage.split in self.corpus.held_out:
                raise ValueError(f"stages.{name}: split '{stage.split}' is held out by the corpus")
            if isinstance(stage, GrpoStage) and stage.rewards not in self.rewards:
                raise ValueError(f"stages.{name}: rewards '{stage.rewards}' is no table of this study")
        return self

    @model_validator(mode="after")
    def _blocks(self) -> Study:
        for name, stage in self.stages.items():
            if stage.bf16 and stage.fp16:
                raise ValueError(f"stages.{name}: bf16 and fp16 exclude each other")
            if not isinstance(stage, GrpoStage):
                continue
            if stage.rollback == "auto" and not stage.continues:
                raise ValueError(f"stages.{name}: rollback belongs to a block that 'continues' another")
            if stage.rollback == "auto" and (self.evaluation is None or len(self.evaluation.splits) < 2):
                raise ValueError(f"stages.{name}: rollback goes by the second of evaluation.splits, and there is none")
            if stage.max_steps % stage.num_iterations or stage.save_steps % stage.num_iterations:
                raise ValueError(f"stages.{name}: num_iterations must divide max_steps and save_steps")
            if not stage.continues:
                continue
            parent = self.stages.get(stage.parent)
            if not isinstance(parent, GrpoStage):
                raise ValueError(f"stages.{name}: a block continues another GRPO stage, and '{stage.parent}' is none")
            if stage.schedule_steps is None:
                raise ValueError(f"stages.{name}: a block needs schedule_steps, those of the whole curriculum")
            for key in SHARED_BY_BLOCKS:
                if getattr(stage, key) != getattr(parent, key):
                    raise ValueError(f"stages.{name}: '{key}' must be that of the block it continues, '{stage.parent}'")
            if (steps := sum(self.stages[block].max_steps for block in self.blocks(name))) > stage.schedule_steps:
                raise ValueError(
                    f"stages.{name}: the curriculum has {steps} steps by its end, more than schedule_steps"
                )
        return self

    @model_validator(mode="after")
    def _evaluated(self) -> Study:
        if self.data.validation and "validation" in self.data.ranges:
            raise ValueError("data.ranges: 'validation' is the dataset's own split; name the range otherwise")
        if self.evaluation is None:
            return self
        if len(set(self.evaluation.splits)) != len(self.evaluation.splits):
            raise ValueError("evaluation.splits: a split stands twice")
        for split in self.evaluation.splits:
            if split not in self.splits():
                raise ValueError(f"evaluation.splits: '{split}' is not a split of this study")
            if split in {stage.split for stage in self.stages.values()}:
                raise ValueError(f"evaluation.splits: '{split}' is also trained on")
        if self.evaluation.reward_table and self.evaluation.reward_table not in self.rewards:
            raise ValueError(f"evaluation.reward_table: '{self.evaluation.reward_table}' is no table of this study")
        return self

    @model_validator(mode="after")
    def _deployed(self) -> Study:
        for name, node in self.deployments.items():
            if name == BASE_STAGE or name in self.stages:
                raise ValueError(f"deployments.{name}: a stage has this name")
            if node.layer is bool(node.task_settings):
                raise ValueError(f"deployments.{name}: give either task_settings or layer: true")
            known = [BASE_STAGE, *self.stages, *list(self.deployments)[: list(self.deployments).index(name)]]
            if node.of not in known:
                raise ValueError(
                    f"deployments.{name}: '{node.of}' is no stage, and no deployment that stands before it"
                )
            of = self.deployments.get(node.of)
            if of is not None and (of.layer or not node.layer):
                raise ValueError(f"deployments.{name}: only a layer goes on top of another prompt, and only once")
        return self

    def splits(self) -> list[str]:
        """Every split that is written."""
        if self.data.from_corpus and self.corpus:
            return sorted(self.corpus.sizes)
        return [*sorted(self.data.ranges), *(["validation"] if self.data.validation else [])]

    def blocks(self, stage: str) -> list[str]:
        """The blocks of a curriculum up to ``stage``, the first one first; a stage that continues none is its own."""
        chain = [stage]
        while isinstance(node := self.stages[chain[0]], GrpoStage) and node.continues:
            chain.insert(0, node.parent)
        return chain

    def reference(self, stage: str) -> str:
        """The stage whose policy KL is measured against: the parent, or that of a curriculum's first block."""
        return self.stages[self.blocks(stage)[0]].parent

    def lineage(self, stage: str) -> list[str]:
        """Stage names from the base's first child to ``stage``; empty for the base itself."""
        chain: list[str] = []
        while stage != BASE_STAGE:
            chain.insert(0, stage)
            stage = self.stages[stage].parent
        return chain


class Config(Strict):
    """``config/config.yaml``, which a profile, ``--configfile`` or ``--config`` may override."""

    studies: Annotated[list[Identifier], Field(min_length=1)]
    scale: Literal["tiny", "small", "full"]
    backend: Backend | None = None  # for every study; unset: each study's own
    predictor: Literal["hf", "tunix"] = "hf"  # who predicts; tunix: on hosts whose accelerator only JAX knows
    seeds: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)]
    teachers: dict[Identifier, Teacher] = Field(default_factory=dict)
    overrides: dict[Identifier, dict[str, Any]] = Field(
        default_factory=dict
    )  # study -> keys laid over the study and its scale

    @model_validator(mode="after")
    def _once(self) -> Config:
        for key in ("studies", "seeds"):
            if len(set(getattr(self, key))) != len(getattr(self, key)):
                raise ValueError(f"{key}: a value stands twice")
        return self


def schema() -> dict[str, Any]:
    """JSON schema of the main configuration and of a study, as written to ``config/schema.json``."""
    return {
        "config": Config.model_json_schema(),
        "study": Study.model_json_schema(),
        "dataset": DatasetEntry.model_json_schema(),
        "model": ModelEntry.model_json_schema(),
    }


def project_root() -> Path:
    """The folder that holds ``config/`` and ``src/``."""
    return Path(__file__).resolve().parents[2]

"""Where everything lies, and what is built: the paths that rules and others may rely on."""

from __future__ import annotations

from pathlib import Path

from primum.config import Config, Study
from primum.corpora.contents import chat_file, corpus_files
from primum.registry import DatasetEntry, ModelEntry
from primum.stages import BASE_STAGE, GrpoStage
from primum.teaching import Corpus

INPUTS = "results/inputs"
LEDGERS = "ledgers"
SELECTION = "dev"  # the split on which stages may be chosen
ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors")


class Layout:
    """Paths of a run, relative to the project's folder.

    Args:
        root: the project's folder.
        config: the main configuration.
        studies: resolved studies by name.
    """

    def __init__(self, root: Path, config: Config, studies: dict[str, Study]) -> None:
        self.root = root
        self.config = config
        self.studies = studies
        self.datasets: dict[str, DatasetEntry] = {}  # lines of the registry that the studies use
        self.trained = [name for name, study in studies.items() if study.stages]  # the others end at their data
        self.corpora = [name for name, study in studies.items() if study.corpus and study.data.from_corpus]
        self.results = f"results/{config.scale}"
        self.parity = bool(self.trained) and config.scale == "tiny"  # elsewhere only when asked for: `snakemake parity`

    def backend(self, study: str) -> str:
        """Who trains a study: the main configuration's word, or else the study's own."""
        return self.config.backend or self.studies[study].backend

    # --- paths -----------------------------------------------------------------------------------------------------

    def study_folder(self, study: str) -> str:
        """Everything built for one study at this scale."""
        return f"{self.results}/{study}"

    def stage_folder(self, study: str, stage: str, seed: int | str) -> str:
        """Where a trained stage lies."""
        return f"{self.results}/{study}/models/{self.backend(study)}/{stage}/seed{seed}"

    def eval_folder(self, study: str, stage: str, seed: int | str, split: str) -> str:
        """Where predictions and scores of a stage on a split lie."""
        return f"{self.results}/{study}/eval/{self.backend(study)}/{stage}/seed{seed}/{split}"

    def split_file(self, study: str, split: str) -> str:
        """The rows of a split."""
        return f"{self.results}/{study}/data/{split}.jsonl"

    def base_file(self, study: str) -> str:
        """The manifest of the study's base model."""
        return f"{INPUTS}/bases/{self.studies[study].base}/base.json"

    def rows_file(self, study: str) -> str:
        """The rows that the study's splits are made from: its corpus, or its dataset."""
        if self.studies[study].data.from_corpus:
            return f"{self.corpus_folder(study)}/rows.jsonl"
        return f"{INPUTS}/datasets/{self.studies[study].dataset}/rows.jsonl"

    def corpus(self, study: str) -> Corpus:
        """The corpus of one of :attr:`corpora`."""
        corpus = self.studies[study].corpus
        assert corpus is not None
        return corpus

    def corpus_folder(self, study: str) -> str:
        """What the teacher wrote for a study, and what was made of it."""
        return f"{self.results}/{study}/corpus/{self.corpus(study).teacher}"

    def chat_files(self, study: str) -> list[str]:
        """The published chats of a corpus."""
        only = self.corpus(study).prompts_only
        return [f"{self.corpus_folder(study)}/{chat_file(study, split, only)}" for split in self.splits(study)]

    def ledger(self, teacher: str) -> str:
        """Every reply that a teacher was ever paid for: outside results, for all scales and studies."""
        return f"{LEDGERS}/{teacher}.jsonl"

    def source_files(self, entry: DatasetEntry | ModelEntry) -> list[str]:
        """Local files that a registry entry names, for rules to depend on."""
        if entry.reader in ("bundled", "folder"):
            folder = self.root / entry.source
            files = sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix != ".md")
            return [(p.relative_to(self.root) if p.is_relative_to(self.root) else p).as_posix() for p in files]
        return [entry.source] if entry.reader == "file" else []

    # --- what is built ---------------------------------------------------------------------------------------------

    def stages(self, study: str) -> list[str]:
        """The base and every trained stage, parents first."""
        resolved = self.studies[study]
        lineages = [resolved.lineage(stage) for stage in resolved.stages]
        return [BASE_STAGE, *dict.fromkeys(stage for lineage in lineages for stage in lineage)]

    def seeds(self, stage: str) -> list[int]:
        """Training seeds of a stage; the base is what it is, and is evaluated once."""
        return [0] if stage == BASE_STAGE else sorted(set(self.config.seeds))

    def runs(self, study: str) -> list[tuple[str, int]]:
        """Every (stage, seed) to evaluate."""
        return [(stage, seed) for stage in self.stages(study) for seed in self.seeds(stage)]

    def training_splits(self, study: str) -> list[str]:
        """Splits that some stage trains on; without stages, those that may be: neither held out nor validation."""
        resolved = self.studies[study]
        trained = {stage.split for stage in resolved.stages.values()}
        if study in self.corpora or not trained:
            held_out = resolved.corpus.held_out if resolved.corpus else []
            trained |= set(self.splits(study)) - set(held_out) - {"validation"}
        return sorted(trained)

    def splits(self, study: str) -> list[str]:
        """Every split file that is written."""
        return self.studies[study].splits()

    def corpus_files(self, study: str) -> list[str]:
        """What a corpus publishes."""
        return [
            f"{self.corpus_folder(study)}/{name}"
            for name in corpus_files(study, self.splits(study), self.corpus(study).prompts_only)
        ]

    def first_of(self, study: str, method: str) -> str | None:
        """The first stage of a method, for the figures."""
        return next((n for n in self.stages(study)[1:] if self.studies[study].stages[n].method == method), None)

    def parent_checkpoint(self, study: str, stage: str, seed: str) -> list[str]:
        """The checkpoint that a stage is trained from; none for a child of the base."""
        return self.own_checkpoint(study, self.studies[study].stages[stage].parent, seed)

    def rollback_blocks(self, study: str, stage: str) -> list[str]:
        """The blocks that a stage with ``rollback: auto`` chooses among, its parent last; none for any other stage."""
        node = self.studies[study].stages[stage]
        automatic = isinstance(node, GrpoStage) and node.rollback == "auto"
        return self.studies[study].blocks(stage)[:-1] if automatic else []

    def rollback_metrics(self, study: str, stage: str, seed: str) -> list[str]:
        """What tells a good block: metrics on the second evaluated split, which no claim is made on."""
        blocks = self.rollback_blocks(study, stage)
        if not blocks:
            return []
        split = self.studies[study].evaluation.splits[1]
        return [f"{self.eval_folder(study, block, seed, split)}/metrics.json" for block in blocks]

    def rollback_checkpoints(self, study: str, stage: str, seed: str) -> list[str]:
        """Checkpoints of the blocks to choose among."""
        return [f"{self.stage_folder(study, b, seed)}/checkpoint.json" for b in self.rollback_blocks(study, stage)]

    def reference_checkpoint(self, study: str, stage: str, seed: str) -> list[str]:
        """The checkpoint that a curriculum began from, for its later blocks; none for any other stage."""
        resolved = self.studies[study]
        continued = len(resolved.blocks(stage)) > 1
        return self.own_checkpoint(study, resolved.reference(stage), seed) if continued else []

    def own_checkpoint(self, study: str, stage: str, seed: str) -> list[str]:
        """A stage's own checkpoint; none for the base."""
        return [] if stage == BASE_STAGE else [f"{self.stage_folder(study, stage, seed)}/checkpoint.json"]

    def model_of(self, study: str, name: str) -> str:
        """The stage whose model answers: a stage's own, or that of what a deployment was made of."""
        deployments = self.studies[study].deployments
        while name in deployments:
            name = deployments[name].of
        return name

    def answers_folder(self, study: str, name: str, seed: int | str, split: str) -> str:
        """Where predictions and scores of a stage or a deployment on a split lie."""
        if name not in self.studies[study].deployments:
            return self.eval_folder(study, name, seed, split)
        return f"{self.results}/{study}/deployments/{self.backend(study)}/{name}/seed{seed}/{split}"

    def deployment_files(self, study: str, *files: str) -> list[str]:
        """``files`` of every deployment, seed and evaluated split of a study."""
        resolved = self.studies[study]
        return [
            f"{self.answers_folder(study, name, seed, split)}/{file}"
            for name in resolved.deployments
            for seed in self.seeds(self.model_of(study, name))
            for split in resolved.evaluation.splits
            for file in files
        ]

    def evaluations(self, study: str, file: str) -> list[str]:
        """``file`` of every stage, seed and evaluated split of a study."""
        splits = self.studies[study].evaluation.splits
        return [
            f"{self.eval_folder(study, stage, seed, split)}/{file}"
            for stage, seed in self.runs(study)
            for split in splits
        ]

    def parity_stages(self, study: str) -> dict[str, str]:
        """The stages whose first step is compared, by method."""
        return {method: stage for method in ("sft", "grpo") if (stage := self.first_of(study, method))}

    def parity_policy(self, study: str) -> str:
        """The stage whose adapter the comparison starts from: that of GRPO, or else a trained one."""
        stages = self.parity_stages(study)
        first = stages.get("grpo", stages.get("sft", ""))
        parent = self.studies[study].stages[first].parent
        return first if parent == BASE_STAGE else parent

    def parity_data(self, study: str) -> list[str]:
        """The split of each compared stage, in the order of the methods' names."""
        stages = self.studies[study].stages
        return [self.split_file(study, stages[stage].split) for _, stage in sorted(self.parity_stages(study).items())]

    def published_file(self, study: str) -> list[str]:
        """The original study's numbers, where there are any."""
        name = self.studies[study].published
        return [f"config/published/{name}.tsv"] if name else []

    def stage_files(self, study: str, file: str) -> list[str]:
        """``file`` of every trained stage and seed of a study."""
        return [f"{self.stage_folder(study, s, seed)}/{file}" for s, seed in self.runs(study) if s != BASE_STAGE]

    def data_record(self, study: str) -> str:
        """What is on record of the rows that a study's splits are made from."""
        if study in self.corpora:
            return f"{self.corpus_folder(study)}/generation.json"
        return f"{INPUTS}/datasets/{self.studies[study].dataset}/source.json"

    def selection_split(self, study: str) -> str | None:
        """Where the best stage is chosen: on ``dev``, if that is evaluated and is not what claims are made on."""
        evaluation = self.studies[study].evaluation
        return SELECTION if evaluation and SELECTION in evaluation.splits[1:] else None

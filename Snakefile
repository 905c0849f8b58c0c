# Primum: from data splits to trained checkpoints, evaluation tables, model cards and the paper. `snakemake --profile local`
from snakemake.utils import min_version

min_version("9.27.1")


configfile: "config/config.yaml"


include: "rules/common.smk"  # the plan: checked configuration, paths, narrow configs
include: "rules/data.smk"  # datasets, splits, the reward gate
include: "rules/bases.smk"  # base models, fetched or made
include: "rules/corpora.smk"  # teachers: generation, comparison, published files
include: "rules/train.smk"  # SFT and GRPO stages, merged releases
include: "rules/evaluate.smk"  # predictions, scores, comparisons
include: "rules/deployments.smk"  # other prompts, and the safety layer
include: "rules/audit.smk"  # swapped patients, and the audits
include: "rules/parity.smk"  # one step of both backends against one reference
include: "rules/pipeline.smk"  # the graph of what was run
include: "rules/report.smk"  # figures, paper, report, manifest
include: "rules/cards.smk"  # model cards and dataset cards
include: "rules/registry.smk"  # what adapters are made from, and all that is registered
include: "rules/provenance.smk"  # bill of materials, run crate, cost, signatures
include: "rules/targets.smk"  # what a person types: data, train, evaluate, parity, tables, figures, cards, paper, manifest


rule all:
    """Everything published; each file by its name, so that one that was deleted is built again."""
    default_target: True
    input:
        PLAN.published(),
        rules.manifest.input,

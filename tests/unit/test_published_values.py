"""The full-scale study carries every hyperparameter of the original plan's tables, line by line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from primum.config import project_root
from primum.settings import load_config, load_study

ROOT = project_root()
FULL = yaml.safe_load((ROOT / "config" / "config.yaml").read_text()) | {"scale": "full"}
STUDY = load_study(ROOT, "medmcqa", load_config(FULL))
SEED = ROOT.parent / "shared" / "seeds" / "medmcqa-plan.md"

# Sections 1.2, 1.4 and 2.5 of the plan, as printed there.
LORA = {"r": "16", "alpha": "32", "dropout": "0.05", "target_modules": "q_proj, k_proj, v_proj, o_proj"}
SFT = {
    "max_steps": "800",
    "learning_rate": "2e-4",
    "warmup_ratio": "0.03",
    "per_device_train_batch_size": "4",
    "gradient_accumulation_steps": "4",
    "max_length": "1024",
    "lr_scheduler_type": "cosine",
    "bf16": "True",
    "gradient_checkpointing": "True",
}
GRPO = {
    "max_steps": "400",
    "learning_rate": "5e-6",
    "warmup_ratio": "0.05",
    "per_device_train_batch_size": "2",
    "gradient_accumulation_steps": "4",
    "num_generations": "4",
    "max_completion_length": "256",
    "max_prompt_length": "768",
    "lr_scheduler_type": "cosine",
    "bf16": "True",
    "gradient_checkpointing": "True",
}


def same(ours: object, printed: str) -> bool:
    if isinstance(ours, bool):
        return str(ours) == printed
    if isinstance(ours, int | float):
        return float(printed) == ours
    return (", ".join(ours) if isinstance(ours, list) else str(ours)) == printed


# What the DIPG report and code publish. Rows a step: 2 x 8 there; the mesh has eight chips, so 8 x 2 here.
DIPG = load_study(ROOT, "dipg", load_config(FULL))
DIPG_SFT = {"max_steps": "300", "learning_rate": "2e-5", "max_length": "1024", "parent": "base"}
DIPG_GRPO = {
    "num_generations": "4",
    "learning_rate": "3e-6",
    "beta": "0.08",
    "epsilon": "0.2",
    "weight_decay": "0.1",
    "max_grad_norm": "0.1",
    "max_completion_length": "512",
    "max_prompt_length": "1024",
    "temperature": "1.0",
    "top_k": "50",
}


def test_dipg_as_published() -> None:
    assert {k: v for k, v in DIPG_SFT.items() if not same(getattr(DIPG.stages["sft"], k), v)} == {}
    assert DIPG.stages["sft"].per_device_train_batch_size * DIPG.stages["sft"].gradient_accumulation_steps == 2 * 8
    assert (DIPG.lora.r, DIPG.lora.alpha, DIPG.base, DIPG.backend) == (64, 64, "gemma-3-1b-it", "tunix")
    blocks = DIPG.blocks("soft-1200")
    assert blocks == ["soft-300", "medium-600", "soft-900", "soft-1200"]
    for name in [*blocks, "flat-soft", "flat-medium", "repaired"]:
        stage = DIPG.stages[name]
        assert {k: v for k, v in DIPG_GRPO.items() if not same(getattr(stage, k), v)} == {}, name
        assert stage.max_steps == (300 if name in blocks else 1200)
        assert DIPG.lineage(name)[0] == "sft" and stage.schedule_steps == 1200
    assert [DIPG.stages[name].rewards for name in blocks] == ["soft", "medium", "soft", "soft"]


@pytest.mark.parametrize(("part", "table"), [("lora", LORA), ("sft", SFT), ("grpo", GRPO)])
def test_hyperparameters(part: str, table: dict[str, str]) -> None:
    ours = STUDY.lora if part == "lora" else STUDY.stages[part]
    assert {k: getattr(ours, k) for k, v in table.items() if not same(getattr(ours, k), v)} == {}


def test_data_rewards_and_models() -> None:
    assert STUDY.data.shuffle_seed == 42
    assert {k: STUDY.data.ranges[k] for k in ("sft", "grpo", "eval")} == {
        "sft": (0, 1000),
        "grpo": (1000, 1500),
        "eval": (1500, 1700),
    }
    assert STUDY.rewards["standard"] == {"json_valid": 1.0, "schema_valid": 1.0, "correct": 1.0}
    assert (STUDY.task_settings["gold_confidence"], STUDY.task_settings["reason_max_chars"]) == (0.95, 250)
    assert (STUDY.base, STUDY.dataset, STUDY.thinking) == ("qwen3-0.6b", "medmcqa-hub", False)
    assert STUDY.stages["grpo"].parent == "sft" and STUDY.stages["grpo"].beta == 0.0


@pytest.mark.skipif(not SEED.is_file(), reason="the original plan is not on this machine")
def test_the_tables_above_are_those_of_the_plan() -> None:
    cells = re.findall(r"^\| `(\w+)` \| ([^|]+) \|", SEED.read_text(encoding="utf-8"), flags=re.M)
    sections = Path(SEED).read_text(encoding="utf-8").split("### 2.5")
    for number, table in ((0, LORA | SFT), (1, GRPO)):
        printed = {
            k: v.strip().strip("`") for k, v in re.findall(r"^\| `(\w+)` \| ([^|]+) \|", sections[number], flags=re.M)
        }
        assert {k: printed.get(k) for k in table} == table
    assert len(cells) >= len(LORA) + len(SFT) + len(GRPO) - 1


# "Hyperparameters" of the irAE fine-tuning document, as printed there; three epochs are counted in test_cases.py.
IRAE = load_study(ROOT, "irae", load_config(FULL))
IRAE_SEED = ROOT.parent / "shared" / "seeds" / "irae-finetuning.md"
IRAE_TABLE = {
    "Rank (r)": "16",
    "Alpha": "32",
    "Dropout": "0.05",
    "Target modules": "q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj",
    "Epochs": "3",
    "Batch size": "1 (gradient accumulation: 4)",
    "Learning rate": "2e-4",
}


def test_irae_as_published() -> None:
    lora, sft = IRAE.lora, IRAE.stages["sft"]
    assert same(lora.r, IRAE_TABLE["Rank (r)"]) and same(lora.alpha, IRAE_TABLE["Alpha"])
    assert same(lora.dropout, IRAE_TABLE["Dropout"]) and same(lora.target_modules, IRAE_TABLE["Target modules"])
    batch = f"{sft.per_device_train_batch_size} (gradient accumulation: {sft.gradient_accumulation_steps})"
    assert batch == IRAE_TABLE["Batch size"] and same(sft.learning_rate, IRAE_TABLE["Learning rate"])
    assert sft.fp16 and not sft.bf16 and sft.parent == "base"
    assert (IRAE.base, IRAE.dataset) == ("medgemma-4b-it", "irae-cases")
    models = (ROOT / "config" / "models.tsv").read_text()
    assert "medgemma-4b-it\thub\tgoogle/medgemma-4b-it\t290cda5eeccbee130f987c4ad74a59ae6f196408\t" in models


@pytest.mark.skipif(not IRAE_SEED.is_file(), reason="the irAE document is not on this machine")
def test_the_irae_table_is_that_of_the_document() -> None:
    printed = dict(re.findall(r"^- ([\w() ]+): (.+)$", IRAE_SEED.read_text(encoding="utf-8"), flags=re.M))
    assert {name: printed.get(name) for name in IRAE_TABLE} == IRAE_TABLE
    assert "- Mixed precision (FP16)" in IRAE_SEED.read_text(encoding="utf-8")

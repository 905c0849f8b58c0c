"""A small finished run: real questions, scored and compared by the project's own code; only the model is made up."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from primum.audits.audit import COLUMNS as AUDIT_COLUMNS
from primum.audits.audit import audit
from primum.audits.reading import AuditConfig
from primum.audits.swaps import swap_rows
from primum.data.bank import load_bank
from primum.data.croissant import describe_splits
from primum.data.questions import generate_questions
from primum.evaluation.claims import COLUMNS as CLAIM_COLUMNS
from primum.evaluation.claims import claim_rows, read_claims
from primum.evaluation.compare import COLUMNS, CompareConfig, compare
from primum.evaluation.console import to_csv
from primum.evaluation.score import ScoreConfig, score_predictions
from primum.files import (
    read_json,
    read_jsonl,
    sha256_bytes,
    sha256_file,
    sha256_json,
    write_json,
    write_jsonl,
    write_text,
)
from primum.provenance.adapter_card import adapter_card
from primum.provenance.adapters import ProvenanceConfig, build_provenance
from primum.provenance.names import ADAPTER_CARD, PROVENANCE
from primum.provenance.run_registry import COLUMNS as REGISTRY_COLUMNS
from primum.provenance.run_registry import RunRegistryConfig, as_rows, build_registry
from primum.registry import load_dataset_entry, load_model_entry
from primum.reports.catalogue import CLAIMS, CLAIMS_TABLE
from primum.reports.sources import ReportConfig, StudyFiles, StudyReport
from primum.strict import parse
from primum.tasks import load_task
from primum.tasks.base import Example
from primum.training.gate import RewardsConfig, build_gate

ROOT = Path(__file__).resolve().parents[3]
SPLITS = {"sft": 400, "grpo": 200, "eval": 200, "dev": 60}
STAGES = {
    "sft": {"name": "sft", "parent": "base", "method": "sft", "split": "sft", "steps": 60},
    "grpo": {"name": "grpo", "parent": "sft", "method": "grpo", "split": "grpo", "steps": 65, "rewards": "standard"},
}
# Share of right answers and of well-formed completions.
SKILL = {"base": (0.25, 0.55), "sft": (0.40, 0.97), "grpo": (0.58, 0.99)}
TASK_SETTINGS = {
    "system_prompt": "Answer in JSON <only>.",
    "user_prompt": "{question}\nA) {opa}\nB) {opb}\nC) {opc}\nD) {opd}",
    "gold_confidence": 0.95,
    "reason_max_chars": 250,
}
BASE = {"model.safetensors": "1" * 64, "tokenizer.json": "2" * 64}
ROWS_SHA256 = sha256_bytes(b'{"id": "a/1"}\n')  # of what stands for the dataset's rows
LORA = {"r": 16, "alpha": 32, "dropout": 0.0, "target_modules": ["q_proj", "k_proj", "v_proj", "o_proj"]}
GUARDS = {
    "min_sampled_schema_rate": 0.5,
    "sampled_prompts": 64,
    "sampled_outcome": "schema_valid",
    "max_equal_reward_steps": 5,
}
REWARDS = {"json_valid": 1.0, "schema_valid": 1.0, "correct": 1.0}
SHARED = {
    **{"warmup_ratio": 0.03, "lr_scheduler_type": "linear", "gradient_accumulation_steps": 1, "max_grad_norm": 1.0},
    **{"weight_decay": 0.0, "bf16": False, "gradient_checkpointing": False, "save_steps": 20},
}
NODES: dict[str, dict[str, Any]] = {
    "sft": (
        SHARED
        | {
            "method": "sft",
            "parent": "base",
            "split": "sft",
            "max_steps": 60,
            "learning_rate": 0.003,
            "max_length": 128,
        }
        | {"per_device_train_batch_size": 16, "logging_steps": 10}
    ),
    "grpo": (
        SHARED
        | {
            "method": "grpo",
            "parent": "sft",
            "split": "grpo",
            "max_steps": 65,
            "learning_rate": 0.0012,
            "rewards": "standard",
        }
        | {"per_device_train_batch_size": 24, "logging_steps": 1, "num_generations": 4, "max_completion_length": 32}
        | {
            "max_prompt_length": 96,
            "temperature": 1.0,
            "beta": 0.0,
            "epsilon": 0.2,
            "loss_type": "dapo",
            "scale_rewards": "group",
        }
    ),
}


def study(seeds: tuple[int, ...] = (0,)) -> dict[str, Any]:
    """The study as reports name it."""
    keys = {"study": "medmcqa", "title": "MedMCQA structured-JSON classifier", "backend": "trl"}
    keys |= {"data_record": "inputs/datasets/medmcqa-bundled/source.json", "confidence": True}
    keys |= {"paid": True, "max_new_tokens": 32}
    return keys | {"seeds": list(seeds), "splits": ["eval", "dev"], "stages": list(STAGES.values())}


def build(root: Path, seeds: tuple[int, ...] = (0,), published: str | None = "medmcqa") -> SimpleNamespace:
    """Write ``root/results/tiny`` as a finished run would leave it."""
    for name in ("src", "config", "envs", "resources"):
        (root / name).symlink_to(ROOT / name)
    results = root / "results" / "tiny"
    folder = results / "medmcqa"
    rows = _data(folder / "data")
    _inputs(root / "results" / "inputs")
    for stage, skill in SKILL.items():
        for seed in (0,) if stage == "base" else seeds:
            if stage != "base":
                _train(folder, stage, seed)
            for split in ("eval", "dev"):
                target = folder / "eval" / "trl" / stage / f"seed{seed}" / split
                _evaluate(target, folder / "data" / f"{split}.jsonl", rows[split], stage, seed, skill)
    write_json(folder / "compute.json", compute_record([(stage, seed) for stage in STAGES for seed in seeds]))
    audited(root, folder, _compare(root, folder, seeds, published), {"grpo": "standard"})
    if published:
        _claims(results)
    register(results, StudyReport.model_validate(study(seeds)), "medmcqa-bundled")
    data = [{"study": "medmcqa", "splits": sorted(SPLITS)}]
    config = {"scale": "tiny", "studies": [study(seeds)], "data": data, "claims": bool(published)}
    return SimpleNamespace(
        root=root,
        results=results,
        config=config,
        report=ReportConfig.model_validate(config),
        study=StudyReport.model_validate(config["studies"][0]),
    )


def compute_record(runs: list[tuple[str, int]]) -> dict[str, Any]:
    """As ``count_compute`` writes it."""
    rows = [{"stage": stage, "seed": seed, "steps": 20, "sequences": 320, "adapter": 1_936} for stage, seed in runs]
    for row in rows:
        told = row["stage"] != "sft"
        row |= {"method": "grpo" if told else "sft", "completions": 320 if told else None, "tokens_trained": 25_601}
        row |= {"mean_tokens": 28.125 if told else None, "tokens_sampled": 9_000 if told else None}
        row["operations"] = 12_345_678_901
    operations = {"trained": 6, "sampled": 2}
    return {"base": "tiny-qwen3", "parameters": 1_133_952, "operations": operations, "stages": rows}


def _data(folder: Path) -> dict[str, list[dict[str, Any]]]:
    questions = generate_questions(load_bank(ROOT / "resources" / "medmcqa"))
    random.Random(42).shuffle(questions)
    rows, start = {}, 0
    described = {}
    for name, count in SPLITS.items():
        kept = questions[start : start + count]
        rows[name] = [{key: row[key] for key in ("id", "inputs", "gold", "kind", "group")} for row in kept]
        start += count
        write_jsonl(folder / f"{name}.jsonl", rows[name])
        letters = [row["gold"]["answer"] for row in rows[name]]
        kinds = [row["kind"] for row in rows[name]]
        described[name] = {
            "rows": count,
            "sha256": sha256_file(folder / f"{name}.jsonl"),
            "answers": {letter: letters.count(letter) for letter in sorted(set(letters))},
            "kinds": {kind: kinds.count(kind) for kind in sorted(set(kinds))},
            "groups": len({row["group"] for row in rows[name]}),
        }
    leak = {
        "ids": ["a/1", "b/2"],
        "splits": ["sft", "eval"],
        "similarity": 0.91,
        "same": ["question"],
        "dropped": "a/1",
    }
    write_json(
        folder / "splits.json",
        {
            **{
                "study": "medmcqa",
                "shuffle_seed": 42,
                "near_duplicate_threshold": 0.8,
                "by_group": False,
                "by_kind": False,
                "splits": described,
            },
            **{"source": {"dataset": "medmcqa-bundled", "rows_sha256": ROWS_SHA256}, "groups_shared": {"sft+eval": 9}},
            **{"excluded": [], "leaks": [leak], "dropped": ["a/1"], "right_option_twice": []},
        },
    )
    config = {"study": "medmcqa", "task": "medmcqa", "task_settings": TASK_SETTINGS, "rewards": {"standard": REWARDS}}
    gate = build_gate(RewardsConfig.model_validate(config), [folder / "sft.jsonl", folder / "grpo.jsonl"])
    write_json(folder / "rewards_check.json", gate)
    write_json(folder / "croissant.json", describe_splits("medmcqa", "MedMCQA", "Apache-2.0", folder, SPLITS))
    return rows


def _inputs(folder: Path) -> None:
    entry = {"revision": "-", "sha256": "-", "licence": "Apache-2.0", "note": "made for a test", "reader": "bundled"}
    base = entry | {"id": "tiny-qwen3", "source": "resources/bases/tiny-qwen3", "path": "resources/bases/tiny-qwen3"}
    base |= {"files": BASE, "sha256": sha256_json(BASE)}
    write_json(folder / "bases" / "tiny-qwen3" / "base.json", base)
    dataset = folder / "datasets" / "medmcqa-bundled"
    write_jsonl(dataset / "rows.jsonl", [{"id": "a/1"}])
    source = entry | {
        "id": "medmcqa-bundled",
        "source": "resources/medmcqa",
        "answer_base": "0",
        "files": {"facts.tsv": "3" * 64},
    }
    source |= {"rows": {"train": 1053, "validation": 216}, "rows_sha256": sha256_file(dataset / "rows.jsonl")}
    write_json(dataset / "source.json", source)


def _train(folder: Path, stage: str, seed: int) -> None:
    node, target = NODES[stage], folder / "models" / "trl" / stage / f"seed{seed}"
    rng = random.Random(f"{stage}/{seed}")
    weights = {"adapter_config.json": b"{}", "adapter_model.safetensors": f"{stage}{seed}".encode()}
    (target / "adapter").mkdir(parents=True)
    for name, content in weights.items():
        (target / "adapter" / name).write_bytes(content)
    log: list[dict[str, Any]] = [{"step": 0, "rows": SPLITS[node["split"]], "truncated_rows": 0}]
    if stage == "grpo":
        log[0]["sampled_schema_valid"] = 0.984375
    for step in range(node["logging_steps"], node["max_steps"] + 1, node["logging_steps"]):
        done = step / node["max_steps"]
        entry: dict[str, Any] = {"step": step, "learning_rate": node["learning_rate"] * (1 - done), "grad_norm": 0.3}
        if stage == "sft":
            entry |= {"loss": 0.23 + 1.2 * (1 - done) ** 6 + rng.uniform(0, 0.02), "mean_token_accuracy": 0.9}
        else:
            right = round(0.35 + 0.25 * done + rng.gauss(0, 0.05), 6)
            form = round(min(1.0, 0.97 + rng.uniform(0, 0.04)), 6)
            entry |= {"loss": rng.gauss(0, 0.003), "reward": right + 2 * form, "frac_reward_zero_std": 0.2}
            entry |= {"rewards/json_valid/mean": form, "rewards/schema_valid/mean": form, "rewards/correct/mean": right}
        log.append(entry)
    write_jsonl(target / "train_log.jsonl", log)
    parent = folder / "models" / "trl" / "sft" / f"seed{seed}" / "checkpoint.json"
    config = {"stage": node, "lora": LORA, "guards": GUARDS, "rewards": REWARDS if stage == "grpo" else None}
    config |= {"task": "medmcqa", "task_settings": TASK_SETTINGS, "thinking": False, "threads": 1}
    write_json(
        target / "checkpoint.json",
        {
            "rollback": None,
            **{"study": "medmcqa", "stage": stage, "method": node["method"], "seed": seed, "backend": "trl"},
            "base": {"id": "tiny-qwen3", "sha256": sha256_json(BASE)},
            "parent": None if stage == "sft" else {"stage": "sft", "sha256": sha256_file(parent)},
            "data": {
                **{"dataset": "medmcqa-bundled", "split": node["split"]},
                "sha256": sha256_file(folder / "data" / f"{node['split']}.jsonl"),
            },
            **{"config": config, "config_sha256": sha256_json(config), "code_sha256": "5" * 64},
            "environment_sha256": sha256_file(ROOT / "envs/trl.yaml"),
            "adapter": {name: sha256_bytes(data) for name, data in weights.items()},
            **{"bf16_used": False, "steps": node["max_steps"]},
        },
    )


def _evaluate(
    target: Path, data: Path, rows: list[dict[str, Any]], stage: str, seed: int, skill: tuple[float, float]
) -> None:
    """Skill is nested: a row easy enough for one stage is so for every better one, but for a little noise."""
    predictions = []
    for shift in (0, 1):
        for row in rows:
            easy, noise = random.Random(row["id"]), random.Random(f"{row['id']}/{stage}/{seed}/{shift}")
            gold = "ABCD"[("ABCD".index(row["gold"]["answer"]) - shift) % 4]
            right = easy.random() + noise.gauss(0, 0.25) < skill[0]
            said = gold if right else noise.choice([letter for letter in "ABCD" if letter != gold])
            stated = round(min(1.0, 0.4 + 0.5 * noise.random() + 0.05 * right), 2)
            text = json.dumps(
                {"predicted_category": said, "confidence": stated, "reason": f"It is {said} & <b>so</b>."}
            )
            if easy.random() > skill[1]:
                text = f"```json\n{text}\n```"
            scored = {letter: -1.0 - (letter != said) for letter in "ABCD"}
            predictions.append(
                {
                    "id": row["id"],
                    "shift": shift,
                    "completion": text,
                    "tokens": 25 + len(said),
                    "finished": True,
                    "letter_logprobs": scored,
                }
            )
    keys = {"study": "medmcqa", "task": "medmcqa", "task_settings": TASK_SETTINGS, "rewards": {"standard": REWARDS}}
    keys |= {"fixed_table": "standard", "training_table": "standard" if stage == "grpo" else None}
    config = ScoreConfig.model_validate(keys)
    scores, metrics = score_predictions(config, rows, predictions)
    write_jsonl(target / "predictions.jsonl", predictions)
    write_jsonl(target / "scores.jsonl", scores)
    hashes = {"data": sha256_file(data), "predictions": sha256_file(target / "predictions.jsonl")}
    write_json(target / "metrics.json", metrics | {"split": data.stem, "sha256": hashes})


def _compare(root: Path, folder: Path, seeds: tuple[int, ...], published: str | None) -> CompareConfig:
    import os

    stages = [
        {"name": "base", "parent": None},
        *({k: s[k] for k in ("name", "parent", "method")} for s in STAGES.values()),
    ]
    config = CompareConfig.model_validate(
        {
            **{
                "study": "medmcqa",
                "task": "medmcqa",
                "task_settings": TASK_SETTINGS,
                "stages": stages,
                "seeds": list(seeds),
            },
            **{"splits": ["eval", "dev"], "training_splits": ["grpo", "sft"], "published": published, "scale": "tiny"},
            **{"base": "tiny-qwen3", "dataset": "medmcqa-bundled", "selection": "dev"},
            **{"rewards": {"standard": REWARDS}, "fixed_table": "standard"},
        }
    )
    before = Path.cwd()
    os.chdir(root)
    try:
        found = compare(config, folder / "eval" / "trl", folder / "data")
    finally:
        os.chdir(before)
    for name, columns in COLUMNS.items():
        write_text(folder / "tables" / f"{name}.csv", to_csv(columns, found[name]))
    write_json(folder / "eval_results.json", found)
    return config


def audited(
    root: Path,
    folder: Path,
    config: CompareConfig,
    tables: dict[str, str],
    swapped: tuple[str, ...] = (),
    answer: Callable[[str, list[dict[str, Any]]], None] | None = None,
) -> None:
    """Audit by the project's own code; ``answer`` writes what a stage makes of rows with swapped patients."""
    examples = map(Example.from_row, read_jsonl(folder / "data" / "eval.jsonl"))
    lines, record = swap_rows(load_task(config.task, config.task_settings), examples)
    write_jsonl(folder / "audits" / "swapped.jsonl", lines)
    write_json(folder / "audits" / "swaps.json", record)
    for stage in swapped if answer else ():
        answer(stage, lines)
    more = {"training_tables": tables, "swapped": list(swapped), "pretraining": None}
    found, rows = audit(AuditConfig.model_validate(config.model_dump() | more), root, folder, "trl")
    for name, columns in AUDIT_COLUMNS.items():
        write_text(folder / "tables" / f"audit_{name}.csv", to_csv(columns, rows[name]))
    write_json(folder / "audits.json", found)


def register(results: Path, study: StudyReport, dataset: str) -> None:
    """Provenance and card of every adapter, and the registry of the run, by the project's own code."""
    files, inputs = StudyFiles(results, study), results.parent / "inputs"
    base, line = load_model_entry(ROOT, "tiny-qwen3").model_dump(), load_dataset_entry(ROOT, dataset).model_dump()
    record, written = inputs / "bases" / "tiny-qwen3" / "base.json", []
    for stage, seed in study.runs():
        if stage == "base":
            continue
        folder = files.stage(stage, seed)
        keys = {"study": study.study, "stage": stage, "seed": seed, "base": base, "dataset": line}
        keys |= {"folder": folder.relative_to(files.root).as_posix()}
        keys |= {"card": files.card(stage).relative_to(files.root).as_posix()}
        made = build_provenance(parse(ProvenanceConfig, keys, "test"), folder, record, files.splits, files.source())
        write_json(folder / PROVENANCE, made)
        write_text(folder / ADAPTER_CARD, adapter_card(made))
        written.append(str(folder / PROVENANCE))
    used = {"study": study.study, "dataset": line, "rows": str(files.source()), "base": base, "record": str(record)}
    config = {"scale": "tiny", "studies": [used], "adapters": written}
    registry = build_registry(parse(RunRegistryConfig, config, "test"))
    write_json(results / "registry.json", registry)
    write_text(results / "registry.csv", to_csv(REGISTRY_COLUMNS, as_rows(registry)))


def _claims(results: Path) -> None:
    claims, numbers = read_claims(ROOT)
    rows = claim_rows(claims, numbers, {"medmcqa": read_json(results / "medmcqa" / "eval_results.json")})
    write_text(results / CLAIMS_TABLE, to_csv(CLAIM_COLUMNS, rows))
    write_json(results / CLAIMS, {"claims": rows})


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """One finished run, which tests must not change."""
    return build(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="session")
def grounded_run(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """One finished run of a study with arms, which tests must not change."""
    from tests.unit.reports import grounded

    return grounded.build(tmp_path_factory.mktemp("grounded"))

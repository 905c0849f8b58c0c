"""A small finished run of a grounded study whose tree has arms: a curriculum and its controls; only the model is made
up, as mixtures of the task's own policies."""

from __future__ import annotations

import json
import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import yaml

from primum.corpora.compare import compare_items, comparison, judge_teacher
from primum.corpora.generate import describe, generate
from primum.corpora.settings import CorpusJob
from primum.data.croissant import describe_splits
from primum.evaluation.compare import COLUMNS, compare
from primum.evaluation.console import summary, to_csv
from primum.evaluation.read import CompareConfig
from primum.evaluation.score import ScoreConfig, score_predictions
from primum.files import read_json, sha256_bytes, sha256_file, sha256_json, write_json, write_jsonl, write_text
from primum.plan import Plan
from primum.reports.sources import ReportConfig, StudyReport
from primum.strict import parse
from primum.tasks import load_task
from primum.tasks.base import Example
from primum.training.gate import RewardsConfig, build_gate
from tests.unit.corpora.conftest import embedded_asks
from tests.unit.reports import conftest as plain

ROOT = Path(__file__).resolve().parents[3]
SPLITS = ["eval", "dev"]
# Stage: parent, method, table, and the share of each policy in what it writes (the rest is the gold answer).
STAGES: dict[str, tuple[str, str, str | None, dict[str, float]]] = {
    "sft": ("base", "sft", None, {"best_sentence": 0.25, "empty": 0.3, "grounded_wrong": 0.2, "recite": 0.15}),
    "soft-300": ("sft", "grpo", "soft", {"grounded_wrong": 0.55, "empty": 0.1, "always_refuse": 0.1, "recite": 0.1}),
    "medium-600": ("soft-300", "grpo", "medium", {"grounded_wrong": 0.7, "always_refuse": 0.1, "recite": 0.05}),
    "soft-900": ("medium-600", "grpo", "soft", {"grounded_wrong": 0.8, "always_refuse": 0.1}),
    "soft-1200": ("soft-900", "grpo", "soft", {"grounded_wrong": 0.75, "always_refuse": 0.1, "empty": 0.05}),
    "flat-soft": ("sft", "grpo", "soft", {"grounded_wrong": 0.7, "always_refuse": 0.15}),
    "flat-medium": ("sft", "grpo", "medium", {"grounded_wrong": 0.5, "always_refuse": 0.3}),
    "repaired": ("sft", "grpo", "repaired", {"always_refuse": 0.25, "empty": 0.02}),
}
BASE = {"bare_answer": 0.5, "empty": 0.4, "copy_context": 0.1}
STEPS = {"sft": 40, "flat-soft": 80, "flat-medium": 80, "repaired": 80}
GRPO = {"num_generations": 4, "max_completion_length": 160, "max_prompt_length": 512}
GRPO |= {"temperature": 1.0, "beta": 0.04, "epsilon": 0.2, "loss_type": "grpo", "scale_rewards": "group"}
GUARDS = plain.GUARDS | {"sampled_outcome": "exact_format"}


def study() -> dict[str, Any]:
    """The study as reports name it."""
    keys = {"study": "dipg", "title": "Grounded answers on diffuse intrinsic pontine glioma", "backend": "trl"}
    keys |= {"seeds": [0], "splits": SPLITS, "confidence": False, "paid": True, "abstains": True, "max_new_tokens": 100}
    keys |= {"exploitable": ["openenv", "soft", "medium", "hard"]}
    stages = [
        {"name": name, "parent": parent, "method": method, "split": method, "steps": STEPS.get(name, 20)}
        | ({"rewards": table} if table else {})
        for name, (parent, method, table, _) in STAGES.items()
    ]
    return keys | {"data_record": "tiny/dipg/corpus/embedded/generation.json", "stages": stages}


def build(root: Path, sizes: dict[str, int] | None = None) -> SimpleNamespace:
    """Write ``root/results/tiny`` as a finished run would leave it."""
    for name in ("src", "config", "envs", "resources"):
        (root / name).exists() or (root / name).symlink_to(ROOT / name)
    results = root / "results" / "tiny"
    folder = results / "dipg"
    default = yaml.safe_load((ROOT / "config" / "config.yaml").read_text(encoding="utf-8"))
    plan = Plan(ROOT, default | {"studies": ["dipg"], "scale": "tiny"})
    job = parse(CorpusJob, json.loads(plan.corpus_config("dipg")), "test")
    wanted = {"sizes": sizes or {"sft": 40, "grpo": 40, "dev": 60, "eval": 120}}
    job = job.model_copy(update={"corpus": job.corpus.model_copy(update=wanted)})
    tables = plan.studies["dipg"].rewards
    rows = _data(folder, job, tables)
    plain._inputs(root / "results" / "inputs")
    for stage in ("base", *STAGES):
        if stage != "base":
            _train(folder, job, tables, stage)
        for split in SPLITS:
            target = folder / f"eval/trl/{stage}/seed0/{split}"
            _evaluate(folder, job, tables, stage, folder / f"data/{split}.jsonl", rows[split], target)
    write_json(folder / "compute.json", plain.compute_record([(stage, 0) for stage in STAGES]))
    console, config = _compare(root, folder, job, tables)
    own = {stage: table for stage, (_, _, table, _) in STAGES.items() if table}
    swapped = ("base", "sft", "soft-1200", "flat-soft", "flat-medium", "repaired")

    def answer(stage: str, lines: list[dict[str, Any]]) -> None:
        target = folder / f"audits/trl/{stage}/seed0"
        _evaluate(folder, job, tables, stage, folder / "audits/swapped.jsonl", lines, target)

    plain.audited(root, folder, config, own, swapped, answer)
    plain.register(results, StudyReport.model_validate(study()), "dipg-corpus")
    corpus = ["corpus/embedded/generation.json", "corpus/embedded/croissant.json"]
    data = [{"study": "dipg", "splits": sorted(wanted["sizes"]), "corpus": corpus}]
    config = {"scale": "tiny", "studies": [study()], "data": data}
    return SimpleNamespace(
        root=root,
        results=results,
        config=config,
        console=console,
        report=ReportConfig.model_validate(config),
        study=StudyReport.model_validate(config["studies"][0]),
    )


def _data(folder: Path, job: CorpusJob, tables: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    task, items, checks = job.parts(ROOT)
    made = generate(job.corpus, "embedded", embedded_asks(), items, task, checks)
    corpus = folder / "corpus" / "embedded"
    write_jsonl(corpus / "rows.jsonl", made.rows)
    write_json(corpus / "generation.json", describe(job, made, corpus))
    challenger = job.corpus.challenger
    asks = {job.corpus.teacher: embedded_asks(), challenger: embedded_asks(seed=1, rate=0.5)}
    job = job.model_copy(update={"corpus": job.corpus.model_copy(update={"comparison_items": 24})})
    judged = {name: judge_teacher(a, compare_items(job, items), items, task, checks) for name, a in asks.items()}
    write_json(corpus / "comparison.json", comparison(job, judged))
    write_json(corpus / "croissant.json", {"license": "https://spdx.org/licenses/Apache-2.0.html"})
    (corpus / "rows.jsonl").unlink()
    rows: dict[str, list[dict[str, Any]]] = {}
    for row in made.rows:
        rows.setdefault(row["origin"], []).append({k: row[k] for k in ("id", "inputs", "gold", "kind", "group")})
    described = {}
    for name, kept in rows.items():
        write_jsonl(folder / "data" / f"{name}.jsonl", kept)
        expects, kinds = ([row["gold"]["expects"] for row in kept], [row["kind"] for row in kept])
        described[name] = {
            "rows": len(kept),
            "sha256": sha256_file(folder / "data" / f"{name}.jsonl"),
            "answers": {value: expects.count(value) for value in sorted(set(expects))},
            "kinds": {kind: kinds.count(kind) for kind in sorted(set(kinds))},
            "groups": len({row["group"] for row in kept}),
        }
    splits = {
        "study": "dipg",
        "shuffle_seed": 42,
        "near_duplicate_threshold": 0.8,
        "by_group": False,
        "by_kind": False,
        "splits": described,
    }
    rows_sha256 = read_json(corpus / "generation.json")["rows_sha256"]
    splits |= {"source": {"dataset": "dipg-corpus", "rows_sha256": rows_sha256}, "groups_shared": {"grpo+sft": 12}}
    splits |= {"excluded": [], "leaks": [], "dropped": [], "right_option_twice": [], "bad_gold": {}}
    write_json(folder / "data" / "splits.json", splits)
    config = {"study": "dipg", "task": job.task, "task_settings": job.task_settings, "rewards": tables}
    config |= {"exploitable": ["openenv", "soft", "medium", "hard"]}
    gate = build_gate(RewardsConfig.model_validate(config), [folder / f"data/{name}.jsonl" for name in ("sft", "grpo")])
    write_json(folder / "data" / "rewards_check.json", gate)
    write_json(folder / "data/croissant.json", describe_splits("dipg", "DIPG", "Apache-2.0", folder / "data", rows))
    return rows


def _train(folder: Path, job: CorpusJob, tables: dict[str, Any], stage: str) -> None:
    parent, method, table, _ = STAGES[stage]
    target, rng, steps = folder / f"models/trl/{stage}/seed0", random.Random(stage), STEPS.get(stage, 20)
    weights = {"adapter_config.json": b"{}", "adapter_model.safetensors": stage.encode()}
    for name, content in weights.items():
        (target / "adapter").mkdir(parents=True, exist_ok=True)
        (target / "adapter" / name).write_bytes(content)
    log: list[dict[str, Any]] = [{"step": 0, "rows": 40, "truncated_rows": 0}]
    if method == "grpo":
        log[0]["sampled_exact_format"] = 0.9
    for step in range(1, steps + 1):
        entry: dict[str, Any] = {"step": step, "loss": 2 - step / steps + rng.uniform(0, 0.1), "grad_norm": 0.1}
        if table:
            shares = {name: round(rng.random(), 6) for name in tables[table]}
            mean = sum(shares[name] * weight for name, weight in tables[table].items())
            entry |= {"reward": round(mean + 20 * step / steps, 6)}
            entry |= {f"rewards/{name}/mean": share for name, share in shares.items()}
        log.append(entry)
    write_jsonl(target / "train_log.jsonl", log)
    node = (
        plain.SHARED
        | (GRPO if table else {"max_length": 672})
        | {"method": method, "parent": parent, "split": method, "max_steps": steps, "learning_rate": 1e-3}
    )
    node |= {"logging_steps": 1, "per_device_train_batch_size": 8} | ({"rewards": table} if table else {})
    config = {"stage": node, "lora": plain.LORA, "guards": GUARDS, "rewards": tables.get(table or "")}
    config |= {"task": job.task, "task_settings": job.task_settings, "thinking": False, "threads": 1}
    above = folder / f"models/trl/{parent}/seed0/checkpoint.json"
    record = {"study": "dipg", "stage": stage, "method": method, "seed": 0, "backend": "trl"}
    record |= {"base": {"id": "tiny-qwen3", "sha256": sha256_json(plain.BASE)}, "bf16_used": False, "steps": steps}
    record |= {"parent": None if parent == "base" else {"stage": parent, "sha256": sha256_file(above)}}
    data = {"dataset": "dipg-corpus", "split": method, "sha256": sha256_file(folder / f"data/{method}.jsonl")}
    record |= {"data": data, "config": config}
    record |= {"config_sha256": sha256_json(config), "code_sha256": "5" * 64}
    record |= {"environment_sha256": sha256_file(ROOT / "envs/trl.yaml")}
    record |= {"adapter": {name: sha256_bytes(content) for name, content in weights.items()}}
    fell = {"from": "soft-900", "to": "medium-600", "metric": "balanced_accuracy"}
    record |= {"rollback": fell if stage == "soft-1200" else None}
    write_json(target / "checkpoint.json", record)


def _evaluate(
    folder: Path,
    job: CorpusJob,
    tables: dict[str, Any],
    stage: str,
    data: Path,
    rows: list[dict[str, Any]],
    target: Path,
) -> None:
    task = load_task(job.task, job.task_settings)
    mixture, table = (BASE, None) if stage == "base" else (STAGES[stage][3], STAGES[stage][2])
    predictions = []
    for row in rows:
        example = Example.from_row(row)
        draw, chosen = random.Random(f"{row['id']}/{stage}").random(), None
        for policy, share in mixture.items():
            draw -= share
            if draw < 0:
                chosen = policy
                break
        text = task.policies(example)[chosen] if chosen else task.gold_completion(example)
        line = {"id": row["id"], "shift": 0, "completion": text, "tokens": len(text.split()), "finished": True}
        predictions.append(line | {"letter_logprobs": {}})
    used = {name: tables[name] for name in {"repaired", table} - {None}}
    keys = {"study": "dipg", "task": job.task, "task_settings": job.task_settings, "rewards": used}
    config = ScoreConfig.model_validate(keys | {"fixed_table": "repaired", "training_table": table})
    scores, metrics = score_predictions(config, rows, predictions)
    write_jsonl(target / "predictions.jsonl", predictions)
    write_jsonl(target / "scores.jsonl", scores)
    hashes = {"data": sha256_file(data)}
    hashes |= {"predictions": sha256_file(target / "predictions.jsonl")}
    write_json(target / "metrics.json", metrics | {"split": data.stem, "sha256": hashes})


def _compare(root: Path, folder: Path, job: CorpusJob, tables: dict[str, Any]) -> tuple[str, CompareConfig]:
    import os

    nodes = [{"name": name, "parent": parent, "method": method} for name, (parent, method, _, _) in STAGES.items()]
    used = {"repaired": tables["repaired"], "soft": tables["soft"], "medium": tables["medium"]}
    keys = {"study": "dipg", "task": job.task, "task_settings": job.task_settings, "rewards": used}
    keys |= {"fixed_table": "repaired", "stages": [{"name": "base", "parent": None}, *nodes], "seeds": [0]}
    keys |= {"splits": SPLITS, "selection": "dev", "training_splits": ["grpo", "sft"], "published": "dipg"}
    keys |= {"scale": "tiny", "base": "tiny-qwen3", "dataset": "dipg-corpus"}
    before = Path.cwd()
    os.chdir(root)
    try:
        config = CompareConfig.model_validate(keys)
        found = compare(config, folder / "eval" / "trl", folder / "data")
    finally:
        os.chdir(before)
    for name, columns in COLUMNS.items():
        write_text(folder / "tables" / f"{name}.csv", to_csv(columns, found[name]))
    write_json(folder / "eval_results.json", found)
    return summary(found), config

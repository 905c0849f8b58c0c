"""Stages end to end in this process: what they write, what they log, and what stops them."""

from __future__ import annotations

import json
import sys

import pytest

from primum.errors import UserError
from primum.files import sha256_file, sha256_tree
from tests.unit.training.stage_tools import ROOT, TABLE


def lines(folder):
    return [json.loads(line) for line in (folder / "train_log.jsonl").read_text().splitlines()]


def test_sft_writes_its_folder_and_nothing_else(workspace, sft_folder):
    assert set(sha256_tree(sft_folder)) == {
        "adapter/adapter_config.json",
        "adapter/adapter_model.safetensors",
        "checkpoint.json",
        "train_log.jsonl",
        "training_state.safetensors",
    }
    record = json.loads((sft_folder / "checkpoint.json").read_text())
    assert record["base"] == {"id": "tiny-test", "sha256": workspace.base["sha256"]}
    assert record["parent"] is None
    sha256 = sha256_file(workspace.root / "sft.jsonl")
    assert record["data"] == {"dataset": "toy-rows", "split": "sft", "sha256": sha256}
    assert (record["method"], record["steps"], record["bf16_used"]) == ("sft", 10, False)
    config = (sft_folder / "adapter" / "adapter_config.json").read_text()
    assert json.loads(config)["base_model_name_or_path"] == "models/tiny"
    assert str(workspace.root) not in config
    log = lines(sft_folder)
    assert log[0] == {"step": 0, "rows": 40, "truncated_rows": 0}
    assert [entry["step"] for entry in log] == [0, 2, 4, 6, 8, 10]
    assert {"loss", "learning_rate", "grad_norm"} <= set(log[1])
    assert not [key for entry in log for key in entry if "time" in key or "per_second" in key]


def test_grpo_continues_the_parents_adapter(workspace, sft_folder, tmp_path):
    record = workspace.train("grpo", tmp_path / "grpo", sft_folder, max_steps=3, logging_steps=1)
    assert record["parent"] == {"stage": "sft", "sha256": sha256_file(sft_folder / "checkpoint.json")}
    assert record["config"]["rewards"] == TABLE
    log = lines(tmp_path / "grpo")
    assert 0.05 <= log[0]["sampled_schema_valid"] <= 1
    for entry in log[1:]:
        parts = [entry[f"rewards/{component}/mean"] for component in TABLE]
        assert entry["reward"] == pytest.approx(sum(parts))
        assert 0 <= entry["reward"] <= 3
        assert {"reward_std", "frac_reward_zero_std", "completions/mean_length", "entropy"} <= set(entry)
    from safetensors.torch import load_file

    weights = "adapter/adapter_model.safetensors"
    before, after = load_file(sft_folder / weights), load_file(tmp_path / "grpo" / weights)
    assert before.keys() == after.keys()
    assert max(float((before[name] - after[name]).abs().max()) for name in before) < 0.1, (
        "a new adapter, not the parent's"
    )


def test_batch_counts_prompts_and_each_completion_is_judged_once(workspace, sft_folder, tmp_path, monkeypatch):
    from primum.tasks.medmcqa import MedMCQA

    judged = []
    honest = MedMCQA.judge
    monkeypatch.setattr(
        MedMCQA, "judge", lambda self, example, text: judged.append(example.id) or honest(self, example, text)
    )
    workspace.train(
        "grpo", tmp_path / "grpo", sft_folder, max_steps=2, per_device_train_batch_size=3, gradient_accumulation_steps=2
    )
    checked, steps = judged[:8], judged[8:]
    assert len(set(checked)) == 8
    assert len(steps) == 2 * 3 * 2 * 4  # steps x prompts a micro-batch x accumulation x generations
    assert all(steps.count(row) == 4 for row in steps)


def test_grpo_from_base_and_with_kl(workspace, sft_folder, tmp_path):
    workspace.train("grpo", tmp_path / "zero", None, max_steps=2, of="base", stage_name="zero")
    workspace.train("grpo", tmp_path / "kl", sft_folder, max_steps=2, beta=0.04, logging_steps=1)
    assert "kl" in lines(tmp_path / "kl")[1]
    assert set(sha256_tree(tmp_path / "kl" / "adapter")) == {"adapter_config.json", "adapter_model.safetensors"}


@pytest.mark.parametrize("stage", ["sft", "grpo"])
def test_gradient_checkpointing_changes_no_number(workspace, sft_folder, tmp_path, stage):
    parent = sft_folder if stage == "grpo" else None
    for checkpointing in (False, True):
        out = tmp_path / str(checkpointing)
        workspace.train(stage, out, parent, max_steps=2, logging_steps=1, gradient_checkpointing=checkpointing)
    plain, saved = (lines(tmp_path / name) for name in ("False", "True"))
    for one, other in zip(plain, saved, strict=True):
        assert {key: pytest.approx(value, rel=1e-3, abs=1e-5) for key, value in one.items()} == other


def test_finished_stage_is_not_trained_again(workspace, tmp_path):
    first = workspace.train("sft", tmp_path / "sft", max_steps=2)
    stamp = (tmp_path / "sft" / "adapter" / "adapter_model.safetensors").stat().st_mtime_ns
    assert workspace.train("sft", tmp_path / "sft", max_steps=2) == first
    assert (tmp_path / "sft" / "adapter" / "adapter_model.safetensors").stat().st_mtime_ns == stamp


@pytest.mark.parametrize(
    ("stage", "changes", "message"),
    [
        ("sft", {"learning_rate": 1e-60}, "changed no weight"),
        ("sft", {"learning_rate": 1e38}, "is (nan|inf)"),
        (
            "grpo",
            {"temperature": 0.001, "logging_steps": 1},
            "all rewards of every prompt were equal for 5 logged steps",
        ),
        ("grpo", {"temperature": 50.0}, "sampled completions are schema_valid"),
        ("grpo", {"reward_table": {"correct": 1.0}}, "has not passed the reward table"),
        ("grpo", {"per_device_train_batch_size": 50}, "fewer than one step"),
        ("sft", {"lora": {"r": 4, "alpha": 8, "dropout": 0.0, "target_modules": ["nonsense"]}}, "LoRA does not fit"),
        ("grpo", {"lora": {"r": 8, "alpha": 8, "dropout": 0.0, "target_modules": ["q_proj"]}}, "never reshaped"),
        ("grpo", {"of": "base"}, "has parent 'base', but"),
        ("grpo", {"study": "other"}, "of study 'toy'"),
        ("sft", {"logger": "trackio"}, "trackio"),
    ],
)
def test_what_stops_a_stage(workspace, sft_folder, tmp_path, stage, changes, message):
    if changes.get("logger") == "trackio" and __import__("importlib.util").util.find_spec("trackio"):
        pytest.skip("trackio is installed")
    with pytest.raises(UserError, match=message):
        workspace.train(stage, tmp_path / "out", sft_folder if stage == "grpo" else None, **changes)
    assert not (tmp_path / "out" / "checkpoint.json").exists()


def test_bad_job_is_one_line_and_exit_code_2(workspace, tmp_path):
    job = workspace.job("sft")
    job["stage"]["max_step"] = 3
    done = workspace.run(workspace.command(job, tmp_path / "out", tmp_path / "state"))
    assert done.returncode == 2
    assert "max_step'" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "state").exists()


def test_merged_release_equals_the_adapter_on_its_base(workspace, sft_folder, tmp_path):
    import torch
    from transformers import AutoModelForCausalLM

    from primum.training.loading import encode, load_model

    line = [
        sys.executable,
        str(ROOT / "scripts/merge_adapter.py"),
        "--base",
        "base.json",
        "--checkpoint",
        str(sft_folder),
    ]
    (tmp_path / "sft.md").write_text("# A card\n")
    done = workspace.run([*line, "--card", str(tmp_path / "sft.md"), "--output", str(tmp_path / "release")])
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "release" / "model" / "README.md").read_text() == "# A card\n"
    record = json.loads((tmp_path / "release" / "merged.json").read_text())
    assert record["files"] == sha256_tree(tmp_path / "release" / "model")
    assert record["checkpoint"]["sha256"] == sha256_file(sft_folder / "checkpoint.json")
    assert record["dtype"] == "float32"
    tuned, tokenizer = load_model(workspace.root, workspace.base, sft_folder)
    merged = AutoModelForCausalLM.from_pretrained(tmp_path / "release" / "model", dtype=torch.float32)
    ids = torch.tensor([encode(tokenizer, "<|im_start|>user\nFind gold")])
    with torch.no_grad():
        assert torch.allclose(merged(input_ids=ids).logits, tuned(input_ids=ids).logits, atol=1e-4)

"""Tokens and operations of stages, held against sums that need no order: whole passes over a split."""

from __future__ import annotations

import shutil

import pytest

from primum.errors import UserError
from primum.files import read_json, read_jsonl, write_json, write_jsonl
from primum.tasks.base import Example
from primum.training.loading import load_tokenizer
from primum.training.rows import prompt_ids, taught_rows
from primum.training.tokens import LENGTH, count_stages, parameters
from tests import tiny


@pytest.fixture(scope="module")
def tokenizer(workspace):
    return load_tokenizer(workspace.base, workspace.root)


def count(workspace, tokenizer, *checkpoints):
    folder = workspace.root / workspace.base["path"]
    return count_stages(checkpoints, workspace.base, folder, workspace.root, tokenizer)


def examples(workspace, split):
    return [Example.from_row(row) for row in read_jsonl(workspace.root / f"{split}.jsonl")]


@pytest.fixture
def grpo(workspace, sft_folder, tmp_path):
    """A GRPO stage's record and log as its trainer leaves them; one pass over the split."""

    def write(name, log, **changes):
        node = workspace.job("grpo", max_steps=10)["stage"] | {"num_iterations": 1, "gradient_accumulation_steps": 1}
        record = read_json(sft_folder / "checkpoint.json")
        record |= {"stage": name, "config": record["config"] | {"stage": node | changes}}
        folder = tmp_path / name
        shutil.copytree(sft_folder / "adapter", folder / "adapter")
        write_json(folder / "checkpoint.json", record)
        write_jsonl(folder / "train_log.jsonl", [{"step": 0, "rows": 40}, *log])
        return folder / "checkpoint.json"

    return write


def test_a_pass_of_sft_trains_on_every_token_of_its_rows(workspace, tokenizer, sft_folder):
    found = count(workspace, tokenizer, sft_folder / "checkpoint.json")
    (row,) = found["stages"]
    rows = taught_rows(tokenizer, tiny.task(), examples(workspace, "sft"), False, 128)
    assert row["sequences"] == len(rows) == 40
    assert row["tokens_trained"] == sum(len(taught.input_ids) for taught in rows)
    assert row["tokens_sampled"] is row["completions"] is None
    assert row["operations"] == 6 * (found["parameters"] + row["adapter"]) * row["tokens_trained"]


def test_parameters_are_those_of_the_model_itself(workspace, sft_folder):
    from safetensors.numpy import load_file

    weights = workspace.root / workspace.base["path"] / "model.safetensors"
    assert parameters(weights) == sum(tensor.size for tensor in load_file(weights).values()) > 0
    adapter = sft_folder / "adapter" / "adapter_model.safetensors"
    assert parameters(adapter) == sum(tensor.size for tensor in load_file(adapter).values()) > 0


def test_grpo_trains_on_prompts_and_on_what_it_sampled(workspace, tokenizer, grpo):
    log = [{"step": 5, LENGTH: 20.0}, {"step": 10, LENGTH: 30.0}]
    later = [{"step": 15, LENGTH: 25.0}, {"step": 20, LENGTH: 25.0}]  # a block that continues: the second pass
    found = count(workspace, tokenizer, grpo("one", log), grpo("two", later, continues=True))
    prompts, _ = prompt_ids(tokenizer, tiny.task(), examples(workspace, "grpo"), False, 96)
    for row in found["stages"]:
        assert row["completions"] == row["sequences"] == 160 and row["tokens_sampled"] == 160 * 25
        assert row["tokens_trained"] == 4 * sum(map(len, prompts)) + 160 * 25
        size = found["parameters"] + row["adapter"]
        assert row["operations"] == size * (6 * row["tokens_trained"] + 2 * row["tokens_sampled"])


def test_completions_that_are_used_twice_are_sampled_once(workspace, tokenizer, grpo):
    log = [{"step": 10, LENGTH: 25.0}]
    (once,) = count(workspace, tokenizer, grpo("once", log))["stages"]
    (twice,) = count(workspace, tokenizer, grpo("twice", [{"step": 20, LENGTH: 25.0}], max_steps=20, num_iterations=2))[
        "stages"
    ]
    assert twice["tokens_sampled"] == once["tokens_sampled"] and twice["sequences"] == 2 * once["sequences"]
    assert twice["tokens_trained"] == 2 * once["tokens_trained"]


def test_what_a_backend_does_not_log_is_left_open(workspace, tokenizer, grpo):
    (row,) = count(workspace, tokenizer, grpo("silent", [{"step": 10, "reward": 1.0}]))["stages"]
    assert row["completions"] == 160
    assert row["tokens_sampled"] is row["tokens_trained"] is row["operations"] is None


def test_a_file_of_other_content_is_named(tmp_path):
    (tmp_path / "a.safetensors").write_bytes(b"\x05" + bytes(7) + b"hello")
    with pytest.raises(UserError, match=r"a\.safetensors is no safetensors file"):
        parameters(tmp_path / "a.safetensors")

"""Blocks of a curriculum: cut anywhere, the same bytes as in one piece. For either backend."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from primum.errors import UserError
from primum.files import read_json, read_jsonl, sha256_file

ADAPTER = "adapter/adapter_model.safetensors"
STATE = "training_state.safetensors"


def curriculum(workspace, sft_folder: Path, folder: Path, blocks: list[int], **changes: object) -> list[Path]:
    """Train GRPO blocks of so many steps, one after the other; their folders."""
    shared = {"schedule_steps": sum(blocks), "beta": 0.1, "warmup_ratio": 0.2, "logging_steps": 1} | changes
    made: list[Path] = []
    for number, steps in enumerate(blocks):
        output = folder / f"block{number}"
        if not made:
            workspace.train("grpo", output, sft_folder, max_steps=steps, stage_name="block0", **shared)
        else:
            workspace.train(
                *("grpo", output, made[-1], sft_folder),
                **{"max_steps": steps, "of": f"block{number - 1}", "stage_name": f"block{number}", "continues": True},
                **shared,
            )
        made.append(output)
    return made


@pytest.fixture(scope="module")
def whole(workspace, sft_folder, tmp_path_factory) -> Path:
    return curriculum(workspace, sft_folder, tmp_path_factory.mktemp("whole"), [12])[0]


def test_six_and_six_steps_are_twelve(workspace, sft_folder, tmp_path, whole):
    first, second = curriculum(workspace, sft_folder, tmp_path, [6, 6])
    for name in (ADAPTER, STATE):
        assert sha256_file(second / name) == sha256_file(whole / name), name
    logs = [[line for line in read_jsonl(folder / "train_log.jsonl") if "loss" in line] for folder in (first, second)]
    assert logs[0] + logs[1] == [line for line in read_jsonl(whole / "train_log.jsonl") if "loss" in line]
    assert [line["step"] for line in logs[1]] == list(range(7, 13))


def test_a_block_that_does_not_continue_is_another_run(workspace, sft_folder, tmp_path, whole):
    """So that the test above can fail: without what is carried over, the second half is another one."""
    first = curriculum(workspace, sft_folder, tmp_path, [6], schedule_steps=12)[0]
    shared = {"schedule_steps": 12, "beta": 0.1, "warmup_ratio": 0.2, "max_steps": 6, "of": "block0"}
    workspace.train("grpo", tmp_path / "fresh", first, stage_name="fresh", **shared)
    assert sha256_file(tmp_path / "fresh" / ADAPTER) != sha256_file(whole / ADAPTER)


def test_several_steps_on_one_set_of_completions(workspace, sft_folder, tmp_path):
    blocks = curriculum(workspace, sft_folder, tmp_path / "cut", [4, 4], num_iterations=2)
    whole = curriculum(workspace, sft_folder, tmp_path / "whole", [8], num_iterations=2)
    assert sha256_file(blocks[1] / ADAPTER) == sha256_file(whole[0] / ADAPTER)
    lines = [line for line in read_jsonl(whole[0] / "train_log.jsonl") if "loss" in line]
    assert ["reward" in line for line in lines] == [True, False] * 4


def test_a_changed_training_state_is_refused(workspace, sft_folder, tmp_path):
    first = curriculum(workspace, sft_folder, tmp_path, [2], schedule_steps=4)[0]
    (first / STATE).write_bytes((first / STATE).read_bytes()[:-4] + b"\0\0\0\1")
    shared = {"schedule_steps": 4, "max_steps": 2, "of": "block0", "continues": True}
    with pytest.raises(UserError, match="is not the file on record"):
        workspace.train("grpo", tmp_path / "next", first, sft_folder, stage_name="next", **shared)


def test_lineage_names_parent_and_reference(workspace, sft_folder, tmp_path, whole):
    checkpoint = read_json(whole / "checkpoint.json")
    assert checkpoint["parent"]["sha256"] == checkpoint["reference"] == sha256_file(sft_folder / "checkpoint.json")
    assert checkpoint["training_state"] == sha256_file(whole / STATE)
    assert json.loads((whole / "adapter/adapter_config.json").read_text())["peft_type"] == "LORA"

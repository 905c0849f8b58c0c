"""Base and adapter are what their records say, or they are not loaded."""

from __future__ import annotations

import json
import shutil

import pytest

from primum.errors import UserError
from primum.files import sha256_json
from primum.training.loading import encode, load_model, load_tokenizer, render_prompt, verify_base, verify_checkpoint
from tests import tiny


@pytest.fixture
def stage(workspace, sft_folder, tmp_path):
    """A copy of a finished stage that may be spoilt."""
    return shutil.copytree(sft_folder, tmp_path / "stage")


def test_base_and_adapter_load(workspace, sft_folder):
    import torch

    bare, tokenizer = load_model(workspace.root, workspace.base, None)
    tuned, _ = load_model(workspace.root, workspace.base, sft_folder)
    ids = torch.tensor([encode(tokenizer, "<|im_start|>user\nFind iron")])
    with torch.no_grad():
        assert not torch.equal(bare(input_ids=ids).logits, tuned(input_ids=ids).logits)
    assert not tuned.training
    assert not any(p.requires_grad for p in tuned.parameters())
    assert bare.generation_config.eos_token_id == [tokenizer.eos_token_id]
    trainable, _ = load_model(workspace.root, workspace.base, sft_folder, trainable=True)
    assert any(p.requires_grad for p in trainable.parameters())


@pytest.mark.parametrize("spoil", ["changed", "missing", "record"])
def test_another_base_is_refused(workspace, tmp_path, spoil):
    folder = shutil.copytree(workspace.root / "models", tmp_path / "models")
    base = dict(workspace.base)
    if spoil == "changed":
        (folder / "tiny" / "config.json").write_text("{}")
    elif spoil == "missing":
        (folder / "tiny" / "model.safetensors").unlink()
    else:
        base["sha256"] = "0" * 64
    with pytest.raises(
        UserError, match={"changed": "config.json", "missing": "model.safetensors", "record": "contradicts"}[spoil]
    ):
        verify_base(tmp_path, base)


def test_adapter_of_another_base_is_refused(workspace, stage):
    base = workspace.base | {"files": workspace.base["files"] | {"config.json": "1" * 64}}
    base["sha256"] = sha256_json(base["files"])
    with pytest.raises(UserError, match="was trained on base"):
        verify_checkpoint(base, stage)


def test_changed_adapter_is_refused(workspace, stage):
    weights = stage / "adapter" / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    with pytest.raises(UserError, match=r"adapter_model\.safetensors is not the file on record"):
        load_model(workspace.root, workspace.base, stage)


def test_adapter_that_names_another_base_is_refused(workspace, stage):
    from primum.files import sha256_file

    config, record = stage / "adapter" / "adapter_config.json", stage / "checkpoint.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"base_model_name_or_path": "somebody/else"}))
    checkpoint = json.loads(record.read_text())
    checkpoint["adapter"]["adapter_config.json"] = sha256_file(config)
    record.write_text(json.dumps(checkpoint))
    with pytest.raises(UserError, match="names 'somebody/else'"):
        verify_checkpoint(workspace.base, stage)


def test_adapter_without_lineage_is_refused(workspace, stage):
    (stage / "checkpoint.json").unlink()
    with pytest.raises(UserError, match=r"has no checkpoint\.json"):
        load_model(workspace.root, workspace.base, stage)


def test_a_file_beside_the_adapter_is_refused_but_for_its_card(workspace, stage):
    for name in ("README.md", ".README.md.k3x2"):  # the second: while the first is being written
        (stage / "adapter" / name).write_text("hello")
    assert verify_checkpoint(workspace.base, stage)["stage"] == "sft"
    (stage / "adapter" / "more.safetensors").write_text("hello")
    with pytest.raises(UserError, match=r"more\.safetensors"):
        verify_checkpoint(workspace.base, stage)


def test_thinking_switch_reaches_the_prompt(workspace):
    tokenizer = load_tokenizer(workspace.base, workspace.root)
    messages = tiny.task().messages(tiny.Example.from_row(tiny.rows(1)[0]))
    closed, opened = (render_prompt(tokenizer, messages, thinking) for thinking in (False, True))
    assert closed == opened + "<think>\n\n</think>\n\n"
    ids = encode(tokenizer, closed)
    assert tokenizer.decode(ids) == closed, "nothing is added, nothing is lost"
    assert ids.count(tokenizer.convert_tokens_to_ids("<|im_start|>")) == 3  # system, user, assistant

"""scripts/finetune.py: any causal language model in a folder, a few registered rows, one call."""

from __future__ import annotations

import contextlib
import io
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from primum.data.readers import fetch_dataset
from primum.errors import UserError
from primum.files import read_json, read_jsonl, sha256_file, sha256_tree, write_json, write_jsonl, write_text
from primum.registry import load_dataset_entry
from primum.training.finetune import CARD, DATASET, RECORD, Finetuning, finetune
from primum.training.finetune_inputs import read_rows
from tests import tiny
from tests.unit.training.stage_tools import ROOT, environment

STORIES = ROOT.parent / "shared" / "data" / "stories260k"
SHORT = Finetuning(steps=4, rank=2, batch=2, threads=1)
ROWS = [{"prompt": f"Say {word}.", "completion": f"It is {word}."} for word in tiny.WORDS]
CHAT = {
    "messages": [
        {"role": "user", "content": "Whatever 0123456789 is, say tin."},
        {"role": "assistant", "content": "It is tin."},
    ]
}


def build(folder: Path, kind: str) -> Path:
    """A random model of some other architecture, whose tokenizer knows no turns."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

    tokenizer = tiny.tokenizer([row["prompt"] + row["completion"] for row in ROWS])
    tokenizer.chat_template = None
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    ends = {"bos_token_id": None, "eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    if kind == "gpt2":
        config = GPT2Config(vocab_size=len(tokenizer), n_positions=128, n_embd=32, n_layer=1, n_head=2, **ends)
        GPT2LMHeadModel(config).save_pretrained(folder)
    else:
        sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}
        LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), **sizes, **ends)).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("bases") / "some-llama", "llama")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with registries and code of its own, in which the rows of these tests are registered."""
    root = tmp_path / "project"
    for name in ("config", "scripts", "src"):
        (root / name).mkdir(parents=True)
    shutil.copy(ROOT / "config/models.tsv", root / "config")
    (root / "scripts/finetune.py").write_text("")
    write_jsonl(root / "rows.jsonl", [*ROWS, CHAT])
    header, *lines = (ROOT / "config/datasets.tsv").read_text().splitlines()
    line = dict(
        zip(header.split("\t"), next(line for line in lines if line.startswith(DATASET)).split("\t"), strict=True)
    )
    line |= {"id": "mine", "source": "rows.jsonl", "sha256": sha256_file(root / "rows.jsonl"), "licence": "CC0-1.0"}
    write_text(root / "config/datasets.tsv", "\n".join([header, "\t".join(line.values()), ""]))
    return root


def ask(folder: Path, base: Path, question: str = "") -> str:
    """What the card's own snippet prints, run in the adapter's folder; ``question`` instead of its own."""
    program = re.search(r"```python\n(.*?)```", (folder / CARD).read_text(), re.DOTALL)
    assert program
    code = re.sub(r'^base = ".*"', f"base = {str(base)!r}", program[1], flags=re.M)
    assert code != program[1]
    code = re.sub(r'(?<="content": )".*"', lambda _: repr(question), code) if question else code
    said = io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(said):
        exec(compile(code, "snippet", "exec"), {})
    return said.getvalue()


@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_any_architecture_learns_and_is_loaded_back(project: Path, tmp_path: Path, kind: str) -> None:
    base, output = build(tmp_path / f"some-{kind}", kind), tmp_path / "out"
    record = finetune(project, base, output, Finetuning(steps=40, threads=1, learning_rate=1e-2), "mine")
    assert set(sha256_tree(output)) == {
        "adapter/adapter_config.json",
        "adapter/adapter_model.safetensors",
        CARD,
        RECORD,
    }
    assert record == read_json(output / RECORD)
    assert record["loss"]["after"] < record["loss"]["before"] - 0.4
    assert record["base"]["files"] == sha256_tree(base) and record["base"]["licence"] == "unknown"
    governed = ("purpose", "sensitivity", "consent", "lineage")
    assert all(record["dataset"].pop(key) for key in (*governed, "obligations"))
    assert record["dataset"] == {
        "id": "mine",
        "licence": "CC0-1.0",
        "file": "rows.jsonl",
        "sha256": sha256_file(project / "rows.jsonl"),
        "on_record": True,
        "rows": len(ROWS) + 1,
        "truncated_rows": 0,
    }
    assert record["adapter"] == sha256_tree(output / "adapter")
    assert set(record["versions"]) == {"torch", "transformers", "peft", "trl"}
    named = read_json(output / "adapter/adapter_config.json")["target_modules"]
    fused, apart = {"c_attn", "c_fc", "c_proj"}, {f"{name}_proj" for name in "q k v o gate up down".split()}
    assert {name.rpartition(".")[2] for name in named} == (fused if kind == "gpt2" else apart)
    for path in output.rglob("*"):
        assert path.is_dir() or str(tmp_path).encode() not in path.read_bytes(), path
    card = (output / CARD).read_text()
    assert f"fell from {record['loss']['before']:.4f} to {record['loss']['after']:.4f}" in card
    assert "clinician must review every output" in card and "not on record: look it up" in card
    assert ask(output, base, "Say iron.").startswith("It is")


def test_the_bundled_base_and_rows_need_nothing_else_and_equal_calls_give_equal_bytes(tmp_path: Path) -> None:
    base = ROOT / "resources/bases/tiny-qwen3"
    line = [
        sys.executable,
        "scripts/finetune.py",
        "--base",
        "resources/bases/tiny-qwen3",
        "--steps",
        "4",
        "--rank",
        "2",
    ]
    line += ["--batch", "2", "--threads", "1"]
    done = subprocess.run(
        [*line, "--output", str(tmp_path / "a")], cwd=ROOT, env=environment(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    (tmp_path / "b").mkdir()  # an empty folder may be there
    record = finetune(ROOT, base, tmp_path / "b", SHORT)
    assert sha256_tree(tmp_path / "a") == sha256_tree(tmp_path / "b")
    assert (record["base"]["name"], record["base"]["licence"]) == ("resources/bases/tiny-qwen3", "Apache-2.0")
    assert (record["chat_template"], record["dataset"]["id"]) == (None, DATASET)
    assert f"{record['loss']['before']:.4f} -> {record['loss']['after']:.4f}" in done.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"], "nothing is left beside it"
    assert ask(tmp_path / "b", base)


def test_a_prepared_base_is_the_same_base(project: Path, llama: Path, tmp_path: Path) -> None:
    from primum.files import sha256_json

    shutil.copytree(llama, project / "models" / "some")
    files = sha256_tree(llama)
    record = {"id": "some", "reader": "gguf-wheel", "source": "some==1", "licence": "MIT", "path": "models/some"}
    write_json(project / "prepared/base.json", record | {"files": files, "sha256": sha256_json(files)})
    found = finetune(project, project / "prepared", tmp_path / "a", SHORT, "mine")["base"]
    assert found == {"name": "models/some", "files": files, "sha256": sha256_json(files), "licence": "MIT"}
    finetune(project, llama, tmp_path / "b", SHORT, "mine")
    weights = "adapter/adapter_model.safetensors"
    assert sha256_file(tmp_path / "a" / weights) == sha256_file(tmp_path / "b" / weights)
    finetune(project, llama, tmp_path / "c", SHORT.model_copy(update={"seed": 1}), "mine")
    assert sha256_file(tmp_path / "b" / weights) != sha256_file(tmp_path / "c" / weights), "another seed is another run"


def test_a_foreign_checkpoint_learns(tmp_path: Path) -> None:
    if not STORIES.is_dir():
        pytest.skip(f"{STORIES} is not on this machine")
    record = finetune(ROOT, STORIES, tmp_path / "out", Finetuning(steps=8, threads=1))
    assert record["base"]["name"] == "stories260k" and "eos_token" in record["chat_template"]
    assert record["chat_template"].startswith("{{- bos_token }}"), "this one begins texts with a token"
    assert record["loss"]["after"] < record["loss"]["before"] - 0.5
    assert ask(tmp_path / "out", STORIES)


def test_a_loss_that_did_not_fall_is_told(project: Path, llama: Path, tmp_path: Path) -> None:
    job = SHORT.model_copy(update={"learning_rate": 1e-12})
    record = finetune(project, llama, tmp_path / "out", job, "mine")
    assert record["loss"]["after"] >= record["loss"]["before"]
    assert "**The loss did not fall**" in (tmp_path / "out" / CARD).read_text()


def test_the_bundled_rows_are_a_dataset_of_the_registry(tmp_path: Path) -> None:
    rows = read_rows(ROOT, DATASET, None)
    assert rows.on_record and len(rows.examples) == 16
    source = fetch_dataset(ROOT, load_dataset_entry(ROOT, DATASET), tmp_path)
    assert source["rows"] == {"train": 16, "validation": 0}
    for row in read_jsonl(tmp_path / "rows.jsonl"):
        assert row["gold"]["answer"] in row["inputs"]["context"] and row["gold"]["expects"] == "answer"


def write(path: Path, rows: list[Any]) -> Path:
    write_jsonl(path, rows)
    return path


def spoil(base: Path, what: str) -> None:
    config = read_json(base / "config.json")
    if what == "no config":
        (base / "config.json").unlink()
    elif what == "no tokenizer":
        (base / "tokenizer.json").unlink()
    elif what == "masked":
        write_json(base / "config.json", config | {"model_type": "bert", "architectures": ["BertForMaskedLM"]})
    elif what == "unheard":
        write_json(base / "config.json", config | {"model_type": "unheard-of"})
    elif what == "deeper":
        write_json(base / "config.json", config | {"num_hidden_layers": 2})
    elif what == "template":
        write_text(base / "chat_template.jinja", "{{ raise_exception('not for you') }}")
    elif what == "no weights":
        (base / "model.safetensors").unlink()


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("no config", "some has no config.json"),
        ("no tokenizer", "some has no tokenizer"),
        ("masked", "some is no causal language model: it is BertForMaskedLM"),
        ("unheard", "some cannot be read"),
        ("no weights", "some cannot be read"),
        ("deeper", "some lacks 9 weights"),
        ("template", "chat template of some fails: not for you"),
    ],
)
def test_a_folder_that_is_no_such_model_is_refused(
    project: Path, llama: Path, tmp_path: Path, what: str, told: str
) -> None:
    base = shutil.copytree(llama, tmp_path / "some")
    spoil(base, what)
    with pytest.raises(UserError, match=re.escape(told)):
        finetune(project, base, tmp_path / "out", SHORT, "mine")
    assert not (tmp_path / "out").exists() and not list(tmp_path.glob(".out*"))


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"prompt": "a"}, "row 1: a turn has no text"),
        ({"prompt": "a", "completion": " "}, "row 1: a turn has no text"),
        ({"text": "a"}, "row 1 is neither"),
        ({**CHAT, "prompt": "a"}, "row 1 is neither"),
        ({"messages": CHAT["messages"][:1]}, "row 1 does not end with"),
        ({"messages": CHAT["messages"][1:]}, "row 1 does not end with"),
        ({"messages": "a"}, "'messages' is not a list"),
        ({"messages": [{"role": "tool", "content": "a"}, CHAT["messages"][1]]}, "a role that is none of"),
        (None, "holds no rows"),
    ],
)
def test_rows_that_cannot_be_used_are_named(project: Path, row: Any, told: str) -> None:
    data = write(project / "rows.jsonl", [] if row is None else [row])
    registry = project / "config/datasets.tsv"
    write_text(registry, re.sub(r"[0-9a-f]{64}", sha256_file(data), registry.read_text()))
    with pytest.raises(UserError, match=re.escape(told)):
        read_rows(project, "mine", None)


def test_nothing_is_trained_that_is_not_registered(project: Path, llama: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"No entry 'yours' in config/datasets\.tsv"):
        finetune(project, llama, tmp_path / "out", SHORT, "yours", project / "rows.jsonl")
    other = write(tmp_path / "other.jsonl", ROWS)
    with pytest.raises(UserError, match=f"not the file that dataset 'mine' has on record .sha256 {sha256_file(other)}"):
        read_rows(project, "mine", other)
    with pytest.raises(UserError, match="not one file of rows"):
        read_rows(ROOT, "medmcqa-bundled", None)
    assert not read_rows(ROOT, "medmcqa-bundled", other).on_record


def test_mistakes_end_in_one_line(llama: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("")
    for options, told in (
        (["--base", str(llama), "--output", str(tmp_path / "full")], "exists and is not an empty folder"),
        (["--base", str(tmp_path / "none"), "--output", str(tmp_path / "out")], "none does not exist"),
        (["--base", str(llama), "--output", str(tmp_path / "out"), "--steps", "0"], "'steps'"),
    ):
        done = subprocess.run(
            [sys.executable, "scripts/finetune.py", *options],
            cwd=ROOT,
            env=environment(),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 2 and len(done.stderr.splitlines()) == 1, done.stderr
        assert done.stderr.startswith("primum: ") and told in done.stderr and "Remedy: " in done.stderr


def test_rows_longer_than_the_model_lose_the_beginning_of_their_prompt(
    project: Path, llama: Path, tmp_path: Path
) -> None:
    record = finetune(project, llama, tmp_path / "out", SHORT.model_copy(update={"max_length": 9}), "mine")
    assert record["dataset"]["truncated_rows"] == 1 and record["hyperparameters"]["max_length"] == 9
    assert "lost the beginning of their prompt" in (tmp_path / "out" / CARD).read_text()

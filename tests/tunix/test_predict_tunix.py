"""The two predictors agree token for token in float32: same completions, ends and letters, on any mesh."""

from __future__ import annotations

import random
import shutil

import pytest

from primum.closure import code_files
from primum.config import project_root
from primum.errors import UserError
from primum.evaluation.predict import PredictConfig, predict
from primum.evaluation.predictor import Host, continuations, load_predictor
from primum.files import sha256_json, sha256_tree, write_json
from primum.stages import Mesh
from primum.tasks.base import Choices, Example
from primum.training.loading import encode, render_prompt
from tests import tiny
from tests.tunix import hf

pytest.importorskip("jax")

KINDS = ("gemma3", "qwen3")
ROWS = tiny.rows(11, seed=5)
EXAMPLES = [Example.from_row(row) for row in ROWS]
LIMIT = 40


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """One project for all bases: programs that were compiled for one serve the others."""
    return tmp_path_factory.mktemp("predictors")


def make(root, kind, name, texts, steps):
    """A base, taught ``texts`` for so many steps, and a stage on it; their records."""
    chosen = tiny.task()
    examples = [Example.from_row(row) for row in tiny.rows(200, seed=99)]
    fast = tiny.tokenizer([" ".join([*(m["content"] for m in chosen.messages(e)), texts(e)]) for e in examples])
    model = hf.torch_model(kind, len(fast))
    if steps:
        tiny._teach(model, fast, [(chosen.messages(e), texts(e)) for e in examples], steps)
    folder = f"models/{kind}-{name}"
    hf.save(model, root / folder)
    fast.save_pretrained(root / folder)
    files = sha256_tree(root / folder)
    base = {"id": f"{kind}-{name}", "reader": "bundled", "source": folder, "path": folder, "files": files}
    base["sha256"] = sha256_json(files)
    return base, make_stage(root / f"stages/{kind}-{name}", model, base, 0.02 if steps else 0.2)


def make_stage(folder, model, base, size):
    import torch

    tuned = hf.with_adapter(model)
    with torch.no_grad():
        for parameter_name, parameter in tuned.named_parameters():
            if "lora_B" in parameter_name:
                parameter *= size / 0.2
    tuned.peft_config["default"].base_model_name_or_path = base["path"]
    tuned.save_pretrained(folder / "adapter")
    (folder / "adapter/README.md").unlink(missing_ok=True)
    lora = hf.LORA.model_dump(mode="json") | {"dropout": 0.05}  # of training: prediction lets it be
    record = {"stage": "sft", "seed": 0, "base": base, "adapter": sha256_tree(folder / "adapter")}
    write_json(folder / "checkpoint.json", record | {"config": {"lora": lora}})
    return folder


@pytest.fixture(scope="module")
def made(root):
    """Bases by kind and name, with a stage each; made once."""
    known = {}

    def get(kind, name):
        if (kind, name) not in known:
            known[kind, name] = make(root, kind, name, tiny.task().gold_completion, 60 if name == "trained" else 0)
        return known[kind, name]

    return get


def load(name, root, base, stage, mesh=(1, 1), rows=11):
    return load_predictor(name, root, base, stage, Host(1, True, Mesh(fsdp=mesh[0], tp=mesh[1]), rows))


def prompts(tokenizer):
    return [encode(tokenizer, render_prompt(tokenizer, tiny.task().messages(e), False)) for e in EXAMPLES]


def assert_same(ours, theirs):
    assert [(g.completion, g.tokens, g.finished) for g in ours] == [
        (g.completion, g.tokens, g.finished) for g in theirs
    ]
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.letter_logprobs == pytest.approx(other.letter_logprobs, abs=1e-4)


CASES = [("random", True, (1, 1)), *(("trained", *case) for case in ((False, (1, 1)), (True, (1, 1)), (True, (8, 1))))]


@pytest.mark.parametrize("name, stage, mesh", CASES, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_both_say_the_same_token_for_token(root, made, kind, name, stage, mesh):
    base, folder = made(kind, name)
    checkpoint = folder if stage else None
    theirs = load("hf", root, base, checkpoint)
    ours = load("tunix", root, base, checkpoint, mesh)
    asked = prompts(theirs.tokenizer)
    assert len({len(prompt) for prompt in asked}) > 3 and min(map(len, asked)) > 8  # beyond Gemma's window
    letters = continuations(theirs.tokenizer, tiny.task().choices(EXAMPLES[0]))
    expected = theirs.generate(asked, letters, LIMIT)
    assert_same(ours.generate(asked, letters, LIMIT), expected)
    assert_same(ours.generate(asked[:3], {}, 3), theirs.generate(asked[:3], {}, 3))  # fewer rows, no letters, cut
    assert all(len(result.letter_logprobs) == 4 for result in expected)
    if name == "trained":
        assert any(result.finished for result in expected)
        ends = max(result.tokens for result in expected if result.finished)
        assert [result.finished for result in ours.generate(asked, {}, ends)].count(True)  # at the very limit, too


def test_candidates_of_several_tokens_and_lengths(root, made):
    base, folder = made("gemma3", "random")
    theirs, ours = (load(name, root, base, folder) for name in ("hf", "tunix"))
    letters = continuations(theirs.tokenizer, Choices("The ans", ("wer is iron", "wer is zinc and copper", "on")))
    assert len({len(tokens) for tokens in letters.values()}) > 1
    asked = prompts(theirs.tokenizer)[:3]
    assert_same(ours.generate(asked, letters, 1), theirs.generate(asked, letters, 1))


def test_the_padding_token_counts_where_it_is_said(root):
    """Tunix would hide it from the model: in a prompt, and in what has been generated."""
    said = tiny.task().gold_completion
    base, _ = make(root, "qwen3", "padded", lambda e: said(e)[:14] + "<|endoftext|>" * 4 + said(e)[14:40], 120)
    theirs, ours = (load(name, root, base, None) for name in ("hf", "tunix"))
    pad = theirs.tokenizer.pad_token_id
    asked = prompts(theirs.tokenizer)
    rng = random.Random(0)
    for prompt in asked[:4]:
        prompt.insert(rng.randrange(5, len(prompt)), pad)
    expected = theirs.generate(asked, {}, LIMIT)
    assert any("<|endoftext|>" in result.completion for result in expected)
    assert_same(ours.generate(asked, {}, LIMIT), expected)


def config(name, **changes):
    keys = {"study": "medmcqa", "stage": "sft", "seed": 0, "split": "eval", "task": "medmcqa", "bf16": True}
    keys |= {"task_settings": tiny.TASK_SETTINGS, "thinking": False, "threads": 1, "max_new_tokens": 24}
    keys |= {"batch_size": 6, "permutations": 1, "predictor": name, "mesh": {}}
    return PredictConfig(**(keys | changes))


def test_predictions_of_a_stage(root, made):
    base, folder = made("qwen3", "trained")
    theirs, ours = (predict(config(name), root, base, folder, ROWS) for name in ("hf", "tunix"))
    letters = "letter_logprobs"
    assert len(ours) == 2 * len(ROWS)
    for mine, other in zip(ours, theirs, strict=True):
        assert mine | {letters: 0} == other | {letters: 0}
        assert mine[letters] == pytest.approx(other[letters], abs=1e-4)
    with pytest.raises(UserError, match="Asked for stage 'grpo' seed 0, but given sft seed 0"):
        predict(config("tunix", stage="grpo"), root, base, folder, ROWS)
    broken = root / "broken"
    shutil.copytree(folder, broken)
    (broken / "adapter/adapter_model.safetensors").write_bytes(b"else")
    with pytest.raises(UserError, match="is not the file on record"):
        predict(config("tunix"), root, base, broken, ROWS)
    with pytest.raises(UserError, match="was trained on base 'qwen3-trained'"):
        predict(config("tunix"), root, made("qwen3", "random")[0], folder, ROWS)


def test_samples_follow_their_seed(root, made):
    base, folder = made("qwen3", "random")
    for name in ("hf", "tunix"):
        predictor = load(name, root, base, folder, rows=2)
        asked = prompts(predictor.tokenizer)[:2]
        one, again, other = (predictor.sample(asked, 12, 0.7, seed) for seed in (1, 1, 2))
        assert one == again != other
        assert [result.tokens for result in one] == [12, 12] or any(result.finished for result in one)


def test_code_of_one_predictor_is_none_of_the_others():
    paths = {
        name: code_files(project_root(), "scripts/predict.py", [f"primum.evaluation.predict_{name}"])
        for name in ("hf", "tunix")
    }
    assert not any("tunix" in path for path in paths["hf"])
    for own in ("evaluation/generate.py", "evaluation/predict_hf.py", "training/trl.py", "training/tunix_grpo.py"):
        assert f"src/primum/{own}" not in paths["tunix"]
    for own in ("evaluation/predict_tunix.py", "training/tunix_sampler.py", "training/tunix_lora.py"):
        assert f"src/primum/{own}" in paths["tunix"]


@pytest.mark.parametrize("kind", KINDS)
def test_bfloat16_where_the_hardware_has_it(root, made, kind, monkeypatch):
    """A base in bfloat16 under float32 adapters, as on a TPU: it works, and scores are near those of float32."""
    from primum.evaluation import predict_tunix

    base, folder = made(kind, "trained")
    exact = load("tunix", root, base, folder, rows=3)
    monkeypatch.setattr(predict_tunix, "bf16_available", lambda: True)
    rough = load("tunix", root, base, folder, rows=3)
    asked = prompts(exact.tokenizer)[:3]
    letters = continuations(exact.tokenizer, tiny.task().choices(EXAMPLES[0]))
    for mine, other in zip(rough.generate(asked, letters, 12), exact.generate(asked, letters, 12), strict=True):
        assert mine.completion[:10] == other.completion[:10]
        assert mine.letter_logprobs == pytest.approx(other.letter_logprobs, abs=0.5)
        assert mine.letter_logprobs != other.letter_logprobs


@pytest.mark.parametrize("kind", KINDS)
def test_prompts_make_no_logits_but_the_last(root, made, kind):
    """Those of whole prompts are gigabytes with a vocabulary like Gemma's, and nobody reads them."""
    import numpy as np
    from tunix.sft.utils import make_causal_attn_mask

    base, folder = made(kind, "random")
    predictor = load("tunix", root, base, folder)
    ids = np.ones((2, 9), int)
    with predictor.mesh:
        logits, _ = predictor.model(ids, ids.cumsum(-1) - 1, None, make_causal_attn_mask(ids > 0))
    assert logits.shape[:2] == (2, 1)

"""Prediction with a real tiny model: batches change nothing, the end token ends, letters score as in a plain pass."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import tiny

torch = pytest.importorskip("torch", reason="torch is not in this environment")

from primum.errors import UserError  # noqa: E402
from primum.evaluation.generate import continuations, generate_batch  # noqa: E402
from primum.evaluation.predict import PredictConfig, predict  # noqa: E402
from primum.files import read_jsonl, sha256_tree, write_json, write_jsonl  # noqa: E402
from primum.tasks.base import Choices, Example  # noqa: E402
from primum.training.loading import encode, load_model, render_prompt  # noqa: E402

ROWS = tiny.rows(11, seed=5)
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A project folder with a tiny base that has half learned the format: some completions end, some do not."""
    folder = tmp_path_factory.mktemp("predict")
    write_json(folder / "base.json", tiny.make_base(folder, steps=60))
    return folder


@pytest.fixture(scope="module")
def loaded(root):
    return load_model(root, json.loads((root / "base.json").read_text()), None)


def config(**changes):
    keys = {"study": "medmcqa", "stage": "base", "seed": 0, "split": "eval", "task": "medmcqa"}
    keys |= {"task_settings": tiny.TASK_SETTINGS, "thinking": False, "threads": 1, "bf16": True}
    return PredictConfig(**(keys | {"max_new_tokens": 40, "batch_size": 7, "permutations": 0} | changes))


def run(root, **changes):
    return predict(config(**changes), root, json.loads((root / "base.json").read_text()), None, ROWS)


def prompts(tokenizer, rows=ROWS):
    return [encode(tokenizer, render_prompt(tokenizer, tiny.task().messages(Example.from_row(r)), False)) for r in rows]


def plain_logprob(model, ids, target):
    """Sum of log-probabilities of ``target`` after ``ids``, by one forward pass without padding or cache."""
    with torch.inference_mode():
        logprobs = model(input_ids=torch.tensor([[*ids, *target]])).logits[0].log_softmax(-1)
    return sum(float(logprobs[len(ids) - 1 + at, token]) for at, token in enumerate(target))


def test_batches_change_nothing(root):
    one, seven = run(root, batch_size=1), run(root, batch_size=7)
    assert [line["id"] for line in seven] == [row["id"] for row in ROWS]
    assert len({len(p) for p in prompts(load_model(root, json.loads((root / "base.json").read_text()), None)[1])}) > 3
    for a, b in zip(one, seven, strict=True):
        assert (a["id"], a["completion"], a["tokens"], a["finished"]) == (
            b["id"],
            b["completion"],
            b["tokens"],
            b["finished"],
        )
        assert a["letter_logprobs"] == pytest.approx(b["letter_logprobs"], abs=1e-4)
        assert max(a["letter_logprobs"], key=a["letter_logprobs"].get) == max(
            b["letter_logprobs"], key=b["letter_logprobs"].get
        )


def test_completions_are_those_of_transformers(root, loaded):
    """Our loop, batched and cached, says what ``model.generate`` says row by row."""
    model, tokenizer = loaded
    for line, ids in zip(run(root), prompts(tokenizer), strict=True):
        with torch.inference_mode():
            out = model.generate(torch.tensor([ids]), max_new_tokens=40, do_sample=False)[0, len(ids) :].tolist()
        ended = out[-1] == tokenizer.eos_token_id
        text = tokenizer.decode(out[:-1] if ended else out)
        assert (line["completion"], line["tokens"], line["finished"]) == (text, len(out), ended)


def test_unfinished_is_flagged(root):
    cut = run(root, max_new_tokens=3)
    assert [(line["tokens"], line["finished"]) for line in cut] == [(3, False)] * len(ROWS)
    assert any(line["finished"] for line in run(root, max_new_tokens=120))


def test_letters_are_scored_as_a_plain_pass_would(loaded):
    model, tokenizer = loaded
    letters = continuations(tokenizer, tiny.task().choices(Example.from_row(ROWS[0])))
    assert len({len(tokens) for tokens in letters.values()}) == 1
    batch = prompts(tokenizer)
    for ids, result in zip(batch, generate_batch(model, tokenizer, batch, letters, 1), strict=True):
        for letter, tokens in letters.items():
            expected = plain_logprob(model, [*ids, *tokens[:-1]], tokens[-1:])
            assert result.letter_logprobs[letter] == pytest.approx(expected, abs=1e-4)


def test_candidates_of_several_tokens(loaded):
    """Candidates whose tokens melt into the prefix, and of different lengths: the whole differing tail counts."""
    model, tokenizer = loaded
    letters = continuations(tokenizer, Choices("The ans", ("wer is iron", "wer is zinc and copper", "on")))
    shared = 0
    while len({tokens[shared] for tokens in letters.values()}) == 1:
        shared += 1
    assert len({len(tokens) for tokens in letters.values()}) > 1
    batch = prompts(tokenizer, ROWS[:3])
    for ids, result in zip(batch, generate_batch(model, tokenizer, batch, letters, 1), strict=True):
        for letter, tokens in letters.items():
            expected = plain_logprob(model, [*ids, *tokens[:shared]], tokens[shared:])
            assert result.letter_logprobs[letter] == pytest.approx(expected, abs=1e-4)


def test_a_left_over_think_stays_visible(root):
    """A model taught to think aloud: its <think> reaches the judge, its end token does not."""
    model, tokenizer = load_model(root, json.loads((root / "base.json").read_text()), None)
    prompt, said = prompts(tokenizer)[0], '<think>\nhm\n</think>\n{"predicted_category": "A"}'
    target = [*encode(tokenizer, said), tokenizer.eos_token_id]
    ids = torch.tensor([prompt + target])
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(40):
        loss = model(input_ids=ids, labels=torch.tensor([[-100] * len(prompt) + target])).loss
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
    result = generate_batch(model.eval(), tokenizer, [prompt], {}, 200)[0]
    assert (result.completion, result.finished, result.tokens) == (said, True, len(target))
    assert tiny.task().judge(Example.from_row(ROWS[0]), result.completion).why == "left-over <think>"


def test_rotations_are_kept_apart(root):
    plain, rotated = run(root), run(root, permutations=2)
    assert [(line["id"], line["shift"]) for line in rotated] == [(r["id"], s) for s in range(3) for r in ROWS]
    strip = [(line["id"], line["completion"]) for line in rotated if line["shift"] == 0]
    assert strip == [(line["id"], line["completion"]) for line in plain]
    task = tiny.task()
    turned = [task.permute(Example.from_row(row), 1).to_row() for row in ROWS]
    alone = predict(config(), root, json.loads((root / "base.json").read_text()), None, turned)
    assert [line["completion"] for line in rotated if line["shift"] == 1] == [line["completion"] for line in alone]


def test_a_checkpoint_predicts_as_its_adapter_does(root):
    """The adapter is merged in memory for speed: completions are those of the model with the adapter beside it."""
    from peft import LoraConfig, get_peft_model

    base = json.loads((root / "base.json").read_text())
    model, tokenizer = load_model(root, base, None)
    torch.manual_seed(1)
    adapted = get_peft_model(
        model, LoraConfig(r=4, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    ).eval()
    adapted.peft_config["default"].base_model_name_or_path = base["path"]
    stage = root / "stage"
    adapted.save_pretrained(stage / "adapter")
    (stage / "adapter/README.md").unlink(missing_ok=True)
    record = {
        "stage": "sft",
        "seed": 0,
        "base": {"id": base["id"], "sha256": base["sha256"]},
        "adapter": sha256_tree(stage / "adapter"),
    }
    write_json(stage / "checkpoint.json", record)
    lines = predict(config(stage="sft"), root, base, stage, ROWS)
    batch = prompts(tokenizer)
    letters = continuations(tokenizer, tiny.task().choices(Example.from_row(ROWS[0])))
    beside = generate_batch(adapted, tokenizer, batch, letters, 40)
    assert [line["completion"] for line in lines] == [result.completion for result in beside]
    for line, result in zip(lines, beside, strict=True):
        assert line["letter_logprobs"] == pytest.approx(result.letter_logprobs, abs=1e-3)
    assert lines != run(root)
    for wrong in (config(stage="grpo"), config(stage="sft", seed=1), config()):
        with pytest.raises(UserError, match="but given sft seed 0"):
            predict(wrong, root, base, stage, ROWS)


def test_a_trained_stage_without_its_checkpoint_is_refused(root):
    with pytest.raises(UserError, match="Asked for stage 'sft' seed 0, but given base seed 0"):
        run(root, stage="sft")


def test_command_line(root):
    """The command the rule runs writes what the library says, in another process, with progress on stderr."""
    write_jsonl(root / "eval.jsonl", ROWS)
    arguments = ["--config", config(max_new_tokens=8).model_dump_json(), "--base", "base.json", "--data", "eval.jsonl"]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(ROOT / "scripts/predict.py"), *arguments, "--output", "predictions.jsonl"]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "[medmcqa predict base eval] 11/11  correct so far" in done.stderr
    assert read_jsonl(root / "predictions.jsonl") == run(root, max_new_tokens=8)

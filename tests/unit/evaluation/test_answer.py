"""A question to a finished stage, from the command line: real processes, a real toy stage, both predictors."""

from __future__ import annotations

import json
import shutil
import sys
from importlib.util import find_spec

import pytest

pytest.importorskip("torch", reason="torch is not in this environment")

from primum.errors import UserError
from primum.evaluation.answer import answer, ask, findings
from primum.evaluation.predictor import Generated
from primum.files import read_json, sha256_json, sha256_tree, write_json, write_jsonl
from primum.tasks import load_task
from primum.tasks.base import Example
from primum.training.gate import RewardsConfig, build_gate
from tests import tiny
from tests.unit.training.conftest import backend, sft_folder, workspace  # noqa: F401
from tests.unit.training.stage_tools import ROOT, Workspace, register

PREDICTORS = ["hf", *(["tunix"] if find_spec("jax") else [])]
SETTINGS = {
    "system_prompt": "Reply as <{think}>, <{proof}>, <{answer}>.",
    "user_prompt": "<context>\n{context}\n</context>\n<question>\n{question}\n</question>",
    "tags": ["think", "proof", "answer"],
    "prefill": "",
    "min_quote_chars": 20,
    "max_answer_words": 80,
}
CASES = read_json(ROOT / "tests/contract/grounded_examples.json")
KNOWN = CASES["bevacizumab"]


@pytest.fixture(scope="session")
def grounded(tmp_path_factory, backend):  # noqa: F811
    """A project with a base that knows two grounded answers by heart, and a stage that was trained on it."""
    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM

    root = tmp_path_factory.mktemp("grounded")
    task = load_task("grounded_answer", SETTINGS)
    rows = [{"id": name, "group": name, **CASES[name]} for name in ("bevacizumab", "capital")]
    examples = [Example.from_row(row) for row in rows]
    texts = [(task.messages(e), task.gold_completion(e)) for e in examples]
    fast = tiny.tokenizer([" ".join([*(m["content"] for m in messages), gold]) for messages, gold in texts])
    torch.manual_seed(0)
    model = Qwen3ForCausalLM(
        Qwen3Config(
            vocab_size=len(fast),
            hidden_size=64,
            intermediate_size=192,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=2,
            head_dim=32,
            tie_word_embeddings=True,
            eos_token_id=fast.eos_token_id,
            pad_token_id=fast.pad_token_id,
            bos_token_id=None,
            rope_theta=10000.0,
        )
    )
    tiny._teach(model, fast, texts * 8, 60)
    model.save_pretrained(root / "models/grounded")
    fast.save_pretrained(root / "models/grounded")
    files = sha256_tree(root / "models/grounded")
    base = {"id": "tiny-grounded", "reader": "bundled", "source": "models/grounded", "path": "models/grounded"}
    base |= {"revision": "-", "licence": "-", "files": files, "sha256": sha256_json(files)}
    write_json(root / "base.json", base)
    write_json(root / "results/inputs/bases/tiny-grounded/base.json", base)
    write_jsonl(root / "sft.jsonl", rows)
    config = RewardsConfig(
        study="toy",
        task="grounded_answer",
        task_settings=SETTINGS,
        rewards={"plain": {"exact_format": 1.0}},
        exploitable=["plain"],
    )
    register(root, [root / "sft.jsonl"])
    write_json(root / "gate.json", build_gate(config, [root / "sft.jsonl"]))
    changes = {"task": "grounded_answer", "task_settings": SETTINGS, "max_steps": 2, "learning_rate": 1e-4}
    Workspace(root, base, backend).train(
        "sft", root / "stages/sft/seed0", max_length=512, per_device_train_batch_size=2, **changes
    )
    return root


def command(root, stage, *options):
    line = [sys.executable, str(ROOT / "scripts/answer.py"), "--stage", str(stage), *options]
    return Workspace(root, {}).run(line)


def context_and_question(case):
    return ["--context", case["inputs"]["context"], "--question", case["inputs"]["question"]]


@pytest.mark.parametrize("predictor", PREDICTORS)
def test_what_a_stage_says(grounded, predictor):
    done = command(grounded, "stages/sft/seed0", *context_and_question(KNOWN), "--predictor", predictor)
    assert done.returncode == 0, done.stderr
    gold = KNOWN["gold"]
    for said in (
        f"Reasoning\n  {gold['think']}",
        f'Quotes\n  [in the context] "{gold["proof"][0]}"',
        f"Answer\n  {gold['answer']}",
        "Format: as asked\nQuotes: 1 of 1 stand in the context\n",
        "it does not abstain; its figures are those of context and question; its quotes carry it",
        "no advice on anybody's health",
        f"greedy, by {predictor}",
    ):
        assert said in done.stdout
    (grounded / "context.txt").write_text(KNOWN["inputs"]["context"].replace("10 mg/kg", "15 mg/kg"))
    options = ["--context-file", "context.txt", "--input", f"question={KNOWN['inputs']['question']}", "--json"]
    done = command(grounded, "stages/sft/seed0", *options, "--predictor", predictor, "--max-new-tokens", "300")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["predictor"] == predictor and found["base"] == "tiny-grounded" and found["sampling"] is None
    if found["outcomes"]["format_ok"]:  # known by heart: the quote is that of another context
        assert found["quotes"][0]["why_not"] and found["outcomes"]["quotes_grounded"] is False
        assert found["outcomes"]["abstained"] is None


@pytest.mark.parametrize("predictor", PREDICTORS)
def test_samples_that_fail_the_format_say_so(grounded, predictor):
    """Hot enough, a stage says anything; cut short, it ends nowhere."""
    options = [*context_and_question(KNOWN), "--predictor", predictor, "--temperature", "50", "--max-new-tokens", "20"]
    one, again = (command(grounded, "stages/sft/seed0", *options, "--seed", "1") for _ in range(2))
    other = command(grounded, "stages/sft/seed0", *options, "--seed", "2")
    assert one.returncode == 0, one.stderr
    assert "sampled at temperature 50, seed 1" in one.stdout and "The completion was cut" in one.stdout
    assert "Format: failed (" in one.stdout
    assert one.stdout == again.stdout and one.stdout.splitlines()[2:] != other.stdout.splitlines()[2:]


@pytest.mark.parametrize("predictor", PREDICTORS)
def test_another_task(workspace, sft_folder, predictor):  # noqa: F811
    write_json(workspace.root / "results/inputs/bases/tiny-test/base.json", workspace.base)
    inputs = ["--question", "Find iron", *(f"--input=options={word}" for word in ("iron", "zinc", "tin", "neon"))]
    done = command(workspace.root, sft_folder, *inputs, "--predictor", predictor)
    assert done.returncode == 0, done.stderr
    assert '{"predicted_category": "' in done.stdout
    assert "json_valid: yes\nschema_valid: yes" in done.stdout
    assert "Confidence, as stated: 0.95" in done.stdout


def test_mistakes_end_in_one_line(grounded, tmp_path):
    stage, given = "stages/sft/seed0", context_and_question(KNOWN)
    for line, message in (
        (["elsewhere", *given], "elsewhere has no checkpoint.json: it holds no finished stage."),
        ([stage, *given, "--predictor", "gpt"], "Unknown predictor 'gpt'. Remedy: Use hf or tunix."),
        ([stage, "--context", " ", "--question", "What?"], "The context is empty."),
        ([stage, "--question", "What?"], "Task 'grounded_answer' asks for 'context', which was not given."),
        ([stage, *given, "--input", "colour=red"], "Task 'grounded_answer' asks for no 'colour'."),
        ([stage, *given, "--input", "colour"], "--input 'colour' is not KEY=VALUE."),
        ([stage, *given, "--input", "question=x"], "The question was given twice."),
        ([stage, *given, "--context-file", "x"], "--context and --context-file were both given."),
        ([stage, "--context-file", "none.txt", "--question", "x"], "none.txt cannot be read"),
        ([stage, *given, "--temperature", "-1"], "Temperature -1, seed 0 and 512 new tokens cannot be."),
    ):
        done = command(grounded, *line)
        assert done.returncode == 2, done.stderr
        assert done.stderr.strip().startswith(f"primum: {message}") and done.stderr.count("\n") == 1
        assert done.stdout == ""


@pytest.mark.skipif("tunix" in PREDICTORS, reason="JAX is in this environment")
def test_a_predictor_of_another_environment(grounded):
    done = command(grounded, "stages/sft/seed0", *context_and_question(KNOWN), "--predictor", "tunix")
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "Predictor 'tunix' needs jax, which this environment has not. Remedy: Use the environment of" in done.stderr


def test_a_stage_whose_base_is_missing_or_another(grounded, tmp_path):
    stage, inputs = grounded / "stages/sft/seed0", KNOWN["inputs"]
    with pytest.raises(UserError, match="Base 'tiny-grounded' of the stage is not prepared"):
        answer(tmp_path, stage, inputs)
    shutil.copytree(grounded / "models", tmp_path / "models")
    record = tmp_path / "results/inputs/bases/tiny-grounded/base.json"
    base = read_json(grounded / "base.json")
    write_json(record, base)
    with open(tmp_path / "models/grounded/model.safetensors", "ab") as handle:
        handle.write(b"0")
    with pytest.raises(UserError, match=r"model.safetensors is not the file on record"):
        answer(tmp_path, stage, inputs)
    files = sha256_tree(tmp_path / "models/grounded")
    write_json(record, base | {"files": files, "sha256": sha256_json(files)})
    with pytest.raises(UserError, match="was trained on base 'tiny-grounded'"):
        answer(tmp_path, stage, inputs)


def test_what_can_be_said_without_gold():
    task = load_task("grounded_answer", SETTINGS)
    example = Example("question", KNOWN["inputs"], {})
    quote = KNOWN["gold"]["proof"][0]

    def outcomes(said, proof=quote):
        made = Generated(f'<think>t</think>\n<proof>"{proof}"</proof>\n<answer>{said}</answer>', 9, True, {})
        return findings(task, example, made)["outcomes"]

    good = {"format_ok": True, "quotes_grounded": True, "abstained": False, "figures_known": True, "carried": True}
    assert outcomes("Bevacizumab was given every 2 weeks.") == good
    assert outcomes("Bevacizumab was given every 17 weeks.")["figures_known"] is False
    assert outcomes("The context does not say how often it was given.")["abstained"] is True
    invented = outcomes("Bevacizumab was given every 2 weeks.", "She was given vincristine 3 mg every four weeks.")
    assert invented["quotes_grounded"] is False and invented["abstained"] is None
    failed = findings(task, example, Generated("no parts", 2, True, {}))
    assert failed["format_failure"] == "no <think>" and failed["outcomes"]["quotes_grounded"] is None
    with pytest.raises(UserError, match="do not fit task 'medmcqa'"):
        ask(tiny.task(), Example("question", {"question": "x", "options": ["a", "b"]}, {}))

"""One question to a finished stage: the prompt by its own task, and all that can be said without a gold answer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from primum.errors import UserError
from primum.evaluation.predictor import Generated, Host, PredictorName, load_predictor
from primum.files import read_json
from primum.layout import INPUTS
from primum.stages import Mesh
from primum.tasks import load_task
from primum.tasks.base import Example, Message, Task
from primum.text.grounding import quotes, ungrounded
from primum.text.tags import parse
from primum.training.loading import CHECKPOINT, encode, render_prompt

GROUNDED = "grounded_answer"
_WITHOUT_GOLD = dict.fromkeys(
    ("medmcqa", "irae_triage"), ("json_valid", "schema_valid")
)  # decided without a gold answer
NOTICE = "Whether it is right cannot be told without a gold answer. Research software: no advice on anybody's health."


def answer(
    root: Path,
    stage: Path,
    inputs: Mapping[str, Any],
    predictor: str = "hf",
    temperature: float = 0.0,
    seed: int = 0,
    max_new_tokens: int = 512,
) -> dict[str, Any]:
    """Ask a finished stage of either backend.

    Args:
        root: the project's folder.
        stage: the stage's folder; its ``checkpoint.json`` names task, settings and base.
        inputs: what the task's prompt is made from.
        predictor: who computes, ``hf`` or ``tunix``; it need not be the backend that trained.
        temperature: of sampling; 0 for the likeliest token each time.
        seed: of sampling.
        max_new_tokens: limit, the end token included.

    Returns:
        The completion, its parts, and what was found of them; see ``docs/inference.md``.

    Raises:
        UserError: if stage, base or inputs are not what they should be.
    """
    if predictor not in get_args(PredictorName):
        raise UserError(f"Unknown predictor '{predictor}'.", f"Use {' or '.join(get_args(PredictorName))}.")
    if temperature < 0 or max_new_tokens < 1 or seed < 0:
        raise UserError(
            f"Temperature {temperature:g}, seed {seed} and {max_new_tokens} new tokens cannot be.",
            "Give a temperature and a seed from 0, and at least one token.",
        )
    if not (stage / CHECKPOINT).is_file():
        raise UserError(f"{stage} has no {CHECKPOINT}: it holds no finished stage.", "Give --stage its folder.")
    record = read_json(stage / CHECKPOINT)
    config = record["config"]
    task = load_task(config["task"], config["task_settings"])
    example = Example("question", dict(inputs), {})
    messages = ask(task, example)
    host = Host(config["threads"], record["bf16_used"], Mesh(), batch_size=1)
    loaded = load_predictor(predictor, root, base_of(root, record), stage, host)
    prompt = encode(loaded.tokenizer, render_prompt(loaded.tokenizer, messages, config["thinking"]))
    if temperature:
        [made] = loaded.sample([prompt], max_new_tokens, temperature, seed)
    else:
        [made] = loaded.generate([prompt], {}, max_new_tokens)
    told = {key: record[key] for key in ("study", "stage", "seed", "backend")} | {"base": record["base"]["id"]}
    sampling = {"temperature": temperature, "seed": seed} if temperature else None
    return told | {"predictor": predictor, "sampling": sampling, "task": task.name} | findings(task, example, made)


def base_of(root: Path, record: Mapping[str, Any]) -> dict[str, Any]:
    """``base.json`` of a stage's base, found by id; loading checks that it is the very one."""
    path = Path(INPUTS) / "bases" / record["base"]["id"] / "base.json"
    if not (root / path).is_file():
        raise UserError(
            f"Base '{record['base']['id']}' of the stage is not prepared: {path} does not exist.",
            f"Call this in the project's folder, after: .venv/bin/snakemake --profile local {path}",
        )
    return read_json(root / path)


def ask(task: Task, example: Example) -> list[Message]:
    """The task's prompt.

    Raises:
        UserError: if an input is empty, missing, or nothing that the task asks for.
    """
    for key, value in example.inputs.items():
        if not all(part.strip() for part in (value if isinstance(value, list) else [value])):
            raise UserError(f"The {key} is empty.", f"Give a {key} that says something.")
    messages = _messages(task, example.inputs)
    for key in example.inputs:
        try:
            _messages(task, {k: v for k, v in example.inputs.items() if k != key})
        except UserError:
            continue
        raise UserError(f"Task '{task.name}' asks for no '{key}'.", "Leave it out, or mend its name.")
    return messages


def _messages(task: Task, inputs: Mapping[str, Any]) -> list[Message]:
    try:
        return task.messages(Example("question", inputs, {}))
    except KeyError as error:
        raise UserError(
            f"Task '{task.name}' asks for '{error.args[0]}', which was not given.",
            f"Give --{error.args[0]}, or --input {error.args[0]}=...; a list by giving it several times.",
        ) from None
    except (TypeError, ValueError) as error:
        raise UserError(
            f"The inputs do not fit task '{task.name}': {error}.", "Give a list by repeating --input key=..."
        ) from None


def findings(task: Task, example: Example, made: Generated) -> dict[str, Any]:
    """What the task's own parser and judge find in a completion, as far as no gold answer is needed."""
    found: dict[str, Any] = {"completion": made.completion, "tokens": made.tokens, "finished": made.finished}
    verdict = task.judge(example, made.completion)
    if task.name != GROUNDED:
        outcomes = {name: verdict.outcomes[name] for name in _WITHOUT_GOLD.get(task.name, ())}
        found |= {"answer": verdict.answer, "confidence": verdict.confidence, "outcomes": outcomes}
        layered = task.layer(made.completion)
        return found if layered is None else found | {"layered": layered.text, "corrections": list(layered.corrections)}
    tags = task.settings["tags"]
    parts = parse(task.settings["prefill"] + made.completion, tags)
    reasoning, proof, said = (parts.texts.get(tag, "") for tag in tags)
    context, shortest = example.inputs["context"], task.settings["min_quote_chars"]
    checked = [{"quote": quote, "why_not": ungrounded(quote, context, shortest)} for quote in quotes(proof)]
    outcomes = {"format_ok": not parts.failure, "quotes_grounded": None}
    if not parts.failure:
        outcomes["quotes_grounded"] = bool(checked) and not any(entry["why_not"] for entry in checked)
    judged = bool(said and outcomes["quotes_grounded"])  # else the judge stops reading: these stay unknown
    for name, of in (
        ("abstained", "abstained"),
        ("figures_known", "no_hallucination"),
        ("carried", "verifiable_trace"),
    ):
        outcomes[name] = verdict.outcomes[of] if judged else None
    return found | {
        "format_failure": parts.failure,
        "reasoning": reasoning,
        "quotes": checked,
        "answer": said or None,
        "outcomes": outcomes,
    }


def render(found: Mapping[str, Any]) -> str:
    """What :func:`answer` found, for a person."""
    drawn = found["sampling"]
    how = f"sampled at temperature {drawn['temperature']:g}, seed {drawn['seed']}" if drawn else "greedy"
    lines = [
        f"{found['study']}: stage {found['stage']}, seed {found['seed']}, trained by {found['backend']} "
        f"on {found['base']}; {how}, by {found['predictor']}, {found['tokens']} tokens"
    ]
    if not found["finished"]:
        lines.append("The completion was cut: it had not ended at the limit of new tokens.")
    body = _grounded(found) if found["task"] == GROUNDED else _plain(found)
    return "\n".join([*lines, *body, "", NOTICE])


def _plain(found: Mapping[str, Any]) -> list[str]:
    lines = ["", "Completion", *_indented(found["completion"]), "", f"Answer: {found['answer'] or 'none was read'}"]
    if found["confidence"] is not None:
        lines.append(f"Confidence, as stated: {found['confidence']:g}")
    lines += [f"{name}: {'yes' if holds else 'no'}" for name, holds in found["outcomes"].items()]
    if "corrections" not in found:
        return lines
    lines += ["", "Safety layer"]
    for made in found["corrections"]:
        lines.append(f"  {made['rule']}: {made['field']} from {made['before'] or 'none'} to {made['after']}")
    return lines if found["corrections"] else [*lines, "  nothing to correct"]


def _grounded(found: Mapping[str, Any]) -> list[str]:
    if found["format_failure"]:
        return ["", "Completion", *_indented(found["completion"]), "", f"Format: failed ({found['format_failure']})"]
    lines = ["", "Reasoning", *_indented(found["reasoning"] or "(none)"), "", "Quotes"]
    for entry in found["quotes"]:
        place = f"NOT in the context: {entry['why_not']}" if entry["why_not"] else "in the context"
        lines += _indented(f'[{place}] "{entry["quote"]}"')
    lines += [] if found["quotes"] else ["  (none)"]
    lines += ["", "Answer", *_indented(found["answer"] or "(none)"), "", "Format: as asked"]
    grounded = sum(not entry["why_not"] for entry in found["quotes"])
    lines.append(f"Quotes: {grounded} of {len(found['quotes'])} stand in the context")
    outcomes = found["outcomes"]
    if outcomes["abstained"] is None:
        return [*lines, "Answer: not judged, since it does not rest on quotes of the context"]
    told = [
        "it abstains" if outcomes["abstained"] else "it does not abstain",
        "its figures are those of context and question"
        if outcomes["figures_known"]
        else "it has a FIGURE that neither context nor question has",
        "its quotes carry it" if outcomes["carried"] else "its quotes do NOT carry all it says",
    ]
    return [*lines, f"Answer: {'; '.join(told)}"]


def _indented(text: str) -> list[str]:
    return [f"  {line}" for line in text.splitlines()] or ["  (empty)"]

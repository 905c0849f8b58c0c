"""The model card of a stage, in the Hub's format, from our own template."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from primum.files import read_json, write_text
from primum.reports import backends, card_words, fairness, findings, records, subgroups
from primum.reports.document import open_study
from primum.reports.limits import limits
from primum.reports.numbers import Name, Numbers, Rich, capital, paragraph, text_of
from primum.reports.sources import StudyFiles, StudyReport
from primum.reports.tables import Block, Tables
from primum.reports.told import Told, fill, listed, told
from primum.stages import BASE_STAGE

SNIPPET = """\
import json
from pathlib import Path

from primum.tasks import load_task
from primum.tasks.base import Example
from primum.training.loading import load_model, render_prompt

stage = Path("{folder}")
config = json.loads((stage / "checkpoint.json").read_text())["config"]
base = json.loads(Path("{base}").read_text())
model, tokenizer = load_model(".", base, stage)
task = load_task(config["task"], config["task_settings"])

example = Example.from_row(json.loads(Path("{rows}").read_text().splitlines()[0]))
prompt = render_prompt(tokenizer, task.messages(example), thinking=config["thinking"])
inputs = tokenizer(prompt, add_special_tokens=False, return_tensors="pt").to(model.device)
output = model.generate(**inputs, max_new_tokens={length})
completion = tokenizer.decode(output[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
print(completion)
print(task.judge(example, completion).outcomes)"""


def write_card(study: StudyReport, stage: str, numbers: Path, results: Path, output: Path) -> None:
    """Write ``cards/{backend}/{stage}.md`` for the stage's first seed.

    Args:
        study: whose.
        stage: a trained stage.
        numbers: ``numbers.json``.
        results: ``results/{scale}``.
        output: the card.

    Raises:
        UserError: if the card would state a number that no result file holds.
    """
    from huggingface_hub import ModelCard

    files = StudyFiles(results, study)
    tables = open_study(Numbers.load(numbers, files.root), files)
    body = fill("card.md.j2", _fields(tables, files, stage), f"card of '{study.study}' stage '{stage}'")
    # The card's own words stand between lines of three dashes; the Hub reads what is above.
    content = f"---\n{metadata(tables, files, stage).to_yaml()}\n---\n\n{body}"
    ModelCard(content)  # refuses metadata that the Hub could not read
    write_text(output, content)


def metadata(tables: Tables, files: StudyFiles, stage: str) -> Any:
    """The card's YAML block: ``huggingface_hub.ModelCardData``."""
    from huggingface_hub import EvalResult, ModelCardData

    study, base, dataset = files.study, tables.records["base"], tables.records["dataset"]
    seed, split = study.seeds_of(stage)[0], study.splits[0]
    name = f"{study.study}-{stage}"
    results = []
    for metric in tables.metrics_of(split):
        key = tables.key("metric", split, stage, seed, metric, "value")
        if tables.numbers.has(key):
            results.append(
                EvalResult(
                    task_type="text-generation",
                    dataset_type=dataset["source"] if dataset["reader"] == "hub" else dataset["id"],
                    dataset_name=dataset["id"],
                    dataset_split=split,
                    dataset_revision=None if dataset["revision"] == "-" else dataset["revision"],
                    metric_type=metric,
                    metric_name=tables.label(metric),
                    metric_value=tables.numbers.value(key),
                )
            )
    return ModelCardData(
        license=base["licence"].lower(),
        language="en",
        base_model=base["source"] if base["reader"] == "hub" else base["id"],
        datasets=[dataset["source"] if dataset["reader"] == "hub" else dataset["id"]],
        library_name="peft",
        pipeline_tag="text-generation",
        tags=["lora", "medical", "research-only", *sorted({study.stage(name).method for name in study.lineage(stage)})],
        metrics=[metric for metric in tables.metrics_of(split)],
        model_name=name,
        eval_results=results,
    )


def _fields(tables: Tables, files: StudyFiles, stage: str) -> dict[str, Any]:
    """What the template is filled with; whatever may hold a digit is a :class:`Told`."""
    numbers, study, records_of = tables.numbers, files.study, tables.records
    seed, split, node = study.seeds_of(stage)[0], study.splits[0], study.stage(stage)
    at, base, dataset = tables.key("train", stage, seed), records_of["base"], records_of["dataset"]
    checkpoint = read_json(files.checkpoint(stage, seed))
    folder = files.stage(stage, seed).relative_to(files.root).as_posix()
    names = {
        **{"study": study.study, "stage": stage, "title": study.title, "split": split, "backend": study.backend},
        **{"parent": tables.shown(node.parent), "lineage": " → ".join([BASE_STAGE, *study.lineage(stage)])},
        **{"base": base["id"], "base_origin": _origin(base), "base_place": base_place(base), "folder": folder},
        **{"dataset": dataset["id"], "source": dataset["source"], "licence": dataset["licence"]},
        "headline": tables.said(tables.headline),
        "card": files.card(stage).relative_to(files.root).as_posix(),
    }
    found = {
        "items": tables.key("items", split, stage, seed),
        **{name: f"{at}/{key}" for name, key in (("threads", "threads"), ("bf16", "bf16_used"))},
        **{"rank": f"{at}/lora/r", "alpha": f"{at}/lora/alpha", "modules": f"{at}/lora/target_modules"},
        "cut": f"{at}/facts/truncated_rows",
        **{name: tables.key("data", name) for name in ("leaks", "dropped")},
    }
    reinforced = {} if node.method == "sft" else _reinforced(tables, checkpoint, at)
    return {
        **{name: Told(text) for name, text in names.items()},
        **{name: told([numbers.span(key)]) for name, key in found.items()},
        **reinforced,
        **_results(tables, stage),
        "method": node.method,
        "words": tables.words,
        "levels": told(findings.levels(tables, stage)),
        "beside": told(paragraph(findings.beside(tables, stage))),
        "snippet": snippet(files, stage),
        "learned": told(card_words.learned(tables, stage)),
        "software": listed([told(pin) for pin in backends.pins(numbers, study.backend)], ", "),
        "compute": told(card_words.effort(tables, stage)),
        "size": told(card_words.size(tables, stage)),
        "fields": listed([Told(f"`{name}`") for name in card_words.asked(tables)], ", "),
        "truncated": told(card_words.room(tables, stage)),
        "evaluated": told(card_words.evaluated(tables)),
        "audited": [told(sentence) for sentence in fairness.fairness(tables, stage)],
        "made_of": told(card_words.origin(tables)),
        "limits": [told(sentence) for sentence in limits(tables, stage)],
        "gated": told(card_words.gated(tables, stage)),
        "arms": bool(study.tree().arms()),
        "hyperparameters": markdown(records.hyperparameters(tables, [stage])),
        "hashes": [(Told(name), Told(digest)) for name, digest in _hashes(numbers, at, checkpoint)],
    }


def _results(tables: Tables, stage: str) -> dict[str, Any]:
    """What evaluation found."""
    study, tree = tables.study, tables.study.tree()
    shown = [BASE_STAGE, *study.lineage(stage)]
    against = dict.fromkeys([study.stage(stage).parent, *tree.against(stage), *tables.references])
    compared = tables.key_metrics if tree.arms() else list(tables.labels)
    sentences = [findings.comparison(tables, stage, other, metric) for other in against for metric in compared]
    calibrated = findings.calibration(tables)[study.names().index(stage)] if study.confidence else []
    return {
        "baselines": told(capital(found)) if (found := findings.baselines(tables)) else "",
        "exploit": next((told(sentence) for sentence in findings.exploit(tables, [stage])), ""),
        "failures": [told(sentence) for sentence in findings.failures(tables, stage)],
        "comparisons": [told(capital(sentence)) for sentence in sentences if sentence],
        "calibration": told(calibrated),
        "selected": told(findings.selected(tables) or []),
        "kinds": markdown(subgroups.kinds_of(tables, stage)),
        "rewards": [markdown(block) for block in [subgroups.rewards(tables, shown)] if block],
        "metrics": [markdown(block) for name in study.splits for block in tables.metrics(name, shown)],
    }


def _reinforced(tables: Tables, checkpoint: Mapping[str, Any], at: str) -> dict[str, Any]:
    """How a stage was rewarded."""
    numbers, table, rolled = tables.numbers, checkpoint["config"]["stage"]["rewards"], checkpoint.get("rollback")
    weights = [
        told(
            numbers.say("`{name}` (weight {weight})", name=Name(name), weight=tables.key("gate", table, "weight", name))
        )
        for name in checkpoint["config"]["rewards"]
    ]
    said = (
        numbers.say(
            "**Rolled back.** On the dev split `{origin}` fell below the interval of `{to}` (by `{metric}`; the figures"
            " are in `checkpoint.json`), so this stage went on from `{to}`.",
            **{field: Name(rolled[key]) for field, key in (("origin", "from"), ("to", "to"), ("metric", "metric"))},
        )
        if rolled
        else []
    )
    found = {
        **{"generations": f"{at}/stage/num_generations", "window": f"{at}/window"},
        **{f"{end}_reward": f"{at}/{end}/reward" for end in ("first", "last")},
    }
    return {
        **{name: told([numbers.span(key)]) for name, key in found.items()},
        "weights": listed(weights, ", "),
        "rollback": told(said),
    }


def base_place(base: Mapping[str, Any]) -> str:
    """What ``from_pretrained`` is given for a base: its hub id, or its folder in the project."""
    return str(base["source"] if base["reader"] == "hub" else base["path"])


def _origin(base: Mapping[str, Any]) -> str:
    revision = "" if base["revision"] == "-" else f", revision {base['revision']}"
    return f"{base['source']}{revision}; licence {base['licence']}"


def snippet(files: StudyFiles, stage: str) -> str:
    """A program that answers the first held-out item with a stage, as its evaluation did."""
    folder = files.stage(stage, files.study.seeds_of(stage)[0]).relative_to(files.root).as_posix()
    rows = files.rows(files.study.splits[0]).relative_to(files.root).as_posix()
    record = files.base().relative_to(files.root).as_posix()
    return SNIPPET.format(folder=folder, rows=rows, base=record, length=files.study.max_new_tokens)


def _hashes(numbers: Numbers, at: str, checkpoint: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Whole hashes, by what they are of."""
    names = {
        "this checkpoint (`checkpoint.json`)": "sha256",
        **{f"`adapter/{file}`": f"adapter/{file}" for file in sorted(checkpoint["adapter"])},
        "base model": "base_sha256",
        "parent checkpoint": "parent_sha256",
        "training data": "data_sha256",
        "configuration": "config_sha256",
        "code": "code_sha256",
        "environment": "environment_sha256",
    }
    return [(name, numbers.value(f"{at}/{key}")) for name, key in names.items() if f"{at}/{key}" in numbers.entries]


def markdown(block: Block) -> Told:
    """A table block as a Markdown table under its caption."""
    rules = {"left": ":--", "center": ":-:", "right": "--:"}
    lines = [
        _line([column["head"] for column in block["columns"]]),
        _line([rules[column["align"]] for column in block["columns"]]),
    ]
    for row in block["rows"]:
        cells: list[Rich] = row if isinstance(row, list) else [[{"text": f"*{text_of(row['group'])}*"}]]
        lines.append(_line([text_of(cell) for cell in cells] + [""] * (len(block["columns"]) - len(cells))))
    return Told(f"{text_of(block['caption'])}\n\n" + "\n".join(lines))


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

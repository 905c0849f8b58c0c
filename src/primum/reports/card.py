"""The model card of a stage, in the Hub's format, from our own template."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from primum.files import read_json, write_text
from primum.reports import findings, records, subgroups
from primum.reports.document import open_study
from primum.reports.limits import limits
from primum.reports.numbers import Numbers, Rich, capital, text_of
from primum.reports.paper import TEMPLATES
from primum.reports.sources import StudyFiles, StudyReport
from primum.reports.tables import Block, Tables
from primum.stages import BASE_STAGE


def write_card(study: StudyReport, stage: str, numbers: Path, results: Path, output: Path) -> None:
    """Write ``cards/{backend}/{stage}.md`` for the stage's first seed.

    Args:
        study: whose.
        stage: a trained stage.
        numbers: ``numbers.json``.
        results: ``results/{scale}``.
        output: the card.
    """
    import jinja2
    from huggingface_hub import ModelCard

    files = StudyFiles(results, study)
    tables = open_study(Numbers.load(numbers, files.root), files)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    body = environment.get_template("card.md.j2").render(_fields(tables, files, stage))
    # The card's own words stand between lines of three dashes; the Hub reads what is above.
    content = f"---\n{metadata(tables, files, stage).to_yaml()}\n---\n\n{body.strip()}\n"
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
    """What the template is filled with: ready text, all numbers looked up."""
    numbers, study = tables.numbers, files.study
    seed, split, node = study.seeds_of(stage)[0], study.splits[0], study.stage(stage)
    at = tables.key("train", stage, seed)
    checkpoint = read_json(files.checkpoint(stage, seed))
    tree = study.tree()
    against = dict.fromkeys([node.parent, *tree.against(stage), *tables.references])
    compared = tables.key_metrics if tree.arms() else list(tables.labels)
    sentences = [findings.comparison(tables, stage, other, metric) for other in against for metric in compared]
    return {
        "study": study,
        "stage": stage,
        "seed": seed,
        "shown": tables.shown(stage),
        "parent": tables.shown(node.parent),
        "split": split,
        "lineage": [BASE_STAGE, *study.lineage(stage)],
        "base": tables.records["base"],
        "dataset": tables.records["dataset"],
        "checkpoint": checkpoint,
        "folder": files.stage(stage, seed).relative_to(files.root).as_posix(),
        "settings": tables.records["config"]["task_settings"],
        "quote": lambda text: json.dumps(text, ensure_ascii=False),
        "value": numbers.value,
        "length": "max_length" if node.method == "sft" else "max_completion_length",
        "number": lambda key: text_of([numbers.span(key)]),
        "at": at,
        "prefix": tables.key(""),
        "levels": text_of(findings.levels(tables)),
        "headline": tables.said(tables.headline),
        "comparisons": [text_of(capital(sentence)) for sentence in sentences if sentence],
        "baselines": text_of(capital(found)) if (found := findings.baselines(tables)) else "",
        "calibration": text_of(findings.calibration(tables)[study.names().index(stage)]) if study.confidence else "",
        "words": tables.words,
        "corpus": files.from_corpus,
        "exploit": next((text_of(s) for s in findings.exploit(tables, [stage])), ""),
        "selected": text_of(findings.selected(tables) or []),
        "kinds": markdown(subgroups.kinds_of(tables, stage)),
        "rewards": [markdown(block) for block in [subgroups.rewards(tables)] if block],
        "failures": [text_of(sentence) for sentence in findings.failures(tables, stage)],
        "limits": [text_of(sentence) for sentence in limits(tables)],
        "hyperparameters": markdown(records.hyperparameters(tables, [stage])),
        "metrics": {name: [markdown(block) for block in tables.metrics(name)] for name in study.splits},
        "hashes": _hashes(numbers, at, checkpoint),
    }


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


def markdown(block: Block) -> str:
    """A table block as a Markdown table under its caption."""
    rules = {"left": ":--", "center": ":-:", "right": "--:"}
    lines = [
        _line([column["head"] for column in block["columns"]]),
        _line([rules[column["align"]] for column in block["columns"]]),
    ]
    for row in block["rows"]:
        cells: list[Rich] = row if isinstance(row, list) else [[{"text": f"*{text_of(row['group'])}*"}]]
        lines.append(_line([text_of(cell) for cell in cells] + [""] * (len(block["columns"]) - len(cells))))
    return f"{text_of(block['caption'])}\n\n" + "\n".join(lines)


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

"""The card beside an adapter's weights: ``README.md`` as the Hub and PEFT know it, from ``provenance.json`` alone.

It is short: what the adapter does well and badly is told, with intervals, by the model card that it points to.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from primum.provenance.governance import OVERSIGHT

METHODS = {"sft": "supervised fine-tuning", "grpo": "reinforcement learning (GRPO)"}
# What the Hub calls licences that are no SPDX names; any other that it does not know is 'other' with its name.
HUB_LICENCES = {"apache-2.0": "apache-2.0", "mit": "mit", "gemma": "gemma", "unknown": "unknown"}


def adapter_card(provenance: Mapping[str, Any]) -> str:
    """The card as Markdown, with a YAML block that the Hub reads."""
    from huggingface_hub import ModelCard

    content = f"---\n{metadata(provenance).to_yaml()}\n---\n\n{body(provenance)}"
    ModelCard(content)  # refuses metadata that the Hub could not read
    return content


def metadata(provenance: Mapping[str, Any]) -> Any:
    """The YAML block: ``huggingface_hub.ModelCardData``."""
    from huggingface_hub import ModelCardData

    adapter, base, licence = provenance["adapter"], provenance["base"], provenance["licence"]
    known = HUB_LICENCES.get(licence.lower())
    methods = {adapter["method"], *(parent["method"] for parent in provenance["parents"])}
    return ModelCardData(
        base_model=_address(base),
        library_name="peft",
        pipeline_tag="text-generation",
        language="en",
        license=known or "other",
        license_name=None if known else licence,
        datasets=[_address(provenance["dataset"])],
        tags=["lora", "medical", "research-only", *sorted(methods)],
    )


def body(provenance: Mapping[str, Any]) -> str:
    """What a person reads."""
    adapter, base, dataset = provenance["adapter"], provenance["base"], provenance["dataset"]
    governed, data = provenance["governance"], provenance["data"]
    stages = " → ".join([base["id"], *(p["stage"] for p in reversed(provenance["parents"])), adapter["stage"]])
    teacher = f", written by teacher `{dataset['teacher']['name']}`" if "teacher" in dataset else ""
    lines = [
        f"# {adapter['study']} · {adapter['stage']} · seed {adapter['seed']}",
        f"> **{OVERSIGHT}**",
        f"A LoRA adapter on `{_address(base)}`, trained by {METHODS[adapter['method']]} ({adapter['steps']} steps, "
        f"backend `{adapter['backend']}`). Lineage: {stages}. "
        f"How well it answers is told by its model card, `{provenance['card']}`.",
        "## What it was trained on",
        f"{data['rows']} rows of split `{data['split']}` of dataset `{dataset['id']}`{teacher}.",
        _table(
            ("", "dataset", "base", "this adapter"),
            [
                ("id", f"`{dataset['id']}`", f"`{base['id']}`", f"`{adapter['checkpoint_sha256'][:12]}`"),
                ("licence", dataset["licence"], base["licence"], provenance["licence"]),
                *(
                    (key, dataset[key], base[key], governed[key])
                    for key in ("purpose", "sensitivity", "consent", "lineage")
                ),
            ],
        ),
        "## Before it is passed on",
        "\n".join(f"- {told['of']} ({told['licence']}): {told['asks']}" for told in provenance["obligations"]),
        *_warnings(provenance),
        "## How to load it",
        f"From the project's folder:\n\n```python\n{_snippet(provenance)}\n```",
        "`primum.training.loading.load_model` does the same and checks every hash first. `../provenance.json` holds "
        "the hashes of these files, of every parent, of the base and of the rows.",
    ]
    return "\n\n".join(lines) + "\n"


def _snippet(provenance: Mapping[str, Any]) -> str:
    adapter, base = provenance["adapter"], provenance["base"]
    name = base["source"] if base["reader"] == "hub" else base["path"]
    pinned = f', revision="{base["revision"]}"' if base["reader"] == "hub" and base["revision"] != "-" else ""
    return "\n".join(
        [
            "from peft import PeftModel",
            "from transformers import AutoModelForCausalLM, AutoTokenizer",
            "",
            f'base = "{name}"',
            f"tokenizer = AutoTokenizer.from_pretrained(base{pinned})",
            f"model = AutoModelForCausalLM.from_pretrained(base{pinned})",
            f'model = PeftModel.from_pretrained(model, "{adapter["folder"]}/adapter")',
        ]
    )


def _warnings(provenance: Mapping[str, Any]) -> list[str]:
    told = [f"- {w['kind']} {w['id']}: {w['key']} is {w['says']} ({w['then']})" for w in provenance["warnings"]]
    return ["Not settled:", "\n".join(told)] if told else []


def _address(entry: Mapping[str, Any]) -> str:
    """The Hub's name of what lies there, the registry's of anything else."""
    return str(entry["source"] if entry["reader"] == "hub" else entry["id"])


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, tuple(":--" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)

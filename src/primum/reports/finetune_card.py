"""The card of an adapter that ``scripts/finetune.py`` made: everything in it is read from ``provenance.json``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from primum.files import write_text
from primum.reports.told import Told, fill

SNIPPET = """\
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

base = "{base}"  # where it lies
tokenizer = AutoTokenizer.from_pretrained(base{file}){template}
model = AutoModelForCausalLM.from_pretrained(base{file}, dtype="float32")
model = PeftModel.from_pretrained(model, "adapter").eval()

turns = [{{"role": "user", "content": "<context>Box K7 of the store holds saline.</context>\\n<question>What does box K7 hold?</question>"}}]
inputs = tokenizer.apply_chat_template(turns, add_generation_prompt=True, enable_thinking=False, return_tensors="pt", return_dict=True)
output = model.generate(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"], max_new_tokens=64, do_sample=False)
print(tokenizer.decode(output[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True))"""  # noqa: E501


def write_finetune_card(record: Mapping[str, Any], gguf: str | None, output: Path) -> None:
    """Write the adapter's ``README.md`` in the Hub's format.

    Args:
        record: content of ``provenance.json``.
        gguf: name of the base's GGUF file, where it is one.
        output: the card.
    """
    from huggingface_hub import ModelCard, ModelCardData

    base, dataset, loss, settings = (record[key] for key in ("base", "dataset", "loss", "hyperparameters"))
    plain = record["chat_template"]  # the base has none of its own
    head = ModelCardData(
        base_model=base["name"],
        datasets=[dataset["id"]],
        library_name="peft",
        license=base["licence"].lower(),
        pipeline_tag="text-generation",
        tags=["lora", "sft", "research-only", "clinician-review-required"],
    )
    told = {
        **{"base": base["name"], "base_sha256": base["sha256"], "base_licence": base["licence"]},
        **{"dataset": dataset["id"], "licence": dataset["licence"], "rows_sha256": dataset["sha256"]},
        **{key: f"{dataset[key]:,}" for key in ("rows", "truncated_rows")},
        **{"before": f"{loss['before']:.4f}", "after": f"{loss['after']:.4f}", "tokens": f"{loss['tokens']:,}"},
        **{key: f"{settings[key]:g}" for key in ("steps", "rank", "alpha", "dropout", "learning_rate", "batch")},
        **{"seed": str(record["seed"]), "code_sha256": record["code_sha256"]},
        "software": ", ".join(f"{name} {number}" for name, number in sorted(record["versions"].items())),
        "snippet": SNIPPET.format(
            base="the folder of the GGUF file" if gguf else base["name"],
            file=f', gguf_file="{gguf}"' if gguf else "",
            template=f"\ntokenizer.chat_template = {plain!r}" if plain else "",
        ),
    }
    fields = {name: Told(text) for name, text in told.items()}
    flags = {
        "fell": loss["after"] < loss["before"],
        "on_record": dataset["on_record"],
        "cut": dataset["truncated_rows"],
    }
    hashes = [(Told(name), Told(digest)) for name, digest in sorted(record["adapter"].items())]
    body = fill("finetuned.md.j2", fields | flags | {"hashes": hashes}, f"card of an adapter on '{base['name']}'")
    content = f"---\n{head.to_yaml()}\n---\n\n{body}"
    ModelCard(content)  # refuses metadata that the Hub could not read
    write_text(output, content)

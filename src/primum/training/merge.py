"""Merges a stage's adapter into its base: a plain Hugging Face folder for release. Training never starts from one."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from primum.files import read_json, sha256_file, sha256_json, sha256_tree, write_json
from primum.training.loading import CHECKPOINT, load_model


def merge_adapter(
    root: Path, base_file: Path, checkpoint: Path, output: Path, card: Path | None = None
) -> dict[str, Any]:
    """Write ``output/model`` and, last, ``output/merged.json`` with every file's sha256 and where it comes from.

    Weights are float32 as trained, or bfloat16 where training used it.

    Args:
        root: the project's folder.
        base_file: ``base.json``.
        checkpoint: folder of the stage; verified on loading.
        output: folder to write.
        card: the stage's model card, which goes with the model as ``README.md``, where the Hub looks for it.
    """
    base, record = read_json(base_file), read_json(checkpoint / CHECKPOINT)
    model, tokenizer = load_model(root, base, checkpoint, bf16=record["bf16_used"])
    merged = model.merge_and_unload().cpu()
    folder, fresh = output / "model", output / ".model.new"
    for stale in (folder, fresh):
        shutil.rmtree(stale, ignore_errors=True)
    merged.save_pretrained(fresh)
    tokenizer.save_pretrained(fresh)
    if card:
        shutil.copyfile(card, fresh / "README.md")
    fresh.rename(folder)
    files = sha256_tree(folder)
    result = {
        "base": {"id": base["id"], "sha256": base["sha256"]},
        "checkpoint": {"stage": record["stage"], "sha256": sha256_file(checkpoint / CHECKPOINT)},
        "dtype": str(merged.dtype).removeprefix("torch."),
        "files": files,
        "sha256": sha256_json(files),
    }
    write_json(output / "merged.json", result)
    return result

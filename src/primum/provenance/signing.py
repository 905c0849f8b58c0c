"""Signatures of trained stages, by the OpenSSF's ``model-signing`` and an elliptic-curve key: no network, no account.

Signed is what a stage is: ``checkpoint.json``, which names base, parent, data, configuration, code and pins by their
hashes, and the adapter. Its training log and the state that a later block continues from are not: many will lack them.
"""

from __future__ import annotations

from pathlib import Path

from primum.errors import UserError
from primum.provenance.names import SIGNATURE

UNSIGNED = ("train_log.jsonl", "training_state.safetensors", SIGNATURE)


def sign_stage(folder: Path, key: Path, signature: Path) -> None:
    """Sign a stage's folder.

    Args:
        folder: holds ``checkpoint.json`` and ``adapter/``.
        key: an elliptic-curve private key as PEM, without a password.
        signature: to write; a Sigstore bundle.

    Raises:
        UserError: if the key cannot be used.
    """
    from model_signing import hashing, signing

    if not key.is_file():
        raise UserError(f"signing_key: {key} does not exist.", "Mend the path, or make a key: see docs/provenance.md.")
    signer = signing.Config().set_hashing_config(hashing.Config().set_ignored_paths(paths=UNSIGNED))
    try:
        signer.use_elliptic_key_signer(private_key=key)
    except (ValueError, TypeError, AttributeError) as error:  # no PEM, one with a password, or of another kind
        raise UserError(
            f"signing_key: {key} cannot be used ({str(error).splitlines()[0]}).",
            "Use an elliptic-curve key (P-256) as PEM, without a password: see docs/provenance.md.",
        ) from None
    signature.parent.mkdir(parents=True, exist_ok=True)
    signer.sign(folder, signature)

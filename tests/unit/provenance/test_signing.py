"""A signed stage is verified by the library's own command, and one changed byte is refused; real keys, no network."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from model_signing import verifying

from primum.errors import UserError
from primum.files import write_text
from primum.plan import Plan
from primum.provenance.names import SIGNATURE
from primum.provenance.signing import sign_stage
from primum.provenance.wiring import signature_files
from primum.settings import read_yaml
from tests.workflow_tools import ROOT


def private(path: Path, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, password: bytes | None = None) -> Path:
    how = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how))
    return path


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    folder = tmp_path / "sft" / "seed0"
    for name in ("checkpoint.json", "adapter/adapter_config.json", "adapter/adapter_model.safetensors"):
        write_text(folder / name, f"{name}\n")
    write_text(folder / "train_log.jsonl", "{}\n")
    return folder


def verified(folder: Path, public: Path) -> str:
    command = [sys.executable, "-m", "model_signing", "verify", "key", str(folder)]
    command += ["--signature", str(folder / SIGNATURE), "--public_key", str(public)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).strip() if done.returncode == 0 else f"refused: {done.stdout}{done.stderr}"


def test_what_was_signed_is_verified_and_one_byte_is_refused(stage: Path, tmp_path: Path) -> None:
    key, other = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    sign_stage(stage, private(tmp_path / "key.pem", key), stage / SIGNATURE)
    for name, owner in (("public.pem", key), ("other.pem", other)):
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        (tmp_path / name).write_bytes(owner.public_key().public_bytes(serialization.Encoding.PEM, form))
    copy = tmp_path / "downloaded"  # without what is not signed
    shutil.copytree(stage, copy, ignore=shutil.ignore_patterns("train_log.jsonl"))
    assert verified(copy, tmp_path / "public.pem") == "Verification succeeded"
    with pytest.raises(ValueError, match="signature"):
        verifying.Config().use_elliptic_key_verifier(public_key=tmp_path / "other.pem").verify(copy, copy / SIGNATURE)
    weights = copy / "adapter" / "adapter_model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(bytes(data))
    said = verified(copy, tmp_path / "public.pem")
    assert said.startswith("refused: ") and "Hash mismatch" in said and "adapter_model.safetensors" in said


def test_keys_that_cannot_sign_are_refused_in_one_line(stage: Path, tmp_path: Path) -> None:
    write_text(tmp_path / "junk.pem", "no key\n")
    keys = {
        "cannot be used": [
            tmp_path / "junk.pem",
            private(tmp_path / "rsa.pem", rsa.generate_private_key(public_exponent=65537, key_size=2048)),
            private(tmp_path / "locked.pem", ec.generate_private_key(ec.SECP256R1()), b"secret"),
        ],
        "does not exist": [tmp_path / "nowhere.pem"],
    }
    for said, paths in keys.items():
        for path in paths:
            with pytest.raises(UserError, match=f"{path.name} {said}"):
                sign_stage(stage, path, stage / SIGNATURE)
    assert not (stage / SIGNATURE).exists()


def test_the_workflow_asks_for_a_key_before_anything_is_built(tmp_path: Path) -> None:
    values = read_yaml(ROOT / "config" / "config.yaml") | {"seeds": [0, 1]}
    for key, said in ((None, "signing_key is not set"), (str(tmp_path / "key.pem"), "does not exist")):
        with pytest.raises(UserError, match=said):
            signature_files(Plan(ROOT, values | {"signing_key": key}))
    write_text(tmp_path / "key.pem", "a key\n")
    found = signature_files(Plan(ROOT, values | {"studies": ["medmcqa"], "signing_key": str(tmp_path / "key.pem")}))
    stages = ("sft/seed0", "sft/seed1", "grpo/seed0", "grpo/seed1")
    assert found == [f"results/tiny/medmcqa/models/trl/{stage}/{SIGNATURE}" for stage in stages]

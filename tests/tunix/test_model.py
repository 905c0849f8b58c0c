"""Bases and adapters: the same logits as PyTorch and PEFT, in both directions, on any mesh."""

from __future__ import annotations

import numpy as np
import pytest

from primum.errors import UserError
from primum.stages import Lora
from tests.tunix import hf

jax = pytest.importorskip("jax")

from primum.training import tunix_lora as tl  # noqa: E402
from primum.training import tunix_model as tm  # noqa: E402

RNG = np.random.default_rng(0)
IDS = RNG.integers(3, 96, (8, 24))
MASK = np.ones_like(IDS)
for row, pad in enumerate(range(8)):
    IDS[row, :pad], MASK[row, :pad] = 0, 0
KINDS = ("gemma3", "qwen3")
MESHES = ({"fsdp": 1, "tp": 1}, {"fsdp": 8, "tp": 1}, {"fsdp": 2, "tp": 4})


def tunix_logits(model, mesh):
    from flax import nnx
    from tunix.sft.utils import build_positions_from_mask, make_causal_attn_mask

    with mesh:
        mask = jax.numpy.asarray(MASK, bool)
        forward = nnx.jit(lambda model, ids, positions, mask: model(ids, positions, None, mask)[0])
        logits = forward(model, jax.numpy.asarray(IDS), build_positions_from_mask(mask), make_causal_attn_mask(mask))
    return np.asarray(logits)


def assert_same(ours, theirs):
    real = MASK.astype(bool)
    np.testing.assert_allclose(ours[real], theirs[real], atol=1e-5, rtol=0)


@pytest.fixture(scope="module", params=KINDS)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def base(kind, tmp_path_factory):
    model = hf.torch_model(kind)
    folder = hf.save(model, tmp_path_factory.mktemp(kind) / "base")
    return folder, hf.torch_logits(model, IDS, MASK)


@pytest.mark.parametrize("shape", MESHES, ids=str)
def test_logits_of_the_base_are_those_of_pytorch(base, shape):
    mesh = tm.make_mesh(shape)
    assert_same(tunix_logits(tm.load_base(base[0], mesh), mesh), base[1])


def test_a_base_in_several_files_is_the_same(kind, base, tmp_path):
    folder = hf.save(hf.torch_model(kind), tmp_path / "sharded", shard="60KB")
    assert len(list(folder.glob("*.safetensors"))) > 3
    mesh = tm.make_mesh(MESHES[0])
    assert_same(tunix_logits(tm.load_base(folder, mesh), mesh), base[1])


@pytest.mark.parametrize("shape", MESHES, ids=str)
def test_adapters_of_peft_are_read_and_written(kind, base, shape, tmp_path):
    tuned = hf.with_adapter(hf.torch_model(kind))
    tuned.save_pretrained(tmp_path / "theirs")
    stored = tl.read_adapter(tmp_path / "theirs")
    mesh = tm.make_mesh(shape)
    with mesh:
        model = tl.add_lora(tm.load_base(base[0], mesh), hf.LORA, seed=0)
        assert_same(tunix_logits(model, mesh), base[1])  # B is zero at first
        tl.set_adapter(model, stored)
    assert_same(tunix_logits(model, mesh), hf.torch_logits(tuned, IDS, MASK))
    back = tl.adapter_tensors(tl.lora_state(model), model)
    assert sorted(back) == sorted(stored)
    assert all(np.array_equal(back[name], stored[name]) for name in stored)


def test_peft_loads_what_we_write(kind, base, tmp_path):
    from peft import PeftModel
    from safetensors.numpy import save_file

    from primum.files import write_json

    mesh = tm.make_mesh(MESHES[0])
    with mesh:
        model = tl.add_lora(tm.load_base(base[0], mesh), hf.LORA, seed=3)
        drawn = tl.adapter_tensors(tl.lora_state(model), model)
        changed = {name: value + (0.1 if "lora_B" in name else 0.0) for name, value in drawn.items()}
        changed = {name: value.astype(np.float32) for name, value in changed.items()}
        tl.set_adapter(model, changed)
    prefixed = {f"base_model.model.{name}": value for name, value in changed.items()}
    save_file(prefixed, tmp_path / "adapter_model.safetensors")
    config = tl.adapter_config(hf.LORA)
    write_json(tmp_path / "adapter_config.json", config | {"target_modules": sorted(config["target_modules"])})
    tuned = PeftModel.from_pretrained(hf.torch_model(kind), tmp_path).eval()
    assert_same(tunix_logits(model, mesh), hf.torch_logits(tuned, IDS, MASK))


def test_fresh_adapters_do_not_depend_on_the_mesh(kind, base):
    found = []
    for shape in MESHES:
        mesh = tm.make_mesh(shape)
        with mesh:
            model = tl.add_lora(tm.load_base(base[0], mesh), hf.LORA, seed=5)
            found.append(tl.adapter_tensors(tl.lora_state(model), model))
    for other in found[1:]:
        assert all(np.array_equal(found[0][name], other[name]) for name in found[0])


def test_adapter_weights_stay_float32_on_a_bfloat16_base(kind, base):
    mesh = tm.make_mesh(MESHES[0])
    with mesh:
        model = tl.add_lora(tm.load_base(base[0], mesh, bf16=True), hf.LORA, seed=0)
    assert {str(v.get_value().dtype) for v in jax.tree.leaves(tl.lora_state(model), is_leaf=tl.is_variable)} == {
        "float32"
    }
    logits = tunix_logits(model, mesh)
    if kind == "gemma3":  # Qwen's are cast to float32 at the end
        assert logits.dtype == jax.numpy.bfloat16
    real = MASK.astype(bool)
    assert np.abs(logits.astype(np.float32)[real] - base[1][real]).mean() < 0.05


def test_what_does_not_fit_is_refused(base, tmp_path):
    mesh = tm.make_mesh(MESHES[0])
    with mesh:
        with pytest.raises(UserError, match="it has no c_attn"):
            tl.add_lora(tm.load_base(base[0], mesh), Lora(r=2, alpha=2, dropout=0.0, target_modules=["c_attn"]), 0)
        model = tl.add_lora(tm.load_base(base[0], mesh), hf.LORA, 0)
        tensors = tl.adapter_tensors(tl.lora_state(model), model)
        with pytest.raises(UserError, match="does not fit"):
            tl.set_adapter(model, dict(list(tensors.items())[1:]))
        with pytest.raises(UserError, match="has no place"):
            tl.set_adapter(model, tensors | {"model.layers.99.self_attn.q_proj.lora_A.weight": np.zeros((4, 64))})
    with pytest.raises(UserError, match="needs 16 devices"):
        tm.make_mesh({"fsdp": 16, "tp": 1})
    with pytest.raises(UserError, match="does not divide"):
        tm.load_base(base[0], tm.make_mesh({"fsdp": 1, "tp": 8}))


def test_architectures_that_tunix_computes_otherwise_are_refused(tmp_path):
    model = hf.torch_model("gemma3")
    model.config.query_pre_attn_scalar = 64
    with pytest.raises(UserError, match="query_pre_attn_scalar"):
        tm.architecture(hf.save(model, tmp_path / "scaled"))

"""Models for Tunix: a Hugging Face base on a mesh, with LoRA that is PEFT's, tensor by tensor.

Tunix keeps Gemma's keys and values in one fused product, on which qwix would put one shared ``A``; an adapter of PEFT,
which has one for each, could then be neither read nor trained alike. So the fused product is taken apart first.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax.sharding import NamedSharding, PartitionSpec

from primum.errors import UserError
from primum.files import read_json

_ARCHITECTURES = ("gemma3_text", "qwen3")


class SplitProducts(nnx.Module):
    """A fused einsum as one product a part, stacked again: same result, but each part can have its own adapter."""

    def __init__(self, equation: str, names: tuple[str, ...], fused: nnx.Param) -> None:
        self.names = names
        self.shape = fused.get_value().shape  # where Tunix looks for the number of heads
        for number, name in enumerate(names):
            setattr(self, name, Product(equation, fused, number))

    def __call__(self, x: jax.Array) -> jax.Array:
        return jnp.stack([getattr(self, name)(x) for name in self.names])


class Product(nnx.Module):
    """One part of a fused einsum."""

    def __init__(self, equation: str, fused: nnx.Param, number: int) -> None:
        self.equation = equation
        weight = fused.get_value()
        spec = (fused.get_metadata().get("out_sharding") or (None,) * weight.ndim)[1:]
        part = weight[number]
        if isinstance(getattr(weight, "sharding", None), NamedSharding):
            part = jax.device_put(part, NamedSharding(weight.sharding.mesh, PartitionSpec(*spec)))
        self.w = nnx.Param(part, out_sharding=spec)

    def __call__(self, x: jax.Array) -> jax.Array:
        return jnp.einsum(self.equation, x, self.w.get_value())


def make_mesh(shape: Mapping[str, int]) -> jax.sharding.Mesh:
    """The mesh of the configuration over the first devices.

    Raises:
        UserError: if there are fewer devices than it asks for.
    """
    wanted = math.prod(shape.values())
    devices = jax.devices()
    if len(devices) < wanted:
        raise UserError(
            f"The mesh {dict(shape)} needs {wanted} devices, JAX sees {len(devices)} ({devices[0].platform}).",
            "Set the study's 'mesh' to what this host has, or use the profile 'tpu-sim' for virtual devices.",
        )
    kinds = (jax.sharding.AxisType.Auto,) * len(shape)
    return jax.make_mesh(tuple(shape.values()), tuple(shape), devices=devices[:wanted], axis_types=kinds)


def architecture(folder: Path) -> dict[str, Any]:
    """``config.json`` of a base that Tunix can load.

    Raises:
        UserError: if it is of another architecture, or differs from what Tunix has built in.
    """
    config: dict[str, Any] = read_json(folder / "config.json")
    kind = config.get("model_type")
    if kind not in _ARCHITECTURES:
        raise UserError(
            f"The tunix backend has no '{kind}' models.",
            f"Use a base of {', '.join(sorted(_ARCHITECTURES))}, or backend trl.",
        )
    rope = config.get("rope_parameters") or {}
    scaled = [part for part in (rope, *rope.values(), config.get("rope_scaling")) if isinstance(part, dict)]
    fixed = {"attention_bias": False, "tie_word_embeddings": True}
    if kind == "gemma3_text":
        fixed |= {
            "rms_norm_eps": 1e-6,
            "query_pre_attn_scalar": config["head_dim"],
            "hidden_activation": "gelu_pytorch_tanh",
        }
        fixed |= {"final_logit_softcapping": None, "attn_logit_softcapping": None}
        layers = [
            "full_attention" if (n + 1) % 6 == 0 else "sliding_attention" for n in range(config["num_hidden_layers"])
        ]
        fixed |= {"layer_types": layers}
    for key, value in fixed.items():
        if config.get(key, value) != value:
            raise UserError(f"The base has {key} {config[key]!r}, Tunix has {value!r} built in.", "Use backend trl.")
    if any(part.get("rope_type", "default") != "default" for part in scaled):
        raise UserError("The base scales its rotary positions, which is not read here.", "Use backend trl.")
    return config


def model_config(config: Mapping[str, Any], dtype: Any, remat: bool) -> tuple[Any, Any]:
    """Tunix's module for the architecture, and its configuration object."""
    rope = config.get("rope_parameters") or {}
    shape = {
        "num_layers": config["num_hidden_layers"],
        "embed_dim": config["hidden_size"],
        "hidden_dim": config["intermediate_size"],
        "num_heads": config["num_attention_heads"],
        "head_dim": config["head_dim"],
        "num_kv_heads": config["num_key_value_heads"],
        "param_dtype": dtype,
    }
    if config["model_type"] == "gemma3_text":
        from tunix.models.gemma3 import model as gemma3

        def base_of(kind: str, flat: str, default: float) -> int:
            return int(rope.get(kind, {}).get("rope_theta", config.get(flat, default)))

        made = gemma3.ModelConfig(
            **shape,
            num_embed=config["vocab_size"],
            sliding_window_size=config["sliding_window"],
            local_base_frequency=base_of("sliding_attention", "rope_local_base_freq", 10_000),
            global_base_frequency=base_of("full_attention", "rope_theta", 1_000_000),
            remat_config=gemma3.RematConfig.DECODER if remat else gemma3.RematConfig.NONE,
        )
        return gemma3, made
    from tunix.models.qwen3 import model as qwen3

    theta = int(rope.get("rope_theta", config.get("rope_theta", 10_000)))
    # Tunix 0.1.7 never hands a Qwen's rope_theta on to its rotation, which has that of the published Qwen 3 built in.
    rotate = getattr(qwen3.apply_rope, "func", qwen3.apply_rope)
    qwen3.apply_rope = functools.partial(rotate, rope_theta=theta)
    made = qwen3.ModelConfig(
        **shape,
        vocab_size=config["vocab_size"],
        norm_eps=config["rms_norm_eps"],
        rope_theta=theta,
        use_tied_embedding=True,
        dtype=dtype,
        remat_config=qwen3.RematConfig.DECODER if remat else qwen3.RematConfig.NONE,
    )
    return qwen3, made


def load_base(folder: Path, mesh: jax.sharding.Mesh, bf16: bool = False, remat: bool = False) -> nnx.Module:
    """A base in Hugging Face layout (one file or several) as a Tunix model, spread over the mesh.

    Args:
        folder: verified folder with ``config.json`` and ``*.safetensors``.
        mesh: axes 'fsdp' and 'tp'.
        bf16: weights and activations in bfloat16; float32 otherwise.
        remat: recompute each layer's activations in the backward pass.
    """
    config = architecture(folder)
    dtype = jnp.bfloat16 if bf16 else jnp.float32
    tp, heads = mesh.shape["tp"], config["num_key_value_heads"]
    if heads % tp and heads != 1:
        raise UserError(
            f"The mesh has tp {tp}, which does not divide the base's {heads} key-value heads.", "Lower tp in 'mesh'."
        )
    _, made = model_config(config, dtype, remat)
    if config["model_type"] == "gemma3_text":
        from tunix.models.gemma3 import params_safetensors as params
    else:
        from tunix.models.qwen3 import params
    with mesh:
        model = params.create_model_from_safe_tensors(str(folder), made, mesh, dtype=dtype)
        split_products(model)
    return model


def split_products(model: nnx.Module) -> None:
    """Take Gemma's fused keys and values (and queries, where there are as many heads of each) apart, in place."""
    for layer in model.layers:
        attention = layer.attn
        if hasattr(attention, "kv_einsum"):
            attention.kv_einsum = SplitProducts("BSD,KDH->BSKH", ("k_einsum", "v_einsum"), attention.kv_einsum.w)
        elif hasattr(attention, "qkv_einsum"):
            raise UserError(
                "Gemma bases with as many key-value heads as heads are not read by the tunix backend.",
                "Use backend trl.",
            )

"""LoRA under Tunix that is PEFT's tensor by tensor: drawn, read, written; and moments of Adam by the same names."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
import qwix
from flax import nnx
from jax.sharding import NamedSharding, PartitionSpec

from primum.errors import UserError
from primum.stages import Lora
from primum.training.carry import Carried
from primum.training.tunix_model import split_products

# How each architecture's modules are called here and in Hugging Face's layout.
_NAMES = {
    "gemma3_text": {
        "attn.q_einsum": "self_attn.q_proj",
        "attn.kv_einsum.k_einsum": "self_attn.k_proj",
        "attn.kv_einsum.v_einsum": "self_attn.v_proj",
        "attn.attn_vec_einsum": "self_attn.o_proj",
    },
    "qwen3": {f"attn.{name}": f"self_attn.{name}" for name in ("q_proj", "k_proj", "v_proj", "o_proj")},
}
_MLP = {f"mlp.{name}": f"mlp.{name}" for name in ("gate_proj", "up_proj", "down_proj")}


class Float32Lora(qwix.LoraProvider):
    """LoRA whose weights are float32 on a base of any type, as PEFT has it, with activations in the base's type.

    In bfloat16, steps of a learning rate of 3e-6 are rounded away.
    """

    def einsum(self, equation: str, *operands: Any, **options: Any) -> Any:
        return super().einsum(equation, *operands, **options).astype(operands[0].dtype)

    def dot_general(self, lhs: Any, *operands: Any, **options: Any) -> Any:
        return super().dot_general(lhs, *operands, **options).astype(lhs.dtype)


def _with_lora(model: nnx.Module, lora: Lora) -> nnx.Module:
    """The model with LoRA weights of the right shapes, as qwix draws them."""
    names = {
        ours: theirs for ours, theirs in module_names(model).items() if theirs.rsplit(".", 1)[1] in lora.target_modules
    }
    missing = set(lora.target_modules) - {theirs.rsplit(".", 1)[1] for theirs in names.values()}
    if missing:
        raise UserError(
            f"LoRA does not fit the base: it has no {', '.join(sorted(missing))}.", "Mend lora.target_modules."
        )
    paths = "|".join(sorted({re.escape(name.split(".")[-1]) for name in names}))
    provider = Float32Lora(module_path=f".*/({paths})", rank=lora.r, alpha=float(lora.alpha))
    return qwix.apply_lora_to_model(model, provider, rngs=nnx.Rngs(0), **model.get_model_input())


def abstract_model(module: Any, made: Any, lora: Lora) -> nnx.Module:
    """The adapted model as shapes and where they lie, for whoever compiles and never runs."""

    def build() -> nnx.Module:
        model = (module.Gemma3 if hasattr(module, "Gemma3") else module.Qwen3)(made, rngs=nnx.Rngs(0))
        split_products(model)
        return _with_lora(model, lora)

    model = nnx.eval_shape(build)
    for _, variable in nnx.to_flat_state(lora_state(model)):
        shape = variable.get_value()
        variable.set_value(jax.ShapeDtypeStruct(shape.shape, np.float32))
    return model


def add_lora(model: nnx.Module, lora: Lora, seed: int) -> nnx.Module:
    """The model with fresh LoRA weights: ``A`` as PEFT draws it (uniform, Kaiming with a = sqrt 5), ``B`` zero.

    Values come from NumPy by seed and tensor name, so that no mesh and no order changes them.
    """
    model = _with_lora(model, lora)
    fresh = {}
    for name, side, variable in _lora_variables(model):
        shape = _peft_shape(side, variable.get_value().shape, lora.r)
        if side == "B":
            fresh[f"{name}.lora_B.weight"] = np.zeros(shape, np.float32)
        else:
            rng = np.random.default_rng([seed, *name.encode()])
            bound = 1 / math.sqrt(shape[1])
            fresh[f"{name}.lora_A.weight"] = rng.uniform(-bound, bound, shape).astype(np.float32)
    set_adapter(model, fresh)
    return model


def module_names(model: nnx.Module) -> dict[str, str]:
    """``{path here: name in Hugging Face's layout}`` of every linear map that may be adapted."""
    kind = "gemma3_text" if hasattr(model.layers[0].attn, "q_einsum") else "qwen3"
    return {
        f"layers.{number}.{ours}": f"model.layers.{number}.{theirs}"
        for number in range(len(model.layers))
        for ours, theirs in (_NAMES[kind] | _MLP).items()
    }


def is_variable(value: Any) -> bool:
    """For ``is_leaf`` of ``jax.tree`` functions."""
    return isinstance(value, nnx.Variable)


def lora_state(model: nnx.Module) -> nnx.State:
    """The adapter's weights: all that is trained."""
    return nnx.state(model, nnx.LoRAParam)


def _lora_variables(model: nnx.Module) -> Iterator[tuple[str, str, Any]]:
    """PEFT's module name, 'A' or 'B', and the variable, in the order of names."""
    names = module_names(model)
    found = []
    for path, variable in nnx.to_flat_state(lora_state(model)):
        *module, leaf = (str(part) for part in path)
        found.append((names[".".join(module)], leaf[-1].upper(), variable))
    yield from sorted(found, key=lambda entry: entry[:2])


def _peft_shape(side: str, shape: tuple[int, ...], rank: int) -> tuple[int, int]:
    rest = math.prod(shape) // rank
    return (rank, rest) if side == "A" else (rest, rank)


def adapter_tensors(state: nnx.State, model: nnx.Module) -> dict[str, np.ndarray]:
    """LoRA-shaped values by PEFT's tensor names, float32: the weights themselves, or an optimizer's moments of them.

    Args:
        state: a state whose paths are those of ``nnx.state(model, nnx.LoRAParam)``.
        model: tells the names.
    """
    names, tensors = module_names(model), {}
    for path, variable in nnx.to_flat_state(state):
        *module, leaf = (str(part) for part in path)
        value = np.asarray(jax.device_get(variable.get_value()), np.float32)
        side = leaf[-1].upper()
        flat = value.reshape(-1, value.shape[-1]) if side == "A" else value.reshape(value.shape[0], -1)
        tensors[f"{names['.'.join(module)]}.lora_{side}.weight"] = np.ascontiguousarray(flat.T)
    return tensors


def placed(tensors: Mapping[str, np.ndarray], like: nnx.State, model: nnx.Module) -> nnx.State:
    """The inverse of :func:`adapter_tensors`: values of PEFT's layout in the shapes and places of ``like``.

    Raises:
        UserError: if a tensor is missing, is left over, or has another shape.
    """
    names, left = module_names(model), set(tensors)
    flat = []
    for path, variable in nnx.to_flat_state(like):
        *module, leaf = (str(part) for part in path)
        side, old = leaf[-1].upper(), variable.get_value()
        name = f"{names['.'.join(module)]}.lora_{side}.weight"
        rank = old.shape[-1] if side == "A" else old.shape[0]
        if name not in tensors or tensors[name].shape != _peft_shape(side, old.shape, rank):
            raise UserError(f"The adapter does not fit the base: {name}.", "Give an adapter of this base and LoRA.")
        left.remove(name)
        value = np.ascontiguousarray(tensors[name].T).reshape(old.shape).astype(np.float32)
        flat.append((path, variable.replace(jax.device_put(value, old.sharding))))
    if left:
        raise UserError(f"The adapter has {min(left)}, for which the base has no place.", "Mend lora.target_modules.")
    return nnx.from_flat_state(flat)


def adapter_of(model: nnx.Module) -> dict[str, np.ndarray]:
    """The adapter by PEFT's tensor names."""
    return adapter_tensors(lora_state(model), model)


def moments_of(optimizer: nnx.Optimizer, model: nnx.Module) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Adam's first and second moments by PEFT's tensor names."""
    found: dict[str, list[Any]] = {"mu": [], "nu": []}
    for path, variable in nnx.to_flat_state(nnx.state(optimizer, nnx.optimizer.OptState)):
        for moment, entries in found.items():
            if moment in path:
                entries.append((path[path.index(moment) + 1 :], variable))
    first, second = (adapter_tensors(nnx.from_flat_state(entries), model) for entries in found.values())
    return first, second


def set_moments(optimizer: nnx.Optimizer, carried: Carried, model: nnx.Module) -> None:
    """Put a carried state into the optimizer: moments, and the number of steps that Adam's correction counts."""
    values = {"mu": carried.exp_avg, "nu": carried.exp_avg_sq}
    flat = []
    state = nnx.to_flat_state(nnx.state(optimizer, nnx.optimizer.OptState))
    for moment, tensors in values.items():
        mine = [(path, variable) for path, variable in state if moment in path]
        cut = [(path[path.index(moment) + 1 :], variable) for path, variable in mine]
        new = dict(nnx.to_flat_state(placed(tensors, nnx.from_flat_state(cut), model)))
        flat += [(path, new[path[path.index(moment) + 1 :]]) for path, _ in mine]
    for path, variable in state:
        if path[-1] in ("count", "gradient_step"):
            flat.append((path, variable.replace(everywhere(np.int32(carried.step), model))))
    nnx.update(optimizer, nnx.from_flat_state(flat))


def everywhere(value: Any, model: nnx.Module) -> jax.Array:
    """A scalar on every device of the model's mesh."""
    sharding = jax.tree.leaves(lora_state(model))[0].sharding
    whole = NamedSharding(sharding.mesh, PartitionSpec()) if isinstance(sharding, NamedSharding) else sharding
    return jax.device_put(value, whole)


def frozen_arrays(model: nnx.Module) -> dict[Any, jax.Array]:
    """The base's weights by path, for :func:`check_trained`. No copy: JAX's arrays never change."""
    state = nnx.to_flat_state(nnx.state(model, nnx.Not(nnx.LoRAParam)))
    return {path: variable.get_value() for path, variable in state}


def check_trained(
    before: Mapping[str, np.ndarray],
    after: Mapping[str, np.ndarray],
    frozen: Mapping[Any, jax.Array],
    model: nnx.Module,
    base_id: str,
) -> None:
    """Refuse a result in which no adapter weight moved, one is no number, or the base below has changed."""
    for name, value in after.items():
        if not np.isfinite(value).all():
            raise UserError(f"After training, {name} holds values that are no numbers.", "Lower the learning rate.")
    if all(np.array_equal(before[name], value) for name, value in after.items()):
        raise UserError(
            "Training changed no weight.", "Check the learning rate, and that rewards or losses are not all zero."
        )
    for path, value in frozen_arrays(model).items():
        if value is not frozen[path] and not bool((value == frozen[path]).all()):
            raise UserError(
                f"The adapter does not stand on base '{base_id}': weight {path} has changed.", "Train the stage again."
            )


def set_adapter(model: nnx.Module, tensors: Mapping[str, np.ndarray]) -> None:
    """Put an adapter of PEFT's layout into the model."""
    nnx.update(model, placed(tensors, lora_state(model), model))


def read_adapter(folder: Path) -> dict[str, np.ndarray]:
    """Tensors of ``adapter_model.safetensors``, without PEFT's prefix."""
    from safetensors.numpy import load_file

    stored = load_file(folder / "adapter_model.safetensors")
    return {name.removeprefix("base_model.model."): value for name, value in stored.items()}


def adapter_config(lora: Lora) -> dict[str, Any]:
    """What ``peft.LoraConfig`` would write for this adapter, as far as it is not a default of PEFT's."""
    return {
        "alora_invocation_tokens": None,
        "bias": "none",
        "fan_in_fan_out": False,
        "init_lora_weights": True,
        "lora_alpha": lora.alpha,
        "lora_dropout": lora.dropout,
        "peft_type": "LORA",
        "r": lora.r,
        "target_modules": set(lora.target_modules),
        "task_type": "CAUSAL_LM",
        "use_dora": False,
        "use_rslora": False,
    }

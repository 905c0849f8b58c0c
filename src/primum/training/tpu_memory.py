"""What a stage needs of a TPU's memory: its full shapes compiled for the chips, on any host and without running them.

libtpu compiles for a topology that is not there (``jax.experimental.topologies``), and the compiler says what each
program keeps and what it needs while it runs. Weights are never made: everything is a shape.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from primum.errors import UserError
from primum.stages import GrpoStage, Lora, Mesh, SftStage

HBM = {"v5e": 16 * 2**30}  # bytes a chip
_ENVIRONMENT = {"TPU_SKIP_MDS_QUERY": "1", "TPU_ACCELERATOR_TYPE": "v5litepod-8", "TPU_WORKER_HOSTNAMES": "localhost"}


def memory_rows(
    config: Mapping[str, Any], lora: Lora, mesh: Mesh, stages: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """One row a program of each stage, per chip.

    Args:
        config: ``config.json`` of the base.
        lora: the adapter.
        mesh: fsdp and tp; their product is the number of chips (8).
        stages: stages by name; several that compile to the same shapes are the caller's business.

    Yields:
        ``{"stage", "program", "arguments", "temporary", "total", "limit"}`` in bytes.
    """
    chips = _topology(mesh)
    for name, stage in stages.items():
        for program, (function, arguments) in _programs(config, lora, chips, stage).items():
            import jax

            with chips:
                compiled = jax.jit(function).lower(*arguments).compile()
            found = compiled.memory_analysis()
            kept, temporary = found.argument_size_in_bytes, found.temp_size_in_bytes + found.output_size_in_bytes
            yield {
                "stage": name,
                "program": program,
                "arguments": kept,
                "temporary": temporary - found.alias_size_in_bytes,
                "total": kept + temporary - found.alias_size_in_bytes,
                "limit": HBM["v5e"],
            }


def _topology(mesh: Mesh) -> Any:
    for key, value in _ENVIRONMENT.items():
        os.environ.setdefault(key, value)
    os.environ.setdefault("JAX_PLATFORMS", "cpu")  # this host computes nothing but the programs
    import numpy as np
    from jax.experimental import topologies
    from jax.sharding import Mesh as JaxMesh

    if mesh.fsdp * mesh.tp != 8:
        raise UserError(f"A v5e-8 has eight chips, the mesh {mesh.fsdp * mesh.tp}.", "Set fsdp x tp to 8.")
    devices = topologies.get_topology_desc(platform="tpu", topology_name="v5e:2x4").devices
    return JaxMesh(np.array(devices).reshape(mesh.fsdp, mesh.tp), ("fsdp", "tp"))


def _programs(
    config: Mapping[str, Any], lora: Lora, chips: Any, stage: SftStage | GrpoStage
) -> dict[str, tuple[Callable[..., Any], tuple[Any, ...]]]:
    """Functions of a step and the shapes that they take."""
    import jax
    import jax.numpy as jnp
    from flax import nnx
    from jax.sharding import NamedSharding, PartitionSpec

    from primum.training.tunix_lora import abstract_model
    from primum.training.tunix_model import model_config

    module, made = model_config(config, jnp.bfloat16, stage.gradient_checkpointing)
    graph, state = nnx.split(abstract_model(module, made, lora))
    specs = nnx.get_partition_spec(state)

    def spread(value: Any, spec: Any) -> Any:
        return jax.ShapeDtypeStruct(value.shape, value.dtype, sharding=NamedSharding(chips, spec or PartitionSpec()))

    weights = jax.tree.map(spread, state, specs)

    def rows(*shape: int, dtype: Any = jnp.int32) -> Any:
        return jax.ShapeDtypeStruct(shape, dtype, sharding=NamedSharding(chips, PartitionSpec("fsdp")))

    size = stage.per_device_train_batch_size
    if isinstance(stage, SftStage):
        return {
            "step": (_sft_step(graph, stage), (weights, rows(size, stage.max_length), rows(size, stage.max_length)))
        }
    size *= stage.num_generations
    prompt, answer = rows(size, stage.max_prompt_length), rows(size, stage.max_completion_length)
    logps = rows(size, stage.max_completion_length, dtype=jnp.float32)
    advantages = rows(size, dtype=jnp.float32)
    return {
        "step": (_grpo_step(graph, stage), (weights, prompt, answer, logps, advantages)),
        "reference": (_logps(graph, stage), (weights, prompt, answer)),
        "decode": _decode(graph, module, made, weights, stage, rows, chips),
    }


def _update(model: Any, stage: Any, loss: Callable[[Any], Any]) -> tuple[Any, ...]:
    """Loss and gradient, and AdamW with fresh moments: what a training step keeps at once."""
    from flax import nnx

    from primum.training.tunix_steps import make_optimizer

    optimizer = nnx.Optimizer(model, make_optimizer(stage), wrt=nnx.LoRAParam)
    value, gradient = nnx.value_and_grad(loss, argnums=nnx.DiffState(0, nnx.LoRAParam))(model)
    optimizer.update(model, gradient)
    return value, nnx.state(model, nnx.LoRAParam), nnx.state(optimizer)


def _sft_step(graph: Any, stage: SftStage) -> Callable[..., Any]:
    from flax import nnx

    from primum.training.tunix_sft import completion_loss, model_input

    def step(weights: Any, tokens: Any, mask: Any) -> Any:
        batch = {"input_tokens": tokens, "target_mask": mask, "real": mask > 0, "share": 1.0}
        return _update(nnx.merge(graph, weights), stage, lambda model: completion_loss(model, **model_input(batch)))

    return step


def _grpo_step(graph: Any, stage: GrpoStage) -> Callable[..., Any]:
    from flax import nnx
    from tunix.rl.algo_core import grpo_loss_fn
    from tunix.rl.common import TrainExample

    from primum.training.tunix_grpo import grpo_config

    def step(weights: Any, prompt: Any, answer: Any, logps: Any, advantages: Any) -> Any:
        algorithm = grpo_config(stage)
        algorithm.temperature = stage.temperature
        example = TrainExample(
            prompt_ids=prompt,
            prompt_mask=prompt > 0,
            completion_ids=answer,
            completion_mask=answer > 0,
            advantages=advantages,
            ref_per_token_logps=logps,
            old_per_token_logps=None,
        )

        def loss(model: Any) -> Any:
            return grpo_loss_fn(model, example, algorithm, pad_id=0, eos_id=1)[0]

        return _update(nnx.merge(graph, weights), stage, loss)

    return step


def _logps(graph: Any, stage: GrpoStage) -> Callable[..., Any]:
    from tunix.rl.common import compute_per_token_logps

    def logps(weights: Any, prompt: Any, answer: Any) -> Any:
        return compute_per_token_logps(graph, weights, prompt, answer, 0, 1, temperature=stage.temperature)

    return logps


def _decode(
    graph: Any, module: Any, made: Any, weights: Any, stage: GrpoStage, rows: Callable[..., Any], chips: Any
) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """One token of the rollout of a whole step, with the cache of all its rows."""
    import jax.numpy as jnp
    from flax import nnx

    count = stage.per_device_train_batch_size * stage.gradient_accumulation_steps * stage.num_generations
    length = stage.max_prompt_length + stage.max_completion_length
    cache = {
        f"layer_{number}": {
            "k": rows(count, length, made.num_kv_heads, made.head_dim, dtype=jnp.bfloat16),
            "v": rows(count, length, made.num_kv_heads, made.head_dim, dtype=jnp.bfloat16),
            "end_index": rows(count),
        }
        for number in range(made.num_layers)
    }

    def step(weights: Any, token: Any, positions: Any, cache: Any, mask: Any) -> Any:
        return nnx.merge(graph, weights)(token, positions, cache, mask)

    return step, (weights, rows(count, 1), rows(count, 1), cache, rows(count, 1, length, dtype=jnp.bool_))

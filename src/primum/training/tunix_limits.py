"""What the tunix backend cannot do, told before the first job. Imports nothing of JAX."""

from __future__ import annotations

from primum.errors import UserError
from primum.stages import GrpoStage, Lora, Mesh, SftStage

AGGREGATION = {  # TRL's names of how token losses become one number, and Tunix'
    "grpo": "sequence-mean-token-mean",
    "bnpo": "token-mean",
    "dapo": "token-mean",
}
ADVANTAGES = {"group": "grpo", "none": "drgrpo"}  # scale_rewards, and Tunix' estimator


def check_tunix(name: str, stage: SftStage | GrpoStage, lora: Lora, mesh: Mesh) -> None:
    """Refuse a stage that Tunix would train otherwise than it says.

    Args:
        name: of the stage, for messages.
        stage: what is asked for.
        lora: the study's adapter.
        mesh: the study's devices.

    Raises:
        UserError: naming the key.
    """
    rows = stage.per_device_train_batch_size
    if isinstance(stage, GrpoStage):
        rows *= stage.num_generations
        if stage.loss_type not in AGGREGATION or stage.scale_rewards not in ADVANTAGES:
            raise UserError(
                f"Stage '{name}': the tunix backend has no loss_type '{stage.loss_type}' with scale_rewards "
                f"'{stage.scale_rewards}'.",
                f"Use loss_type {', '.join(AGGREGATION)} and scale_rewards {', '.join(ADVANTAGES)}, or backend trl.",
            )
    if rows % mesh.fsdp:  # Tunix would silently let every device compute all of them
        raise UserError(
            f"Stage '{name}': a batch of {rows} rows does not divide among fsdp {mesh.fsdp}.",
            "Make per_device_train_batch_size (times num_generations) a multiple of the mesh's fsdp.",
        )
    if stage.fp16:
        raise UserError(f"Stage '{name}': the tunix backend has no fp16.", "Use bf16, or backend trl.")
    if lora.dropout:
        raise UserError(
            f"lora.dropout is {lora.dropout:g}, and the tunix backend has no LoRA dropout.",
            "Set it to 0 (overrides), or use backend trl.",
        )

"""Typed models of what is trained: LoRA, SFT and GRPO stages, and the devices of a JAX job."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from primum.strict import Identifier, Share, Strict

Backend = Literal["trl", "tunix"]
BASE_STAGE = "base"


class Lora(Strict):
    """LoRA (Hu et al. 2021, arXiv 2106.09685; ``peft.LoraConfig``)."""

    r: Annotated[int, Field(gt=0)]
    alpha: Annotated[int, Field(gt=0)]
    dropout: Share
    target_modules: Annotated[list[str], Field(min_length=1)]


class Optimisation(Strict):
    """What SFT and GRPO stages share. Names follow ``transformers.TrainingArguments``."""

    parent: Identifier  # 'base' or another stage
    split: Identifier  # the data split it trains on
    max_steps: Annotated[int, Field(gt=0)]
    learning_rate: Annotated[float, Field(gt=0)]
    warmup_ratio: Share
    lr_scheduler_type: Literal["cosine", "linear", "constant", "constant_with_warmup"]
    per_device_train_batch_size: Annotated[
        int, Field(gt=0)
    ]  # SFT: rows; GRPO: prompts (each makes num_generations completions)
    gradient_accumulation_steps: Annotated[int, Field(gt=0)]
    max_grad_norm: Annotated[float, Field(gt=0)] = 1.0
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    bf16: bool  # used only where the hardware has it; recorded as used in checkpoint.json
    fp16: bool = False  # likewise, with float32 adapters and scaled gradients; not together with bf16
    gradient_checkpointing: bool
    logging_steps: Annotated[int, Field(gt=0)] = 10
    save_steps: Annotated[int, Field(gt=0)] = 50


class SftStage(Optimisation):
    """Supervised fine-tuning with completion-only loss (``trl.SFTTrainer``)."""

    method: Literal["sft"]
    max_length: Annotated[int, Field(gt=0)]  # tokens, prompt and completion


class GrpoStage(Optimisation):
    """Group relative policy optimisation (Shao et al. 2024, arXiv 2402.03300)."""

    method: Literal["grpo"]
    rewards: Identifier  # a table of the study's 'rewards'
    continues: bool = False  # a block: goes on from its parent's optimiser state, data position and step
    schedule_steps: Annotated[int, Field(gt=0)] | None = None  # steps of the whole curriculum, for the learning rate
    rollback: Literal["off", "auto"] = "off"  # auto: continue from the last good block if the parent's dev result fell
    num_generations: Annotated[int, Field(gt=1)]
    max_completion_length: Annotated[int, Field(gt=0)]  # tokens
    max_prompt_length: Annotated[int, Field(gt=0)]  # tokens; longer prompts are cut on the left
    temperature: Annotated[float, Field(gt=0)] = 1.0
    top_k: Annotated[int, Field(gt=0)] | None = None  # sample among so many tokens alone
    num_iterations: Annotated[int, Field(gt=0)] = 1  # optimiser steps on one set of completions
    beta: Annotated[float, Field(ge=0)] = 0.0
    epsilon: Annotated[float, Field(gt=0)] = 0.2
    loss_type: Literal["grpo", "bnpo", "dr_grpo", "dapo"] = "dapo"
    scale_rewards: Literal["group", "batch", "none"] = "group"


Stage = Annotated[SftStage | GrpoStage, Field(discriminator="method")]


class Deployment(Strict):
    """A stage as it could be put to use: asked with another prompt, or with its answers behind the safety layer."""

    of: Identifier  # 'base', a stage or another deployment
    task_settings: dict[str, Any] = Field(default_factory=dict)  # laid over the study's: it is asked anew
    layer: bool = False  # its answers, as given, pass the task's safety layer


# What a block of a curriculum shares with the block it continues: else step counts and moments would mean other things.
SHARED_BY_BLOCKS = (
    *("split", "schedule_steps", "learning_rate", "warmup_ratio", "lr_scheduler_type", "weight_decay"),
    *("per_device_train_batch_size", "gradient_accumulation_steps", "num_iterations"),
)


class Mesh(Strict):
    """Devices of a JAX job: data and weights are spread over 'fsdp', products over 'tp'. A CPU makes virtual ones."""

    fsdp: Annotated[int, Field(gt=0)] = 1
    tp: Annotated[int, Field(gt=0)] = 1

"""The TRL backend: what SFT and GRPO share. PyTorch, transformers' Trainer, PEFT."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from primum.errors import UserError
from primum.stages import GrpoStage, SftStage
from primum.training import guards
from primum.training.base import Inputs, Trained, TrainJob
from primum.training.carry import Carried
from primum.training.loading import ADAPTER, bf16_available, load_model, use_threads
from primum.training.progress import Progress, log_lines
from primum.training.sampling import fold
from primum.training.schedule import learning_rate
from primum.training.state import latest_complete, mark_complete

_DROPOUT = 2  # what a draw is for: part of its seed

if TYPE_CHECKING:
    from transformers import Trainer, TrainerCallback


def run(job: TrainJob, inputs: Inputs) -> Trained:
    """Train one stage with TRL, resuming from ``inputs.work`` if a whole checkpoint lies there."""
    os.environ["TRL_EXPERIMENTAL_SILENCE"] = "1"  # rollout_func is pinned with its version
    use_threads(job.threads)
    # trl's and transformers' own mutual deprecations; nothing a user could act on
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"transformers\..*")
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()
    from primum.training.trl_grpo import grpo_trainer
    from primum.training.trl_sft import sft_trainer

    model, tokenizer = load_model(
        inputs.root, inputs.base, inputs.parent, trainable=True, bf16=job.stage.bf16, fp16=job.stage.fp16
    )
    if inputs.parent is None:
        model = fresh_adapter(job, model)
    folder = inputs.root / inputs.base["path"]
    guards.check_base(model, folder, inputs.base["id"])
    before = guards.snapshot(model.named_parameters())
    build = grpo_trainer if isinstance(job.stage, GrpoStage) else sft_trainer
    trainer, facts = build(job, inputs, model, tokenizer)
    with score_completions_only():
        fit(trainer, job, inputs)
    guards.check_changed(before, model.named_parameters())
    guards.check_base(model, folder, inputs.base["id"])
    tensors, config = adapter_of(model)
    first, done = inputs.carried.step if inputs.carried else 0, trainer.state.global_step
    state = moments_of(trainer, first + done)
    log = [{"step": first, **facts}, *log_lines(trainer.state.log_history, first)]
    return Trained(tensors, state, config, log, done, bool(trainer.args.bf16), bool(trainer.args.fp16))


def fresh_adapter(job: TrainJob, model: Any) -> Any:
    """A new LoRA adapter on the base, initialised from the job's seed; its weights are float32."""
    from peft import LoraConfig, get_peft_model
    from transformers import set_seed

    set_seed(job.seed)
    lora = job.lora
    config = LoraConfig(
        r=lora.r,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=sorted(lora.target_modules),
        task_type="CAUSAL_LM",
    )
    try:
        return get_peft_model(model, config)
    except ValueError as error:
        raise UserError(f"LoRA does not fit the base: {error}", "Mend lora.target_modules.") from None


def adapter_of(model: Any) -> tuple[Mapping[str, Any], dict[str, Any]]:
    """Weights and configuration of the trained adapter; never of the frozen copy that TRL keeps as reference."""
    from peft import get_peft_model_state_dict

    tensors = get_peft_model_state_dict(model, adapter_name="default", save_embedding_layers=False)
    return {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}, model.peft_config[
        "default"
    ].to_dict()


def common_arguments(job: TrainJob, inputs: Inputs) -> dict[str, Any]:
    """Trainer arguments that SFT and GRPO share; the rest of a stage's configuration is said in its own module."""
    import torch

    stage: SftStage | GrpoStage = job.stage
    if job.logger == "trackio" and find_spec("trackio") is None:
        raise UserError(
            "logger is 'trackio', which is not installed.", "Install trackio==0.43.0, or set logger to 'none'."
        )
    return {
        "output_dir": str(inputs.work),
        "seed": job.seed,
        "max_steps": stage.max_steps,
        "learning_rate": stage.learning_rate,
        "gradient_accumulation_steps": stage.gradient_accumulation_steps,
        "max_grad_norm": stage.max_grad_norm,
        "weight_decay": stage.weight_decay,
        # both are on by default in TRL, and both only cost on a CPU
        "bf16": stage.bf16 and bf16_available(),
        "fp16": stage.fp16 and torch.cuda.is_available(),
        "gradient_checkpointing": stage.gradient_checkpointing,
        "logging_steps": stage.logging_steps,
        "logging_nan_inf_filter": False,  # a NaN must reach the guard, not be averaged away
        "save_strategy": "steps",
        "save_steps": stage.save_steps,
        "save_total_limit": 2,
        "use_cpu": not torch.cuda.is_available(),
        "dataloader_num_workers": 0,
        "dataloader_pin_memory": torch.cuda.is_available(),
        "remove_unused_columns": False,
        "disable_tqdm": True,
        "report_to": [job.logger] if job.logger != "none" else "none",
        "project": job.study,
        "run_name": f"{job.study}-{job.stage_name}-seed{job.seed}",
        "trackio_space_id": None,
    }


def fit(trainer: Trainer, job: TrainJob, inputs: Inputs) -> None:
    """Train to ``max_steps`` from the last whole checkpoint, watched and guarded."""
    from transformers import PrinterCallback

    trainer.remove_callback(PrinterCallback)
    # Each saved step would get a model card of TRL's own, which nobody reads.
    trainer.create_model_card = lambda *args, **kwargs: None
    trainer.add_callback(_watch(job, inputs))
    _prepare(trainer, job, inputs)
    resume = latest_complete(inputs.work)
    if resume and resume.name == f"checkpoint-{job.stage.max_steps}":
        _restore(trainer, resume)  # transformers would train one step too many
    else:
        trainer.train(resume_from_checkpoint=str(resume) if resume else None)


def _restore(trainer: Trainer, checkpoint: Path) -> None:
    """Take weights, moments and history of a checkpoint at which training was over."""
    from transformers import TrainerState

    trainer._load_from_checkpoint(str(checkpoint))
    trainer._load_optimizer_and_scheduler(str(checkpoint))
    trainer.state = TrainerState.load_from_json(str(checkpoint / "trainer_state.json"))


def _prepare(trainer: Trainer, job: TrainJob, inputs: Inputs) -> None:
    """Optimiser and schedule as the stage begins: fresh, or where the block before this one left them."""
    import torch
    from torch.optim.lr_scheduler import LambdaLR

    first = inputs.carried.step if inputs.carried else 0
    optimizer = trainer.create_optimizer()
    peak = job.stage.learning_rate
    trainer.lr_scheduler = LambdaLR(optimizer, lambda step: learning_rate(job.stage, first + step) / peak)
    if inputs.carried is None:
        return
    for name, parameter in _trained(trainer.model):
        moments = {key: getattr(inputs.carried, key)[name] for key in ("exp_avg", "exp_avg_sq")}
        placed = {key: torch.tensor(value, device=parameter.device) for key, value in moments.items()}
        optimizer.state[parameter] = {"step": torch.tensor(float(first)), **placed}


def _trained(model: Any) -> list[tuple[str, Any]]:
    """The adapter's parameters by their names in a carried state."""
    found = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    return [(name.removeprefix("base_model.model.").replace(".default.", "."), parameter) for name, parameter in found]


def moments_of(trainer: Trainer, step: int) -> Carried:
    """What a next block goes on from."""
    state = trainer.optimizer.state
    first, second = (
        {name: state[parameter][key].detach().cpu().numpy() for name, parameter in _trained(trainer.model)}
        for key in ("exp_avg", "exp_avg_sq")
    )
    return Carried(step, first, second)


def set_reference(model: Any, reference: Path | None) -> None:
    """Give TRL's frozen copy of the adapter, which KL is measured against, the weights of the reference stage."""
    import torch
    from safetensors.torch import load_file

    stored = load_file(reference / ADAPTER / "adapter_model.safetensors") if reference else {}
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if ".ref." in name:
                value = stored.get(name.replace(".ref.", "."))
                parameter.zero_() if value is None else parameter.copy_(value)


def _watch(job: TrainJob, inputs: Inputs) -> TrainerCallback:
    import torch
    from transformers import TrainerCallback

    components = list(job.reward_table or {})
    first = inputs.carried.step if inputs.carried else 0
    progress = Progress(f"{job.study} {job.stage_name} seed{job.seed}", job.stage.max_steps, components)

    class Watch(TrainerCallback):
        """Progress, guards and completeness markers."""

        def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            progress.begin(state.global_step)

        def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            # Dropout draws by step, so that a block goes on like a run that was never cut.
            torch.manual_seed(fold((job.seed, _DROPOUT, first + state.global_step)))

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            # Averages since the last log are not saved, so a log at every save makes a resumed run log the same.
            if state.global_step % args.save_steps == 0:
                control.should_log = True

        def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            entry = state.log_history[-1]
            if "loss" in entry:
                progress.logged(entry)
                guards.check_log(state.log_history, job.guards, inputs.best)

        def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            mark_complete(Path(args.output_dir) / f"checkpoint-{state.global_step}")

    return Watch()


@contextmanager
def score_completions_only() -> Iterator[None]:
    """Project only the scored positions through the LM head on a CPU too, as TRL itself does on a GPU.

    TRL 1.16 scores every position where shapes that vary mean recompiling. Nothing is compiled here, and prompts are
    most of the tokens.
    """
    from trl.trainer import utils

    before = utils._use_triton
    utils._use_triton = lambda device: True
    try:
        yield
    finally:
        utils._use_triton = before

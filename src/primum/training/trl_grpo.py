"""GRPO by ``trl.GRPOTrainer``: the parent's adapter goes on, and rewards read one verdict a completion.

Where this departs from TRL's defaults:

* Prompts are token ids rendered and cut by us. TRL 1.16 cuts no prompts, and would add special tokens to rendered text.
* Completions come from :mod:`primum.training.sampling`, log-probabilities from :mod:`primum.training.shared_prompt`.
* Rewards judge the text that evaluation would judge.
* ``per_device_train_batch_size`` counts prompts, as in the tables. TRL counts completions, so it is multiplied by
  ``num_generations``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from primum.errors import UserError
from primum.files import read_json, write_json
from primum.rewards import check_table
from primum.tasks.base import Example, Task, Verdict
from primum.training.base import Inputs, TrainJob, load_job_task
from primum.training.guards import check_sampled
from primum.training.order import prompt_order
from primum.training.rows import prompt_ids
from primum.training.sampling import MergedPolicy, decode, sample
from primum.training.shared_prompt import share_prompts
from primum.training.trl import common_arguments, set_reference

if TYPE_CHECKING:
    from trl import GRPOTrainer

_ROLLOUT, _CHECK = 0, 1  # what a draw is for: part of its seed


class Rewards:
    """One reward function a component, all read from one verdict a completion.

    Args:
        task: the judge.
        examples: the split's rows; a batch's ``row`` column points into them.
        weights: the reward table; TRL multiplies by them, so each function pays 1.0 or 0.0.
    """

    def __init__(self, task: Task, examples: Sequence[Example], weights: Mapping[str, float]) -> None:
        for unknown in check_table(task, weights):
            raise UserError(
                f"The reward table weighs '{unknown}', which task '{task.name}' does not offer.",
                f"Use {', '.join(task.reward_outcomes)}.",
            )
        self.task, self.examples, self.weights = task, examples, dict(weights)
        self._batch: tuple[list[int], list[str]] | None = None
        self._verdicts: list[Verdict] = []

    def verdicts(self, rows: list[int], texts: list[str]) -> list[Verdict]:
        """Verdicts of a batch, judged once however many components ask."""
        if self._batch != (rows, texts):
            self._verdicts = [self.task.judge(self.examples[row], text) for row, text in zip(rows, texts, strict=True)]
            self._batch = (rows, texts)
        return self._verdicts

    def functions(self) -> list[Callable[..., list[float]]]:
        """Reward functions in the table's order, named as their components."""
        return [self._function(component) for component in self.weights]

    def _function(self, component: str) -> Callable[..., list[float]]:
        def reward(*, row: list[int], text: list[str], **_: Any) -> list[float]:
            return [1.0 if verdict.outcomes[component] else 0.0 for verdict in self.verdicts(row, text)]

        reward.__name__ = component
        return reward


def grpo_trainer(job: TrainJob, inputs: Inputs, model: Any, tokenizer: Any) -> tuple[GRPOTrainer, dict[str, Any]]:
    """The trainer, and facts for the log: rows, prompts cut, and the sampled rate that the guard found."""
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    stage, task, folder = job.stage, load_job_task(job), inputs.root / inputs.base["path"]
    prompts, cut = prompt_ids(tokenizer, task, inputs.examples, job.thinking, stage.max_prompt_length)
    if len(prompts) < stage.per_device_train_batch_size * stage.gradient_accumulation_steps:
        raise UserError(
            f"Split '{stage.split}' has {len(prompts)} rows, fewer than one step of stage '{job.stage_name}' takes.",
            "Lower per_device_train_batch_size or widen data.ranges.",
        )
    policy = MergedPolicy(model, folder)

    def draw(rows: Sequence[int], purpose: int, step: int) -> list[list[int]]:
        seed = (job.seed, purpose, step)
        return sample(
            policy.refresh(),
            tokenizer,
            [prompts[row] for row in rows],
            stage.max_completion_length,
            stage.temperature,
            stage.top_k,
            seed,
        )

    first = inputs.carried.step if inputs.carried else 0
    rate = _sampled_rate(job, inputs, task, tokenizer, draw)
    rewards = Rewards(task, inputs.examples, job.reward_table or {})

    def rollout(rows: list[str], trainer: GRPOTrainer) -> dict[str, Any]:
        numbers = [int(row) for row in rows]
        completions = draw(numbers, _ROLLOUT, (first + trainer.state.global_step) // stage.num_iterations)
        texts = [decode(tokenizer, completion) for completion in completions]
        return {
            "prompt_ids": [prompts[row] for row in numbers],
            "completion_ids": completions,
            "logprobs": None,
            "text": texts,
        }

    arguments = GRPOConfig(
        **common_arguments(job, inputs),
        per_device_train_batch_size=stage.per_device_train_batch_size * stage.num_generations,
        num_generations=stage.num_generations,
        max_completion_length=stage.max_completion_length,
        temperature=stage.temperature,
        beta=stage.beta,
        epsilon=stage.epsilon,
        loss_type=stage.loss_type,
        scale_rewards=stage.scale_rewards,
        num_iterations=stage.num_iterations,
        shuffle_dataset=False,  # the order is ours
        use_bias_correction_kl=False,  # plain k3 (Schulman 2020), as the tunix backend has it
        reward_weights=list(rewards.weights.values()),
    )
    # A prompt travels through TRL as its row's number; the rollout hands back its tokens.
    batch, draws = stage.per_device_train_batch_size * stage.gradient_accumulation_steps, stage.num_iterations
    order = prompt_order(len(prompts), batch, first // draws, stage.max_steps // draws, job.seed)
    data = Dataset.from_dict({"prompt": [str(row) for row in order], "row": order})
    trainer = GRPOTrainer(
        model=model,
        args=arguments,
        reward_funcs=rewards.functions(),
        train_dataset=data,
        processing_class=tokenizer,
        rollout_func=rollout,
    )
    if stage.beta:
        set_reference(trainer.model, inputs.reference)
    share_prompts(trainer)
    return trainer, {"rows": len(prompts), "truncated_rows": cut, f"sampled_{job.guards.sampled_outcome}": rate}


def _sampled_rate(
    job: TrainJob, inputs: Inputs, task: Task, tokenizer: Any, draw: Callable[..., list[list[int]]]
) -> float:
    """The guard before GRPO, on rows spread over the split; a resumed run reads what the first one found."""
    known = inputs.work / "sampled.json"
    if known.is_file():
        return read_json(known)["rate"]
    count = min(job.guards.sampled_prompts, len(inputs.examples))
    rows = [number * len(inputs.examples) // count for number in range(count)]
    texts = [decode(tokenizer, completion) for completion in draw(rows, _CHECK, 0)]
    rate = check_sampled(task, [inputs.examples[row] for row in rows], texts, job.guards)
    write_json(known, {"rate": rate})
    return rate

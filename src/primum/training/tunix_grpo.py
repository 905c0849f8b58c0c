"""GRPO by ``tunix.rl.grpo.GRPOLearner``: the parent's adapter goes on, rewards read one verdict a completion.

Where this departs from Tunix 0.1.7:

* A rollout without seed draws with the same key at every call, so a prompt's completions repeat from step to step. Ours
  fold the run's seed, the step and the number of the call into each.
* Old log-probabilities (``num_iterations`` above 1) are those of temperature 1 whatever was sampled at. Ours are not.
* KL is always ``low_var_kl``: the default, ``kl``, has no gradient on policy.
* Prompts are token ids rendered and cut by us, rewards judge the text that evaluation would judge.
* Saved steps are ours (:mod:`primum.training.tunix_steps`).
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Sequence
from typing import Any

import jax
import numpy as np
from flax import nnx
from tunix.generate import sampler as tunix_sampler
from tunix.rl import common
from tunix.rl.rollout import base_rollout, vanilla_rollout

from primum.errors import UserError
from primum.files import read_json, write_json
from primum.rewards import check_table, total
from primum.stages import GrpoStage
from primum.tasks.base import Example, Task
from primum.training.base import Inputs, TrainJob, load_job_task
from primum.training.guards import check_sampled
from primum.training.loading import ADAPTER, stop_ids
from primum.training.order import prompt_order
from primum.training.rows import prompt_ids
from primum.training.sampling import decode, fold
from primum.training.tunix_limits import ADVANTAGES, AGGREGATION
from primum.training.tunix_lora import read_adapter, set_adapter
from primum.training.tunix_steps import Steps, make_optimizer

_ROLLOUT, _CHECK = 0, 1  # what a draw is for: part of its seed
_MULTIPLE = 16  # of tokens: all prompts are padded to one width


class PromptSampler(tunix_sampler.Sampler):
    """Tunix' sampler on prompts that are known by their row's number: their tokens are ours already."""

    prompts: Sequence[Sequence[int]] = ()

    def tokenize(self, input_string: str) -> np.ndarray:
        return np.array(self.prompts[int(input_string)])


class Rollout(vanilla_rollout.VanillaRollout):
    """The vanilla rollout, with a seed for every call, our prompts, our decoding, and its own temperature.

    Args:
        rollout_actor: the policy.
        tokenizer: Tunix' adapter of the tokenizer.
        mesh: unused, part of the interface.
        rollout_config: lengths and temperature.
        prompts: token ids a row.
        text_tokenizer: the Hugging Face tokenizer, for decoding.
        seed: of the run.
    """

    def __init__(
        self,
        rollout_actor: nnx.Module,
        tokenizer: Any,
        mesh: Any,
        rollout_config: base_rollout.RolloutConfig,
        prompts: Sequence[Sequence[int]],
        text_tokenizer: Any,
        seed: int,
    ) -> None:
        config = rollout_actor.config
        cache = tunix_sampler.CacheConfig(
            rollout_config.kv_cache_size, config.num_layers, config.num_kv_heads, config.head_dim
        )
        self._sampler = PromptSampler(rollout_actor, tokenizer, cache)
        self._sampler.prompts = prompts
        self.text_tokenizer, self.temperature, self.run_seed = text_tokenizer, rollout_config.temperature, seed
        self.purpose, self.step, self.calls = _ROLLOUT, 0, 0

    def begin(self, purpose: int, step: int) -> None:
        """Name the draws to come; the same name gives the same draws, in whatever process."""
        if (purpose, step) != (self.purpose, self.step):
            self.purpose, self.step, self.calls = purpose, step, 0

    def generate(self, prompts: list[str], rollout_config: Any, **kwargs: Any) -> base_rollout.RolloutOutput:
        seed = fold((self.run_seed, self.purpose, self.step, self.calls)) % 2**31
        self.calls += 1
        config = dataclasses.replace(rollout_config, seed=jax.random.PRNGKey(seed))
        output = super().generate([str(prompt) for prompt in prompts], config, **kwargs)
        output.text = [decode(self.text_tokenizer, np.asarray(tokens).tolist()) for tokens in output.tokens]
        return output

    def get_per_token_logps(self, prompt_tokens: jax.Array, completion_tokens: jax.Array) -> jax.Array:
        graphdef, state = self._sampler.model_def_and_state()
        return common.compute_per_token_logps(
            graphdef,
            state,
            prompt_tokens=prompt_tokens,
            completion_tokens=completion_tokens,
            pad_id=self.pad_id(),
            eos_id=self.eos_id(),
            temperature=self.temperature,
        )


class Rewards:
    """The one reward function: a table's sum over the verdict of each completion, and what the log says of a step."""

    def __init__(self, task: Task, examples: Sequence[Example], weights: dict[str, float], group: int) -> None:
        for unknown in check_table(task, weights):
            raise UserError(
                f"The reward table weighs '{unknown}', which task '{task.name}' does not offer.",
                f"Use {', '.join(task.reward_outcomes)}.",
            )
        self.task, self.examples, self.weights, self.group = task, examples, weights, group
        self.__name__ = "table"
        self._seen: list[tuple[float, dict[str, bool]]] = []

    def __call__(self, prompts: Any, completions: Sequence[str], row: Any, **_: Any) -> list[float]:
        verdicts = [self.task.judge(self.examples[int(r)], text) for r, text in zip(row, completions, strict=True)]
        paid = [total(verdict, self.weights) for verdict in verdicts]
        self._seen += [(reward, verdict.outcomes) for reward, verdict in zip(paid, verdicts, strict=True)]
        return paid

    def entry(self) -> dict[str, float]:
        """Means over the completions since the last call, by TRL's names; nothing if there were none."""
        if not self._seen:
            return {}
        paid = np.array([reward for reward, _ in self._seen])
        spread = paid.reshape(-1, self.group).std(1, ddof=1)
        found = {"reward": float(paid.mean()), "reward_std": float(spread.mean())}
        found["frac_reward_zero_std"] = float((spread == 0).mean())
        for name in self.weights:
            found[f"rewards/{name}/mean"] = float(np.mean([outcomes[name] for _, outcomes in self._seen]))
        self._seen = []
        return found


def grpo_config(stage: GrpoStage) -> Any:
    """Tunix' configuration of the loss."""
    from tunix.rl.grpo.grpo_learner import GRPOConfig

    return GRPOConfig(
        num_generations=stage.num_generations,
        num_iterations=stage.num_iterations,
        beta=stage.beta,
        epsilon=stage.epsilon,
        loss_agg_mode=AGGREGATION[stage.loss_type],
        advantage_estimator=ADVANTAGES[stage.scale_rewards],
        kl_loss_mode="low_var_kl",
    )


def train_grpo(
    job: TrainJob, inputs: Inputs, model: nnx.Module, tokenizer: Any, mesh: Any, steps: Steps
) -> dict[str, Any]:
    """Train, from ``steps.done`` on; facts for the log: rows, prompts cut, the sampled rate that the guard found."""
    from tunix.rl import rl_cluster
    from tunix.rl.grpo.grpo_learner import GRPOLearner

    stage, task = job.stage, load_job_task(job)
    prompts, cut = prompt_ids(tokenizer, task, inputs.examples, job.thinking, stage.max_prompt_length)
    width = -(-max(map(len, prompts)) // _MULTIPLE) * _MULTIPLE
    batch = stage.per_device_train_batch_size * stage.gradient_accumulation_steps
    rewards = Rewards(task, inputs.examples, job.reward_table or {}, stage.num_generations)
    rollout = base_rollout.RolloutConfig(
        max_tokens_to_generate=stage.max_completion_length,
        max_prompt_length=width,
        kv_cache_size=width + stage.max_completion_length,
        temperature=stage.temperature,
        top_p=1.0,
        top_k=stage.top_k,
        eos_tokens=list(stop_ids(tokenizer)),
    )
    cluster = rl_cluster.RLCluster(
        actor=model,
        reference=_reference(model, inputs) if stage.beta else None,
        tokenizer=tokenizer,
        cluster_config=rl_cluster.ClusterConfig(
            role_to_mesh={role: mesh for role in rl_cluster.Role},
            rollout_engine=functools.partial(Rollout, prompts=prompts, text_tokenizer=tokenizer, seed=job.seed),
            training_config=rl_cluster.RLTrainingConfig(
                actor_optimizer=make_optimizer(stage),
                eval_every_n_steps=stage.max_steps + 1,
                max_steps=stage.max_steps,
                mini_batch_size=batch,
                train_micro_batch_size=stage.per_device_train_batch_size,
                rollout_micro_batch_size=batch,
                compute_logps_micro_batch_size=stage.per_device_train_batch_size,
                max_inflight_computations=1,
            ),
            rollout_config=rollout,
        ),
    )
    trainer = cluster.actor_trainer
    rate = _sampled_rate(job, inputs, task, cluster, batch)
    steps.attach(trainer, stage.gradient_accumulation_steps)
    learner = GRPOLearner(
        cluster,
        grpo_config(stage),
        reward_fns=rewards,
    )
    learner._iter_steps = learner._last_iter_step = trainer._iter_steps  # the data below begins where we go on
    steps.extra = functools.partial(_entry, trainer, rewards)
    if steps.done < stage.max_steps:
        first = (steps.first + steps.done) // stage.num_iterations
        draws = (stage.max_steps - steps.done) // stage.num_iterations
        order = prompt_order(len(prompts), batch, first, draws, job.seed)
        learner.train(_batches(order, batch, cluster, steps, stage.num_iterations))
    return {"rows": len(prompts), "truncated_rows": cut, f"sampled_{job.guards.sampled_outcome}": rate}


def _reference(model: nnx.Module, inputs: Inputs) -> nnx.Module:
    """The policy that KL is measured against: the same base arrays, the reference's adapter (zero for the base)."""
    graph, state = nnx.split(model)
    frozen = nnx.merge(graph, jax.tree.map(lambda array: array, state))  # new variables, same arrays
    if inputs.reference is not None:
        set_adapter(frozen, read_adapter(inputs.reference / ADAPTER))
    return frozen


def _batches(order: list[int], batch: int, cluster: Any, steps: Steps, iterations: int) -> Iterator[dict[str, Any]]:
    """Prompts of each draw, by their rows' numbers; asking for them names the draw."""
    for number, start in enumerate(range(0, len(order), batch)):
        cluster.rollout.begin(_ROLLOUT, (steps.first + steps.done) // iterations + number)
        rows = order[start : start + batch]
        yield {"prompts": np.array([str(row) for row in rows]), "row": np.array(rows)}


def _entry(trainer: Any, rewards: Rewards) -> dict[str, float]:
    """What GRPO adds to a line of the log."""
    metrics = trainer._prev_buffered_train_metrics.additional_metrics
    found = {
        name: float(np.mean(jax.device_get(metrics[name][0]))) for name in ("kl", "pg_clipfrac") if name in metrics
    }
    return rewards.entry() | found


def _sampled_rate(job: TrainJob, inputs: Inputs, task: Task, cluster: Any, batch: int) -> float:
    """The guard before GRPO, on rows spread over the split; a resumed run reads what the first one found."""
    known = inputs.work / "sampled.json"
    if known.is_file():
        return read_json(known)["rate"]
    size = batch * job.stage.num_generations  # the shape that training compiles anyway
    count = min(job.guards.sampled_prompts, len(inputs.examples))
    rows = [number * len(inputs.examples) // count for number in range(count)]
    cluster.rollout.begin(_CHECK, 0)
    texts: list[str] = []
    for start in range(0, count, size):
        chosen = rows[start : start + size]
        padded = chosen + chosen[-1:] * (size - len(chosen))
        texts += cluster.generate([str(row) for row in padded]).text[: len(chosen)]
    rate = check_sampled(task, [inputs.examples[row] for row in rows], texts, job.guards)
    write_json(known, {"rate": rate})
    return rate

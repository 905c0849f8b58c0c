"""The reference's step: log-probabilities by transformers and PEFT alone in float64, the loss and its slope by NumPy.

The gradient by the adapter is the slope by every token's log-probability, carried on by the chain rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from primum.parity import reference
from primum.parity.cases import Case, judged, taught
from primum.parity.probe import Step
from primum.rewards import total
from primum.tasks.base import Verdict
from primum.training.base import Inputs
from primum.training.loading import load_model, use_threads

if TYPE_CHECKING:
    import torch

_CHUNK = 8  # rows at once

Row = tuple[list[int], list[int]]  # what comes before, and the tokens that are scored


def unsupported(root: Path, base: dict[str, Any]) -> str:
    """Why there can be no reference for this base: there always can."""
    return ""


def steps(case: Case, inputs: Inputs) -> dict[str, Step]:
    """Loss and gradient of the step; of GRPO one for each backend's epsilon ('grpo@trl', 'grpo@tunix')."""
    use_threads(case.job.threads)
    stage = case.job.stage
    policy, tokenizer = _load(inputs, inputs.parent)
    if stage.method == "sft":
        rows = [_parted(row.input_ids, row.labels) for row in taught(case, tokenizer)]
        scored, mask = score(policy, rows)
        return {"sft": _step(policy, rows, reference.sft(scored, mask))}
    rows = [(prompt, answer) for _, prompt, answer in case.completions()]
    frozen, _ = _load(inputs, inputs.reference)
    scored, mask = score(policy, rows, stage.temperature)
    against, _ = score(frozen, rows, stage.temperature)
    paid = np.array([total(Verdict(**verdict), case.job.reward_table or {}) for verdict in judged(case, tokenizer)])
    found = {}
    for side, epsilon in reference.EPSILONS.items():
        gains = reference.advantages(paid, stage.num_generations, epsilon)
        loss = reference.grpo(
            scored, scored, against, mask, gains, stage.beta, stage.epsilon, aggregation=stage.loss_type
        )
        found[f"grpo@{side}"] = _step(policy, rows, loss, stage.temperature)
    return found


def _load(inputs: Inputs, folder: Path | None) -> tuple[Any, Any]:
    model, tokenizer = load_model(inputs.root, inputs.base, folder, trainable=True)
    return model.double().eval(), tokenizer


def _parted(ids: Sequence[int], labels: Sequence[int]) -> Row:
    known = sum(label == -100 for label in labels)
    return list(ids[:known]), list(ids[known:])


def score(model: Any, rows: Sequence[Row], temperature: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Log-probabilities of the scored tokens and their mask, each (rows, longest), padded on the right."""
    import torch

    width = max(len(answer) for _, answer in rows)
    scored, mask = np.zeros((len(rows), width)), np.zeros((len(rows), width))
    with torch.no_grad():
        for at, part in enumerate(_logps(model, rows, temperature)):
            scored[at, : len(part)], mask[at, : len(part)] = part.cpu().numpy(), 1
    return scored, mask


def _logps(model: Any, rows: Sequence[Row], temperature: float) -> Iterator[torch.Tensor]:
    """Log-probabilities of each row's scored tokens, by a plain forward pass over rows padded on the right."""
    import torch

    for start in range(0, len(rows), _CHUNK):
        chunk = rows[start : start + _CHUNK]
        width = max(len(before) + len(answer) for before, answer in chunk)
        ids = torch.tensor([[*before, *answer, *[0] * (width - len(before) - len(answer))] for before, answer in chunk])
        real = torch.tensor(
            [[1] * (len(before) + len(answer)) + [0] * (width - len(before) - len(answer)) for before, answer in chunk]
        )
        logits = model(input_ids=ids.to(model.device), attention_mask=real.to(model.device)).logits
        for line, (before, answer) in enumerate(chunk):
            first = len(before)
            window = logits[line, first - 1 : first - 1 + len(answer)] / temperature
            targets = torch.tensor(answer, device=window.device)[:, None]
            yield window.log_softmax(-1).gather(1, targets).squeeze(1)


def _step(model: Any, rows: Sequence[Row], loss: reference.Loss, temperature: float = 1.0) -> Step:
    """The slope by log-probabilities carried on to the adapter's weights."""
    import torch

    model.zero_grad()
    for start in range(0, len(rows), _CHUNK):
        parts = list(_logps(model, rows[start : start + _CHUNK], temperature))
        slopes = loss.slope[start : start + _CHUNK]
        contracted = [
            (part * torch.tensor(slope[: len(part)], device=part.device)).sum()
            for part, slope in zip(parts, slopes, strict=True)
        ]
        torch.stack(contracted).sum().backward()
    gradient = {
        name.removeprefix("base_model.model.").replace(".default.", "."): parameter.grad.cpu().numpy()
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
    }
    return Step(loss.value, gradient)

"""Subgroups: rates by age band and sex, and the gap between the best and the worst group beside what chance shows.

The gap between extremes is above nought whatever the truth, the more so the more groups there are. So beside its
bootstrap interval (over groups of rows about the same thing, the extremes picked anew in every resample, which makes
it too wide upwards rather than too narrow) stands what the same gap is when labels are dealt at random: its mean and
the share of draws that reach the observed one, p. Labels are dealt to whole cells, the rows of one thing and one label.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from primum.audits.names import AGE, KIND, ORDER, SEX, UNCLEAR, UNNAMED
from primum.audits.people import age_band, sex, text_of
from primum.audits.reading import Audited
from primum.evaluation.clusters import group_of
from primum.evaluation.earned import RESAMPLES, SEED
from primum.evaluation.score import metric_rate
from primum.evaluation.stats import LEVEL, RATE, holm, rate, shown_p
from primum.files import rounded

if TYPE_CHECKING:
    import numpy as np

FEWEST = 10  # rows of a group that may be an extreme
CHUNK = 500  # draws held in memory at once
COLUMNS = {
    "people": ("split", "stage", "seed", "attribute", "group", "metric", *RATE),
    "gaps": (
        *("split", "stage", "seed", "attribute", "groups", "best", "best_value", "worst", "worst_value"),
        *("gap", "low", "high", "null_mean", "p", "p_holm"),
    ),
}


def labels(audited: Audited, split: str) -> dict[str, dict[str, str]]:
    """Attribute -> row id -> group; :data:`UNNAMED` and :data:`UNCLEAR` are counted and not compared."""
    examples = audited.found.rows[split]
    texts = {example.id: text_of(example) for example in examples}
    return {
        KIND: {example.id: example.kind or UNNAMED for example in examples},
        AGE: {i: age_band(text) for i, text in texts.items()},
        SEX: {i: sex(text) for i, text in texts.items()},
    }


def audit_subgroups(audited: Audited) -> dict[str, list[dict[str, Any]]]:
    """Rows of ``people`` and ``gaps``, on the split that claims are made on."""
    split = audited.config.splits[0]
    known, examples = labels(audited, split), audited.examples(split)
    found: dict[str, list[dict[str, Any]]] = {"people": [], "gaps": []}
    for stage, seed in audited.config.runs():
        scores, where = audited.found.scores[stage, seed, split], {"split": split, "stage": stage, "seed": seed}
        found["people"] += [where | row for row in _people(audited, known, scores)]
        gaps = []
        for attribute, of in known.items():
            ids = [i for i in sorted(scores) if of[i] not in (UNNAMED, UNCLEAR)]
            right = [bool(scores[i][audited.headline.of]) for i in ids]
            row = gap(right, [of[i] for i in ids], [group_of(examples[i]) for i in ids])
            gaps.append(where | {"attribute": attribute} | row)
        adjusted = holm({row["attribute"]: row["p"] for row in gaps if row["p"] is not None})
        found["gaps"] += [row | {"p_holm": _shown(adjusted.get(row["attribute"]))} for row in gaps]
    return found


def _people(audited: Audited, known: Mapping[str, Mapping[str, str]], scores: Mapping[str, Any]) -> Iterator[Any]:
    """The headline metric, and the rate of its outcome alone, by age band and sex."""
    for attribute in (AGE, SEX):
        of = known[attribute]
        for group in sorted({of[i] for i in scores}, key=ORDER.index):
            rows = [score for i, score in scores.items() if of[i] == group]
            head = audited.headline
            rates = {head.name: metric_rate(head, rows)}
            if head.given:
                rates[head.of] = rate(sum(bool(row[head.of]) for row in rows), len(rows))
            for metric, found in rates.items():
                yield {"attribute": attribute, "group": group, "metric": metric} | found.to_json()


def gap(right: Sequence[bool], groups: Sequence[str], clusters: Sequence[str]) -> dict[str, Any]:
    """The share right of the best group less that of the worst, among those of at least :data:`FEWEST` rows.

    Args:
        right: by row.
        groups: each row's group, such as its kind.
        clusters: what each row is about.

    Returns:
        See :data:`COLUMNS`; None throughout where fewer than two groups are large enough.
    """
    import numpy as np

    names = sorted(name for name in set(groups) if list(groups).count(name) >= FEWEST)
    keys = ("best", "best_value", "worst", "worst_value", "gap", "low", "high", "null_mean", "p")
    if len(names) < 2:
        return {"groups": len(names)} | dict.fromkeys(keys)
    held: dict[tuple[str, str], list[bool]] = {}
    for hit, name, cluster in zip(right, groups, clusters, strict=True):
        if name in names:
            held.setdefault((cluster, name), []).append(hit)
    cells = sorted(held)
    hits = np.array([float(sum(held[cell])) for cell in cells])
    sizes = np.array([float(len(held[cell])) for cell in cells])
    label = np.array([names.index(name) for _, name in cells])
    shares = _shares(hits[None], sizes[None], label[None], len(names))[0]
    observed = float(shares.max() - shares.min())
    things = sorted({cluster for cluster, _ in cells})
    member = np.array([things.index(cluster) for cluster, _ in cells])
    rng = np.random.default_rng(SEED)
    resampled: list[np.ndarray] = []
    shuffled: list[np.ndarray] = []
    for _ in range(RESAMPLES // CHUNK):
        taken = rng.integers(0, len(things), (CHUNK, len(things))) + len(things) * np.arange(CHUNK)[:, None]
        weight = np.bincount(taken.ravel(), minlength=CHUNK * len(things)).reshape(CHUNK, -1)[:, member]
        same, one = np.tile(label, (CHUNK, 1)), np.ones((CHUNK, 1))
        resampled.append(_gaps(hits * weight, sizes * weight, same, len(names)))
        shuffled.append(_gaps(hits * one, sizes * one, rng.permuted(same, axis=1), len(names)))
    drawn, dealt = np.concatenate(resampled), np.concatenate(shuffled)
    low, high = np.nanquantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    extreme = int((dealt[1:] >= observed - 1e-9).sum())
    best, worst = (names[int(end)] if observed else None for end in (shares.argmax(), shares.argmin()))
    return {
        "groups": len(names),
        **{"best": best, "best_value": rounded(shares.max()), "worst": worst, "worst_value": rounded(shares.min())},
        **{"gap": rounded(observed), "low": rounded(low), "high": rounded(high)},
        **{"null_mean": rounded(np.nanmean(dealt)), "p": shown_p((1 + extreme) / RESAMPLES)},
    }


def _shares(hits: np.ndarray, sizes: np.ndarray, label: np.ndarray, count: int) -> np.ndarray:
    """Share right of each group (draws x groups) from cells (draws x cells); NaN of one that a resample left empty."""
    import numpy as np

    draws = len(label)
    at = (label + count * np.arange(draws)[:, None]).ravel()
    right, total = (
        np.bincount(at, side.ravel().astype(float), draws * count).reshape(draws, count) for side in (hits, sizes)
    )
    return np.divide(right, total, out=np.full_like(total, np.nan), where=total > 0)


def _gaps(hits: np.ndarray, sizes: np.ndarray, label: np.ndarray, count: int) -> np.ndarray:
    """The best group's share less the worst's, of every draw."""
    import numpy as np

    shares = _shares(hits, sizes, label, count)
    return np.nanmax(shares, axis=1) - np.nanmin(shares, axis=1)


def _shown(p: float | None) -> float | None:
    return None if p is None else shown_p(p)

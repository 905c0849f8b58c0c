# ruff: noqa: RUF001  (signs and quotation marks are meant as they are: they are printed)
"""Tables of a study as rows of rich text; every number is looked up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from primum.evaluation.baselines import CHANCE, MAJORITY
from primum.reports.numbers import DASH, Name, Numbers, Rich
from primum.reports.sources import StudyReport
from primum.stages import BASE_STAGE

Block = dict[str, Any]


def words(text: str) -> Rich:
    """A name as rich text."""
    return [{"text": text}]


def pretty(name: str) -> str:
    """``max_prompt_length`` as a reader sees it."""
    return name.replace("_", " ")


def table(caption: Rich, heads: Sequence[str], aligns: str, rows: Sequence[Any], wide: bool = True) -> Block:
    """A table block; ``aligns`` is one of l, c, r a column. A row that is a dict with ``group`` is a heading across."""
    kinds = {"l": "left", "c": "center", "r": "right"}
    columns = [{"head": head, "align": kinds[align]} for head, align in zip(heads, aligns, strict=True)]
    return {"kind": "table", "caption": caption, "columns": columns, "rows": list(rows), "wide": wide}


@dataclass(frozen=True, slots=True)
class Tables:
    """Tables of one study.

    Attributes:
        numbers: where every number comes from.
        study: what it is called, and its stages.
        labels: metric -> label.
        records: ``{"base": base.json, "dataset": source.json}``, for names.
    """

    numbers: Numbers
    study: StudyReport
    labels: dict[str, str]
    records: dict[str, Any]

    def key(self, *parts: object) -> str:
        """A number's key in this study."""
        return "/".join([self.study.study, *map(str, parts)])

    def run_name(self, stage: str, seed: int) -> str:
        """``sft``, or ``sft (seed 1)`` where there are several."""
        return stage if stage == BASE_STAGE or len(self.study.seeds) == 1 else f"{stage} (seed {seed})"

    def shown(self, stage: str) -> str:
        """A stage as a sentence names it: ``SFT``, where it is called after its method, else its name."""
        if stage == BASE_STAGE:
            return "the base"
        return stage.upper() if stage == self.study.stage(stage).method else f"stage ‘{stage}’"

    def label(self, metric: str) -> str:
        """A metric as a reader sees it."""
        return self.labels.get(metric, pretty(metric).capitalize())

    def said(self, metric: str) -> str:
        """A metric within a sentence."""
        return self.label(metric)[:1].lower() + self.label(metric)[1:]

    def metrics_of(self, split: str) -> list[str]:
        """Metrics reported on a split: the task's own in their order, then what comes with them."""
        found = {key.split("/")[2] for key in self.numbers.under(self.key("metric", split, ""))}
        return [*(name for name in self.labels if name in found), *sorted(found - set(self.labels))]

    @property
    def headline(self) -> str:
        """The study's first metric."""
        return next(iter(self.labels))

    def splits(self) -> Block:
        """Rows, groups and answers of every split."""
        numbers, trained = self.numbers, {stage.split: stage.name for stage in self.study.stages}
        names = sorted({key.split("/")[0] for key in numbers.under(self.key("data", "")) if key.endswith("/rows")})
        order = [*trained, *self.study.splits]
        rows = []
        for name in sorted(names, key=lambda name: (order.index(name) if name in order else len(order), name)):
            use = (
                f"trains {trained[name]}"
                if name in trained
                else "claims"
                if name == self.study.splits[0]
                else "measured on"
            )
            answers = [numbers.optional(self.key("data", name, "answers", letter)) for letter in self._letters()]
            cells = [numbers.optional(self.key("data", name, field)) for field in ("rows", "groups")]
            rows.append([words(name), words(use), *cells, *answers])
        letters = self._letters()
        caption = numbers.say("Splits: rows, groups of rows about the same thing, and rows by right answer.")
        heads = ["Split", "Use", "Rows", "Groups", *letters]
        return table(caption, heads, "llrr" + "r" * len(letters), rows, wide=False)

    def _letters(self) -> list[str]:
        under = self.numbers.under(self.key("data", ""))
        return sorted({key.split("/")[2] for key in under if "/answers/" in key})

    def headline_rates(self) -> Block:
        """The headline metric on the headline split, and what knows nothing beside it."""
        numbers, split, rows = self.numbers, self.study.splits[0], []
        named = [(self.run_name(*run), self.key("metric", split, *run, self.headline, "")) for run in self.study.runs()]
        named += [(pretty(name), self.key("baseline", split, name, self.headline, "")) for name in (MAJORITY, CHANCE)]
        for name, at in named:
            limits = numbers.say("[{low}, {high}]", low=f"{at}low", high=f"{at}high") if numbers.has(f"{at}low") else []
            right = numbers.optional(f"{at}numerator") if limits else words(DASH)
            value, n = (numbers.optional(f"{at}{field}") for field in ("value", "n"))
            rows.append([words(name), value, limits or words(DASH), right, n])
        caption = numbers.say(
            "{metric} on {split}, in per cent, with {level} Wilson intervals.",
            metric=Name(self.label(self.headline)),
            split=Name(split),
            level=self.key("method", "level"),
        )
        return table(caption, ["Stage", "%", "Interval", "Right", "Of"], "lrcrr", rows, wide=False)

    def headline_comparisons(self) -> Block:
        """The headline metric, stage against stage; the whole table stands elsewhere."""
        numbers, split, rows = self.numbers, self.study.splits[0], []
        for stage, seed in self.study.runs()[1:]:
            for against in self._against(split, stage, seed):
                at = self.key("comparison", split, stage, seed, against, self.headline, "")
                cells = self._comparison(at)
                rows.append([words(f"{self.run_name(stage, seed)} vs {pretty(against)}"), cells[0], cells[5], cells[7]])
        caption = numbers.say(
            "{metric} on {split}, item by item: points with {level} intervals, and Holm-adjusted exact McNemar p.",
            metric=Name(self.label(self.headline)),
            split=Name(split),
            level=self.key("method", "level"),
        )
        return table(caption, ["Stages", "Difference [interval]", "p", "Supported"], "lcrc", rows, wide=False)

    def metrics(self, split: str) -> Block:
        """Metrics down, stages across, the two baselines that matter beside them."""
        numbers, runs, rows = self.numbers, self.study.runs(), []
        for metric in self.metrics_of(split):
            cells = [numbers.rate(self.key("metric", split, stage, seed, metric, "")) for stage, seed in runs]
            known = [numbers.rate(self.key("baseline", split, name, metric, "")) for name in (MAJORITY, CHANCE)]
            rows.append([words(self.label(metric)), *cells, *known])
        heads = ["", *(self.run_name(*run) for run in runs), pretty(MAJORITY), CHANCE]
        caption = numbers.say(
            "Rates on {split} in per cent, with {level} Wilson intervals; {n} items. Left: stages. Right: what knows"
            " nothing.",
            split=Name(split),
            level=self.key("method", "level"),
            n=self.key("items", split, BASE_STAGE, 0),
        )
        return table(caption, heads, "l" + "c" * (len(runs) + 2), rows)

    def comparisons(self, splits: Sequence[str], metrics: Iterable[str] | None = None) -> Block:
        """Stage against stage: difference, interval, discordant items, tests, and what could have been found."""
        numbers, rows = self.numbers, []
        for split in splits:
            if len(splits) > 1:
                rows.append({"group": words(split)})
            for stage, seed in self.study.runs():
                for against in self._against(split, stage, seed):
                    for metric in metrics or self.metrics_of(split):
                        at = self.key("comparison", split, stage, seed, against, metric, "")
                        if f"{at}n" in numbers.entries:
                            rows.append(
                                [
                                    words(f"{self.run_name(stage, seed)} vs {pretty(against)}"),
                                    words(self.label(metric)),
                                    *self._comparison(at),
                                ]
                            )
        heads = [
            "Stages",
            "Metric",
            "Difference [interval]",
            "n",
            "Gained",
            "Lost",
            "p",
            "Holm p",
            "Detectable",
            "Supported",
        ]
        caption = numbers.say(
            "Paired comparisons on {splits}, in percentage points with {level} intervals. Gained and lost: items right"
            " only after, and only before. p: exact McNemar; Holm: adjusted across the metrics of a pair. Detectable:"
            " smallest true difference found with {power} power. Supported: Holm p below {alpha}.",
            level=self.key("method", "level"),
            splits=words(" and ".join(splits)),
            power=self.key("method", "power"),
            alpha=self.key("method", "alpha"),
        )
        return table(caption, heads, "llcrrrrrrc", rows)

    def _against(self, split: str, stage: str, seed: int) -> list[str]:
        found = {key.split("/")[0] for key in self.numbers.under(self.key("comparison", split, stage, seed, ""))}
        order = [BASE_STAGE, *self.study.lineage(stage)]
        return [*(name for name in order if name in found), *sorted(found - set(order))]

    def _comparison(self, at: str) -> list[Rich]:
        numbers, fields = self.numbers, ("n", "gained", "lost", "p_mcnemar", "p_holm", "detectable", "supported")
        if not numbers.has(f"{at}difference"):  # no item met the metric's condition in both stages
            return [words(DASH), numbers.optional(f"{at}n"), *(words(DASH) for _ in fields[1:])]
        return [numbers.interval(f"{at}difference", at), *(numbers.optional(f"{at}{field}") for field in fields)]

    def baselines(self, split: str) -> Block:
        """What policies score that know nothing."""
        numbers, prefix = self.numbers, self.key("baseline", split, "")
        names = dict.fromkeys(key.split("/")[0] for key in numbers.under(prefix))
        metrics = [name for name in self.labels if any(key.split("/")[1] == name for key in numbers.under(prefix))]
        order = sorted(names, key=lambda name: (name != MAJORITY, name == CHANCE, name))
        rows = [
            [words(pretty(name)), *(numbers.rate(f"{prefix}{name}/{metric}/") for metric in metrics)] for name in order
        ]
        caption = numbers.say("Policies that know nothing, on {split}, in per cent with intervals.", split=Name(split))
        return table(caption, ["Policy", *map(self.label, metrics)], "l" + "c" * len(metrics), rows)

    def published(self) -> Block:
        """The original's numbers beside ours."""
        numbers, prefix = self.numbers, self.key("published", "")
        names = {(key.split("/")[0], key.split("/")[1]) for key in numbers.under(prefix) if "/" in key}
        order = [(stage, metric) for metric in self.labels for stage in self.study.names() if (stage, metric) in names]
        rows = []
        for stage, metric in [*order, *sorted(names - set(order))]:
            at = f"{prefix}{stage}/{metric}/"
            both = []
            for whose in ("published_", "our_"):
                shown = numbers.has(f"{at}{whose}value")
                both.append(numbers.interval(f"{at}{whose}value", f"{at}{whose}") if shown else words(DASH))
            rest = [numbers.optional(f"{at}{field}") for field in ("p_fisher", "paired_if_at_most", "supported")]
            rows.append([words(self.label(metric)), words(stage), *both, *rest])
        heads = ["Metric", "Stage", "Published", "Ours", "Fisher p", "Paired if ≤", "Gain supported"]
        caption = numbers.say(
            "Published rates beside ours, in per cent with {level} Wilson intervals. Fisher p: the published stage"
            " against the published base. Paired if: had the items been compared pair by pair, up to how many"
            " discordant ones the gain would be significant.",
            level=self.key("method", "level"),
        )
        return table(caption, heads, "llccrrc", rows)

    def kinds(self) -> Block:
        """The headline by kind of item; too few items each for claims."""
        numbers, runs = self.numbers, self.study.runs()
        under = numbers.under(self.key("kind", *runs[0], self.headline, ""))
        names = dict.fromkeys(key.rsplit("/", 1)[0] for key in under)
        rows = [
            [
                words(kind),
                numbers.optional(self.key("kind", *runs[0], self.headline, kind, "n")),
                *(numbers.rate(self.key("kind", *run, self.headline, kind, "")) for run in runs),
            ]
            for kind in names
        ]
        caption = numbers.say(
            "{metric} by kind of item on {split}, in per cent with {level} Wilson intervals: for orientation, not for"
            " claims.",
            metric=Name(self.label(self.headline)),
            split=Name(self.study.splits[0]),
            level=self.key("method", "level"),
        )
        return table(caption, ["Kind", "n", *(self.run_name(*run) for run in runs)], "lr" + "c" * len(runs), rows)

# ruff: noqa: RUF001  (signs and quotation marks are meant as they are: they are printed)
"""Tables of a study as rows of rich text; every number is looked up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from primum.reports.numbers import DASH, Name, Numbers, Rich
from primum.reports.sources import StageReport, StudyReport
from primum.reports.wording import Wording
from primum.stages import BASE_STAGE

Block = dict[str, Any]
Column = TypeVar("Column")
COLUMNS = 5  # rates with intervals that a page holds side by side, beside their names
TENTH = 0.0005  # of a point: what rounding explains


def parts(columns: Sequence[Column]) -> list[list[Column]]:
    """Columns in parts of even size that a page holds; up to one more than that stay together."""
    count = 1 if len(columns) <= COLUMNS + 1 else -(-len(columns) // COLUMNS)
    size = -(-len(columns) // count)
    return [list(columns[at : at + size]) for at in range(0, len(columns), size)]


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
        records: ``{"base": base.json, "dataset": of the dataset or corpus, "config": of a checkpoint}``, for names.
        key_metrics: metrics that are never shown without each other.
        faults: metrics of which less is better.
        references: baselines that stand beside every stage.
        fixed_table: the reward table that every stage is reported under.
        chosen: the best stages, as ``eval_results.json`` has them; for names.
        words: the task's.
    """

    numbers: Numbers
    study: StudyReport
    labels: dict[str, str]
    records: dict[str, Any]
    key_metrics: list[str]
    faults: list[str]
    references: list[str]
    fixed_table: str | None
    chosen: list[dict[str, Any]]
    words: Wording

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

    def gate_tables(self) -> list[str]:
        """Reward tables that the gate has looked at."""
        return sorted({key.split("/")[0] for key in self.numbers.under(self.key("gate", "")) if "/" in key})

    def exploit_metrics(self) -> list[str]:
        """Key metrics beside the headline: what a policy looks like by them, whatever it is worth."""
        return [name for name in self.key_metrics if name != self.headline]

    @property
    def headline(self) -> str:
        """The study's first metric."""
        return next(iter(self.labels))

    def splits(self) -> Block:
        """Rows, groups and answers of every split."""
        numbers, trained = self.numbers, self._trained()
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
        caption = numbers.say("Splits: rows, groups of rows about the same thing, and rows by what is right.")
        heads = ["Split", "Use", "Rows", "Groups", *letters]
        return table(caption, heads, "llrr" + "r" * len(letters), rows, wide=False)

    def _trained(self) -> dict[str, str]:
        """Split -> what it trains: the stage or, of several, their method."""
        found: dict[str, list[StageReport]] = {}
        for stage in self.study.stages:
            found.setdefault(stage.split, []).append(stage)
        return {
            split: stages[0].name if len(stages) == 1 else " and ".join(dict.fromkeys(s.method.upper() for s in stages))
            for split, stages in found.items()
        }

    def _letters(self) -> list[str]:
        under = self.numbers.under(self.key("data", ""))
        return sorted({key.split("/")[2] for key in under if "/answers/" in key})

    def headline_rates(self) -> Block:
        """The headline metric, what it is never shown without, and what knows nothing; on the headline split."""
        numbers, split, mark, rows = self.numbers, self.study.splits[0], self.words.marks[0], []
        named = [(self.run_name(*run), self.key("metric", split, *run, "")) for run in self.study.runs()]
        named += [(pretty(name), self.key("baseline", split, name, "")) for name in self.references]
        summed = False
        for name, whole in named:
            at = f"{whole}{self.headline}/"
            found = [numbers.value(f"{at}{f}") if numbers.has(f"{at}{f}") else 0 for f in ("numerator", "n", "value")]
            summed |= bool(found[0]) and abs(found[0] / found[1] - found[2]) > TENTH
            limits = numbers.say("[{low}, {high}]", low=f"{at}low", high=f"{at}high") if numbers.has(f"{at}low") else []
            right = numbers.optional(f"{at}numerator") if limits else words(DASH)
            value, n = (numbers.optional(f"{at}{field}") for field in ("value", "n"))
            beside = [numbers.optional(f"{whole}{metric}/value") for metric in self.exploit_metrics()]
            rows.append([words(name), value, limits or words(DASH), right, n, *beside])
        caption = numbers.say(
            "{metric} on {split}, in per cent, with {level} intervals, and the items behind it{parts}{beside}.",
            parts=Name(f": the mean of rates within parts of the split, of which {mark} and of are the sums" * summed),
            beside=Name("; beside it what it is never shown without" * bool(self.exploit_metrics())),
            metric=Name(self.label(self.headline)),
            split=Name(split),
            level=self.key("method", "level"),
        )
        labels = [self.label(metric) for metric in self.exploit_metrics()]
        heads = ["Stage", "%", "Interval", mark.capitalize(), "Of", *labels]
        return table(caption, heads, "lrcrr" + "r" * len(labels), rows, wide=False)

    def headline_comparisons(self) -> Block:
        """The headline metric, stage against stage; the whole table stands elsewhere."""
        numbers, split, rows = self.numbers, self.study.splits[0], []
        arms = bool(self.study.tree().arms())
        for stage, seed in self.study.runs()[1:]:
            for against in self._against(split, stage, seed):
                if arms and (against in self.references or (against == BASE_STAGE and not self._child(stage))):
                    continue  # so many pairs stand in the supplement
                at = self.key("comparison", split, stage, seed, against, self.headline, "")
                tests = [numbers.optional(f"{at}{field}") for field in ("p_holm", "supported")]
                pair = words(f"{self.run_name(stage, seed)} vs {pretty(against)}")
                rows.append([pair, self._comparison(at)[0], *tests])
        caption = numbers.say(
            "{metric} on {split}, item by item: points with {level} intervals, and Holm-adjusted exact p. Supported:"
            " swapping whole groups finds it, too.",
            metric=Name(self.label(self.headline)),
            split=Name(split),
            level=self.key("method", "level"),
        )
        return table(caption, ["Stages", "Difference [interval]", "p", "Supported"], "lcrc", rows, wide=False)

    def _child(self, stage: str) -> bool:
        return self.study.stage(stage).parent == BASE_STAGE

    def metrics(self, split: str, stages: Sequence[str] | None = None) -> list[Block]:
        """Metrics down, (these) stages and then the baselines that stand beside them across, in tables as needed."""
        numbers, kept = self.numbers, [run for run in self.study.runs() if stages is None or run[0] in stages]
        columns = [(self.run_name(*run), self.key("metric", split, *run)) for run in kept]
        columns += [(pretty(name), self.key("baseline", split, name)) for name in self.references]
        blocks = []
        for part in parts(columns):
            rows = [
                [words(self.label(metric)), *(numbers.rate(f"{at}/{metric}/") for _, at in part)]
                for metric in self.metrics_of(split)
                if any(numbers.has(f"{at}/{metric}/value") for _, at in part)
            ]
            caption = numbers.say(
                "Rates on {split} in per cent, with {level} intervals; {n} items: {names}.",
                split=Name(split),
                level=self.key("method", "level"),
                n=self.key("items", split, BASE_STAGE, 0),
                names=Name(", ".join(name for name, _ in part)),
            )
            blocks.append(table(caption, ["", *(name for name, _ in part)], "l" + "c" * len(part), rows))
        return blocks

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
        heads = "Stages/Metric/Difference [interval]/n/Gained/Lost/p/Holm p/Groups p/Detectable/Supported".split("/")
        caption = numbers.say(
            "Paired comparisons on {splits}, in percentage points with {level} intervals. Gained and lost: items that"
            " have it only after, and only before. p: exact McNemar; Holm: adjusted over all pairs of one metric."
            " Groups: swapping stages in whole groups of rows, not adjusted. Detectable: what one test of independent"
            " rows finds with {power} power. Supported: Holm p and groups p below {alpha}.",
            level=self.key("method", "level"),
            splits=words(" and ".join(splits)),
            power=self.key("method", "power"),
            alpha=self.key("method", "alpha"),
        )
        return table(caption, heads, "llcrrrrrrrc", rows)

    def _against(self, split: str, stage: str, seed: int) -> list[str]:
        found = {key.split("/")[0] for key in self.numbers.under(self.key("comparison", split, stage, seed, ""))}
        order = [BASE_STAGE, *self.study.lineage(stage)]
        return [*(name for name in order if name in found), *sorted(found - set(order))]

    def _comparison(self, at: str) -> list[Rich]:
        numbers, tests = self.numbers, ("p_mcnemar", "p_holm", "p_clustered")
        fields = ("n", "gained", "lost", *tests, "detectable", "supported")
        if not numbers.has(f"{at}difference"):  # no item met the metric's condition in both stages
            return [words(DASH), numbers.optional(f"{at}n"), *(words(DASH) for _ in fields[1:])]
        return [numbers.interval(f"{at}difference", at), *(numbers.optional(f"{at}{field}") for field in fields)]

    def baselines(self, split: str) -> Block:
        """What policies score that know nothing, in the first of the metrics."""
        numbers, prefix = self.numbers, self.key("baseline", split, "")
        names = dict.fromkeys(key.split("/")[0] for key in numbers.under(prefix))
        metrics = [name for name in self.labels if any(key.split("/")[1] == name for key in numbers.under(prefix))]
        order = [*(n for n in self.references if n in names), *sorted(set(names) - set(self.references))]
        rows = [
            [words(pretty(name)), *(numbers.rate(f"{prefix}{name}/{metric}/") for metric in metrics[:COLUMNS])]
            for name in order
        ]
        caption = numbers.say("Policies that know nothing, on {split}, in per cent with intervals.", split=Name(split))
        heads = ["Policy", *map(self.label, metrics[:COLUMNS])]
        return table(caption, heads, "l" + "c" * (len(heads) - 1), rows)

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
            rows.append([words(self.label(metric)), words(stage), *both])
        heads = ["Metric", "Stage", "Published", "Ours"]
        caption = numbers.say(
            "Published rates beside ours, in per cent with {level} Wilson intervals.",
            level=self.key("method", "level"),
        )
        return table(caption, heads, "llcc", rows)

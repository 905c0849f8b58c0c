# ruff: noqa: RUF001  (signs and quotation marks are meant as they are: they are printed)
"""What varies with the training seed, where a study was trained with several."""

from __future__ import annotations

from primum.reports.numbers import Name
from primum.reports.tables import Block, Tables, pretty, table, words


def over_seeds(tables: Tables) -> Block | None:
    """Key metrics on the headline split: mean over seeds of every stage's rate, and of its differences."""
    numbers, split, rows = tables.numbers, tables.study.splits[0], []
    metrics = dict.fromkeys([tables.headline, *tables.key_metrics])
    for stage in tables.study.names()[1:]:
        pairs = [(stage, tables.key("seeds", split, "rate", stage))]
        pairs += [
            (f"{stage} vs {pretty(against)}", tables.key("seeds", split, "pair", stage, against))
            for against in tables.study.tree().against(stage)
        ]
        for name, key in pairs:
            for metric in metrics:
                at = f"{key}/{metric}/"
                if numbers.has(f"{at}mean"):
                    both = numbers.say("[{low}, {high}]", low=f"{at}low_both", high=f"{at}high_both")
                    found = [numbers.interval(f"{at}mean", at), both, numbers.optional(f"{at}sd")]
                    rows.append([words(name), words(tables.label(metric)), *found, numbers.optional(f"{at}seeds")])
    if not rows:
        return None
    caption = numbers.say(
        "Over training seeds, on {split}, in per cent: mean and Student’s {level} interval of it (other seeds, the same"
        " items); beside it the interval for other seeds and other items; standard deviation over seeds.",
        split=Name(split),
        level=tables.key("method", "level"),
    )
    return table(caption, ["", "Metric", "Mean [seeds]", "[seeds and items]", "SD", "Seeds"], "llccrr", rows)

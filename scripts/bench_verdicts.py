"""Verdicts per second on one core, over completions as models write them: good, wrong, fenced, cut short, not JSON."""

import argparse
import time
from pathlib import Path

from primum.files import dumps, write_json
from primum.tasks import load_task
from primum.tasks.base import Example, Task

REASON = "Vitamin B12 is found in animal products only, and its lack causes a megaloblastic anaemia with neuropathy."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0, help="how long to measure each kind")
    parser.add_argument("--output", type=Path, help="JSON file for the numbers")
    args = parser.parse_args()
    task = load_task(
        "medmcqa", {"system_prompt": "", "user_prompt": "{question}", "gold_confidence": 0.95, "reason_max_chars": 250}
    )
    options = ["retinol", "cobalamin", "thiamine", "niacin"]
    example = Example("row", {"question": "Which vitamin?", "options": options}, {"answer": "B", "explanation": REASON})
    gold = task.gold_completion(example)
    kinds = {
        "gold": gold,
        "wrong_letter": gold.replace('"B"', '"C"'),
        "wrong_schema": gold.replace("0.95", "true"),
        "fenced": f"```json\n{gold}\n```",
        "cut_short": gold[: len(gold) // 2],
        "thinking": f"<think>\nLet me see.\n</think>\n{gold}",
        "prose": f"The answer is B. {REASON}",
    }
    rates = {name: measure(task, example, text, args.seconds) for name, text in kinds.items()}
    rates["even_mix"] = len(rates) / sum(1 / rate for rate in rates.values())
    found = {name: round(rate) for name, rate in rates.items()}
    print(dumps(found))
    if args.output:
        write_json(args.output, found)


def measure(task: Task, example: Example, text: str, seconds: float) -> float:
    """Verdicts per second on one text."""
    count, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds:
        for _ in range(500):
            task.judge(example, text)
        count += 500
    return count / elapsed


if __name__ == "__main__":
    main()

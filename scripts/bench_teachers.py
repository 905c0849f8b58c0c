"""Requests a second of the teacher client beside bare LiteLLM and bare aiohttp, 64 in flight, and its memory."""

import argparse
from pathlib import Path
from statistics import median

from primum.files import dumps, write_json
from primum.teachers import bench

SIDES = {"ours": bench.ours, "litellm": bench.bare_litellm, "aiohttp": bench.bare_aiohttp}
LATENCIES = (0.05, 0.3)  # seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=2000, help="of each side in each round")
    parser.add_argument("--rounds", type=int, default=3, help="the sides take turns; the median counts")
    parser.add_argument("--memory-requests", type=int, default=20_000, help="of the memory's run; 0 for none")
    parser.add_argument("--output", type=Path, help="JSON file for the numbers")
    args = parser.parse_args()
    found: dict[str, object] = {"in_flight": bench.IN_FLIGHT, "requests": args.requests, "rounds": args.rounds}
    for latency in LATENCIES:
        found[f"latency_{latency * 1000:.0f}_ms"] = compare(latency, args.requests, args.rounds)
    if args.memory_requests:
        with bench.server(LATENCIES[0]) as url:
            found["resident_mib"] = bench.apart(bench.memory, url, args.memory_requests)
    print(dumps(found, indent=2))
    if args.output:
        write_json(args.output, found)


def compare(latency: float, requests: int, rounds: int) -> dict[str, object]:
    """Median requests a second of every side at this latency, and ours as a share of LiteLLM's and of the ideal."""
    rates: dict[str, list[float]] = {side: [] for side in SIDES}
    with bench.server(latency) as url:
        for turn in range(rounds):
            for side in list(SIDES)[:: 1 if turn % 2 == 0 else -1]:
                rates[side].append(bench.apart(SIDES[side], url, requests))
    middle = {side: median(values) for side, values in rates.items()}
    return {
        "requests_per_second": {side: round(value, 1) for side, value in middle.items()},
        "every_round": {side: [round(value, 1) for value in values] for side, values in rates.items()},
        "share_of_litellm": round(middle["ours"] / middle["litellm"], 3),
        "share_of_ideal": round(middle["ours"] / (bench.IN_FLIGHT / latency), 3),
    }


if __name__ == "__main__":
    main()

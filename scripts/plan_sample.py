"""How many rows a comparison or an interval needs, from what is expected or from what a run has found.

For instance: --difference 6.5 --discordant 20; or --difference 6.5 --from results/tiny/dipg/eval_results.json --stage
repaired --against sft; or --half-width 3 --rate 88.
"""

import argparse
from pathlib import Path

from primum.errors import UserError, run_cli
from primum.evaluation.planner import observed, pairs_needed, rows_needed
from primum.evaluation.stats import POWER
from primum.files import read_json


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--difference", type=float, help="points; the found one unless given")
    parser.add_argument("--discordant", type=float, help="per cent of pairs right in one stage only")
    parser.add_argument("--power", type=float, default=POWER)
    parser.add_argument("--design-effect", type=float, default=1.0, help="what a row is worth less for its group")
    parser.add_argument("--from", type=Path, dest="results", help="eval_results.json: discordant pairs as found there")
    parser.add_argument("--stage")
    parser.add_argument("--against")
    parser.add_argument("--metric", help="with --from; the headline unless given")
    parser.add_argument("--split", help="with --from; the one that claims are made on unless given")
    parser.add_argument("--half-width", type=float, help="points; of an interval of one rate")
    parser.add_argument("--rate", type=float, default=50.0, help="per cent; with --half-width")
    args = parser.parse_args()
    effect = args.design_effect
    if args.half_width is not None:
        rows = rows_needed(args.half_width / 100, args.rate / 100)
        print(f"rows: {rows * effect:.0f}")
        return
    difference, share = args.difference, args.discordant
    if args.results:
        if not (args.stage and args.against):
            raise UserError("--from needs a pair of stages.", "Give --stage and --against.")
        found = observed(read_json(args.results), args.stage, args.against, args.metric, args.split)
        effect = found["design_effect"] if effect == 1.0 else effect
        difference = 100 * abs(found["difference"]) if difference is None else difference
        share = 100 * found["share"] if share is None else share
        print(found["in_words"])
        print(f"found: {100 * found['share']:.1f} % of {found['n']} pairs discordant, design effect {effect:.2f}")
    if difference is None or share is None:
        raise UserError("Not enough to plan with.", "Give --difference and --discordant, or --from, or --half-width.")
    pairs = pairs_needed(difference / 100, share / 100, args.power)
    print(f"pairs: {pairs}" + (f"; as rows are grouped there: {pairs * effect:.0f}" if effect != 1.0 else ""))


if __name__ == "__main__":
    run_cli(main)

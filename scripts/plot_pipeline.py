"""The graph of what was run, from Snakemake's own record, as SVG and PNG."""

import argparse
from pathlib import Path

from primum.errors import run_cli
from primum.provenance.graph import environments_of, graph_of
from primum.provenance.jobs import read_jobs
from primum.reports.pipeline import draw_pipeline


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", nargs="+", required=True, help="names of all studies")
    parser.add_argument("--project", type=Path, default=Path(), help="folder in which Snakemake ran")
    parser.add_argument("--inputs", nargs="+", required=True, help="files whose making is shown, as Snakemake has them")
    parser.add_argument("--output-svg", type=Path, required=True)
    parser.add_argument("--output-png", type=Path, required=True)
    args = parser.parse_args()
    graph = graph_of(read_jobs(args.project), args.inputs, args.studies, environments_of(args.project))
    draw_pipeline(graph, args.output_svg, args.output_png)
    print(f"{sum(graph.jobs.values())} jobs of {len(graph.jobs)} rules")


if __name__ == "__main__":
    run_cli(main)

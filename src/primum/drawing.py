"""What every figure of a study is drawn from: no more, so that only what has changed is drawn again."""

from __future__ import annotations

from primum.layout import Layout
from primum.reports.sources import figure_files


def figure_inputs(layout: Layout, study: str, figure: str) -> list[str]:
    """Files that ``plot_figure.py`` reads for one figure of one study, relative to the project's folder."""
    folder = layout.study_folder(study)
    known = {"eval_results.json": f"{folder}/eval_results.json", "splits.json": f"{folder}/data/splits.json"}
    if study in layout.corpora:
        known |= {name: f"{layout.corpus_folder(study)}/{name}" for name in ("generation.json", "comparison.json")}
    histories = layout.stage_files(study, "train_log.jsonl") if figure.startswith("training_") else []
    return [known[name] for name in figure_files(figure)] + histories

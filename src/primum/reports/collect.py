"""Collects every number that paper, report and cards may state, each with the file and place it stands at."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from primum.reports.audit_numbers import collect_audits
from primum.reports.backends import collect_parity, collect_software
from primum.reports.catalogue import CLAIMS, PARITY
from primum.reports.claims import collect_claims
from primum.reports.computing import collect_compute
from primum.reports.deployments import collect_deployments
from primum.reports.numbers import DASH, Format, decimals, p_value, percent, plain, points, reward, short, signed
from primum.reports.sources import ReportConfig, Source, StudyFiles, pointer

RATE: dict[str, Format] = {"value": percent, "low": percent, "high": percent, "numerator": plain, "n": plain}
GROUPED: dict[str, Format] = {
    **{"groups": plain, "design_effect": reward, "low_clustered": percent, "high_clustered": percent},
}
COMPARISON: dict[str, Format] = {
    **{"difference": points, "low": points, "high": points, "detectable": percent},
    **{"p_clustered": p_value, "low_clustered": points, "high_clustered": points},
    **{"p_mcnemar": p_value, "p_holm": p_value, "gained": plain, "lost": plain, "n": plain, "supported": plain},
}
LIMITS = ("low", "high", "low_both", "high_both")
SEEDS: dict[str, Format] = {"mean": percent, "sd": percent, "seeds": plain, **dict.fromkeys(LIMITS, percent)}
PUBLISHED: dict[str, Format] = {
    **{f"{whose}_{field}": form for whose in ("published", "our") for field, form in RATE.items()},
}
REWARD: dict[str, Format] = {
    **{name: reward for name in ("mean", "low", "high", "exploit_mean", "exploit_low", "exploit_high")},
    **{f"at_best_{field}": form for field, form in RATE.items()},
    **{"least": plain, "most": plain, "n": plain, "exploit_n": plain},
}
REWARDED: dict[str, Format] = {
    **{"difference": signed, "low": signed, "high": signed, "detectable": reward},
    **{"p": p_value, "p_holm": p_value, "n": plain, "supported": plain},
}
SELECTED: dict[str, Format] = {
    **{f"{whose}{field}": form for whose in ("", "chosen_", "naive_") for field, form in RATE.items()},
    "stages": plain,
}
CALIBRATION: dict[str, Format] = {
    **{"n": plain, "brier": decimals, "ece": decimals, "null_low": decimals, "null_high": decimals},
    **{"calibrated": plain, "mean_confidence": percent, "accuracy": percent},
}
WINDOW = 5  # logged steps whose mean stands for the start or the end of a curve
LOGGED: dict[str, Format] = {"loss": decimals, "mean_token_accuracy": percent, "reward": decimals}
METHODS, CALIBRATED, SWAPS = (f"src/primum/evaluation/{name}.py" for name in ("stats", "calibration", "swaps"))
Entries = dict[str, dict[str, Any]]


def collect(config: ReportConfig, results: Path) -> Entries:
    """All numbers of all studies.

    Args:
        config: what is reported.
        results: ``results/{scale}``.

    Returns:
        ``{key: {"value", "text", "file", "sha256", "pointer"}}``; a key is ``{study}/{kind}/...``, ``pointer`` a JSON
        pointer into ``file`` (in JSONL, the first part counts lines from 0); what was not copied but made of the
        value there says how in brackets.

    Raises:
        UserError: if a file is missing.
    """
    book = Book()
    for study in config.studies:
        files = StudyFiles(results, study)
        book.open(study.study)
        _evaluation(book, files)
        _data(book, files)
        _gate(book, files)
        for stage in study.stages:
            for seed in study.seeds_of(stage.name):
                _training(book, files, stage.name, seed)
        _inputs(book, files)
        collect_compute(book, files)
        _parameters(book, files)
        collect_audits(book, Source(files.audits, files.root))
        if study.deployments:
            collect_deployments(book, Source(files.deployments, files.root))
    collect_software(book, config, results)
    if config.parity:
        collect_parity(book, Source(results / PARITY, results.parent.parent))
    if config.claims:
        collect_claims(book, Source(results / CLAIMS, results.parent.parent))
    return book.entries


class Book:
    """The entries so far."""

    def __init__(self) -> None:
        self.entries: Entries = {}
        self.study = ""

    def open(self, study: str) -> None:
        self.study = study

    def add(self, source: Source, where: str, key: str, form: Format = plain) -> None:
        """Copy one value."""
        self.put(source, where, key, source.at(where), form)

    def put(self, source: Source, where: str, key: str, value: Any, form: Format = plain) -> None:
        """Record a value made of what stands at ``where``."""
        text = DASH if value is None else form(value)
        entry = {"value": value, "text": text, "file": source.file, "sha256": source.sha256, "pointer": where}
        if self.entries.setdefault(f"{self.study}/{key}", entry) != entry:
            raise ValueError(f"two numbers claim the key {key}")

    def fields(self, source: Source, where: str, key: str, forms: dict[str, Format]) -> None:
        """Copy the known fields of the object at ``where``."""
        known = source.at(where)
        for name, form in forms.items():
            if name in known:
                self.add(source, f"{where}{pointer(name)}", f"{key}/{name}", form)


def _evaluation(book: Book, files: StudyFiles) -> None:
    source = Source(files.evaluation, files.root)
    data = source.data
    for i, row in enumerate(data["metrics"]):
        key = f"metric/{row['split']}/{row['stage']}/{row['seed']}/{row['metric']}"
        book.fields(source, pointer("metrics", i), key, RATE | GROUPED)
    for i, row in enumerate(data["comparisons"]):
        key = f"comparison/{row['split']}/{row['stage']}/{row['seed']}/{row['against']}/{row['metric']}"
        book.fields(source, pointer("comparisons", i), key, COMPARISON)
    for i, row in enumerate(data["over_seeds"]):
        of = f"pair/{row['stage']}/{row['against']}" if row["against"] else f"rate/{row['stage']}"
        forms = SEEDS | (dict.fromkeys(("mean", *LIMITS), points) if row["against"] else {})
        book.fields(source, pointer("over_seeds", i), f"seeds/{row['split']}/{of}/{row['metric']}", forms)
    for i, row in enumerate(data["baselines"]):
        book.fields(source, pointer("baselines", i), f"baseline/{row['split']}/{row['baseline']}/{row['metric']}", RATE)
    for i, row in enumerate(data["rewards"]):
        whose = "policy" if row["part"] == "policy" else f"stage/{row['seed']}"
        key = f"reward/{row['split']}/{whose}/{row['stage']}/{row['table']}"
        book.fields(source, pointer("rewards", i), key, REWARD)
    for i, row in enumerate(data["outcomes"]):
        key = f"contribution/{row['split']}/{row['stage']}/{row['seed']}/{row['outcome']}"
        book.add(source, f"{pointer('outcomes', i)}/contribution", key, reward)
    for i, row in enumerate(data["reward_comparisons"]):
        key = f"rewarded/{row['split']}/{row['stage']}/{row['seed']}/{row['against']}"
        book.fields(source, pointer("reward_comparisons", i), key, REWARDED)
    for i, row in enumerate(data["selection"]):
        book.fields(source, pointer("selection", i), f"selection/{row['seed']}/{row['metric']}", SELECTED)
    for i, row in enumerate(data["kinds"]):
        if row["split"] == data["splits"][0]:
            key = f"kind/{row['stage']}/{row['seed']}/{row['metric']}/{row['kind']}"
            book.fields(source, pointer("kinds", i), key, RATE)
    for i, row in enumerate(data["published"]):
        book.fields(source, pointer("published", i), f"published/{row['stage']}/{row['metric']}", PUBLISHED)
    for i, row in enumerate(data["evaluations"]):
        run, where = f"{row['split']}/{row['stage']}/{row['seed']}", pointer("evaluations", i)
        book.add(source, f"{where}/n", f"items/{run}")
        if row["calibration"]:
            book.fields(source, f"{where}/calibration", f"calibration/{run}", CALIBRATION)
        for done in row["answers"].get("behaviour", ()):
            book.add(source, f"{where}/answers/behaviour{pointer(done)}", f"behaviour/{run}/{done}")
        book.add(source, f"{where}/completions/mean_tokens", f"tokens/{run}", lambda v: f"{v:.1f}")
        for why in row["failures"]:
            book.add(source, f"{where}/failures{pointer(why)}", f"failure/{run}/{why}")
        for shift in (row["permutation"] or {}).get("accuracy_by_shift", {}):
            at = f"{where}/permutation/accuracy_by_shift/{shift}"
            book.fields(source, at, f"shift/{run}/{shift}", RATE)


def _data(book: Book, files: StudyFiles) -> None:
    source = Source(files.splits, files.root)
    for key in ("shuffle_seed", "near_duplicate_threshold", "by_group", "by_kind"):
        book.add(source, pointer(key), f"data/{key}")
    for key in ("leaks", "dropped", "excluded", "right_option_twice", "bad_gold"):
        if key in source.data:
            book.put(source, f"{pointer(key)} (count)", f"data/{key}", len(source.data[key]))
    for pair in source.data["groups_shared"]:
        book.add(source, pointer("groups_shared", pair), f"data/shared/{pair}")
    for split, described in source.data["splits"].items():
        where = pointer("splits", split)
        book.add(source, f"{where}/rows", f"data/{split}/rows")
        book.add(source, f"{where}/groups", f"data/{split}/groups")
        book.add(source, f"{where}/sha256", f"data/{split}/sha256", short)
        book.put(source, f"{where}/kinds (count)", f"data/{split}/kinds", len(described["kinds"]))
        for letter in sorted(described["answers"]):
            book.add(source, f"{where}/answers{pointer(letter)}", f"data/{split}/answers/{letter}")


def _gate(book: Book, files: StudyFiles) -> None:
    source = Source(files.gate, files.root)
    book.put(source, "/data (sum of rows)", "gate/rows", sum(entry["rows"] for entry in source.data["data"].values()))
    for name, table in source.data["tables"].items():
        where = pointer("tables", name)
        book.add(source, f"{where}/maximum", f"gate/{name}/maximum")
        book.add(source, f"{where}/honest", f"gate/{name}/honest", decimals)
        for component in table["weights"]:
            book.add(source, f"{where}/weights{pointer(component)}", f"gate/{name}/weight/{component}")
        for policy in table["policies"]:
            book.add(source, f"{where}/policies{pointer(policy)}", f"gate/{name}/policy/{policy}", decimals)
        exploits = {exploit["policy"] for exploit in table["exploits"]}
        book.put(source, f"{where}/exploits (policies)", f"gate/{name}/exploits", len(exploits))
        best = max(table["policies"].values(), default=None)
        book.put(source, f"{where}/policies (largest)", f"gate/{name}/best_policy", best, decimals)


def _training(book: Book, files: StudyFiles, stage: str, seed: int) -> None:
    source, key = Source(files.checkpoint(stage, seed), files.root), f"train/{stage}/{seed}"
    book.put(source, " (sha256 of the file)", f"{key}/sha256", source.sha256, short)
    for name in ("config_sha256", "code_sha256", "environment_sha256"):
        book.add(source, pointer(name), f"{key}/{name}", short)
    for part in ("base", "parent", "data"):
        if source.data[part]:
            book.add(source, f"/{part}/sha256", f"{key}/{part}_sha256", short)
    for file in source.data["adapter"]:
        book.add(source, f"/adapter{pointer(file)}", f"{key}/adapter/{file}", short)
    for name in ("steps", "bf16_used"):
        book.add(source, pointer(name), f"{key}/{name}")
    book.add(source, "/config/threads", f"{key}/threads")
    for block in ("stage", "lora", "guards"):
        for name in source.data["config"][block]:
            form = percent if name.startswith("min_") else plain
            book.add(source, pointer("config", block, name), f"{key}/{block}/{name}", form)
    for name, value in source.data["config"]["task_settings"].items():
        if not isinstance(value, str):
            book.add(source, pointer("config", "task_settings", name), f"{key}/task/{name}")
    log = Source(files.log(stage, seed), files.root)
    for name in log.data[0]:
        form = percent if name.startswith("sampled_") else plain
        book.add(log, f"/0{pointer(name)}", f"{key}/facts/{name}", form)
    for name, first, last in _curves(log.data):
        form = LOGGED.get(name, decimals)
        for end, lines in (("first", first), ("last", last)):
            mean = round(sum(log.data[line][name] for line in lines) / len(lines), 6)
            where = f"/{lines[0]}..{lines[-1]}{pointer(name)} (mean)"
            book.put(log, where, f"{key}/{end}/{name}", mean, form)
    logged = [entry for entry in log.data[1:] if "loss" in entry]
    book.put(log, " (logged steps averaged at either end)", f"{key}/window", _window(len(logged)))


def _window(steps: int) -> int:
    """How many of ``steps`` logged steps stand for either end of a curve."""
    return max(1, min(WINDOW, steps // 2))


def _curves(log: list[dict[str, Any]]) -> Iterator[tuple[str, list[int], list[int]]]:
    """Names logged at every step, with the lines at its start and at its end."""
    lines = [i for i, entry in enumerate(log) if i and "loss" in entry]
    window = _window(len(lines))
    for name in log[lines[0]] if lines else ():
        if (name in LOGGED or re.fullmatch(r"rewards/.+/mean", name)) and all(name in log[line] for line in lines):
            yield name, lines[:window], lines[-window:]


def _inputs(book: Book, files: StudyFiles) -> None:
    base = Source(files.base(), files.root)
    book.add(base, "/sha256", "base/sha256", short)
    dataset = Source(files.source(), files.root)
    book.add(dataset, "/rows_sha256", "dataset/rows_sha256", short)
    if files.from_corpus:
        for name in ("asked", "kept", "rejected"):
            book.add(dataset, f"/total/{name}", f"dataset/{name}")
        total = dataset.data["total"]
        beyond = total["asked"] - total["kept"] - total["rejected"]
        book.put(dataset, "/total (asked less kept and rejected)", "dataset/beyond", beyond)
        book.add(dataset, "/seed", "dataset/seed")
        return
    for origin in sorted(dataset.data["rows"]):
        book.add(dataset, f"/rows/{origin}", f"dataset/rows/{origin}")


def _parameters(book: Book, files: StudyFiles) -> None:
    """Levels of intervals and tests: constants of the code that computed them."""
    from primum.evaluation import calibration, stats, swaps

    source = Source(files.root / METHODS, files.root)
    for name, form in (("LEVEL", "{:.0%}"), ("ALPHA", "{}"), ("POWER", "{:.0%}")):
        book.put(source, name, f"method/{name.lower()}", getattr(stats, name), form.format)
    source = Source(files.root / CALIBRATED, files.root)
    for name in ("BINS", "SIMULATIONS"):
        book.put(source, name, f"method/{name.lower()}", getattr(calibration, name))
    book.put(Source(files.root / SWAPS, files.root), "RESAMPLES", "method/resamples", swaps.RESAMPLES)

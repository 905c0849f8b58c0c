# ruff: noqa: RUF001  (signs and quotation marks are meant as they are: they are printed)
"""The sections of a study's text: what was done, what was found, and what it cannot carry."""

from __future__ import annotations

from typing import Any

from primum.reports import findings, records
from primum.reports.numbers import Cite, Name, Rich, paragraph, text_of
from primum.reports.sources import StudyFiles
from primum.reports.tables import Block, Tables, pretty

Section = dict[str, Any]


def sections(tables: Tables, files: StudyFiles) -> list[Section]:
    """All sections of a study, in order."""
    blocks = {
        "Introduction": _introduction(tables),
        "Data": _data(tables),
        "Training": _training(tables, files),
        "Evaluation": _evaluation(tables),
        "Results": _results(tables, files),
        "Guards": _guards(tables),
        "Limitations": [bullets(findings.limits(tables))],
        "Reproducibility": _reproducibility(tables),
        "Further tables": _further(tables),
    }
    return [{"title": title, "blocks": [block for block in found if block]} for title, found in blocks.items()]


def text(spans: Rich) -> Block:
    """A paragraph."""
    return {"kind": "text", "spans": spans}


def bullets(items: list[Rich]) -> Block:
    """A list."""
    return {"kind": "list", "items": items}


def figure(files: StudyFiles, name: str, caption: Rich, wide: bool = False) -> Block:
    """A figure that was drawn before."""
    file = files.figure(name, "svg").name
    return {"kind": "figure", "file": file, "caption": caption, "alt": text_of(caption), "wide": wide}


def _introduction(tables: Tables) -> list[Block]:
    say = tables.numbers.say
    return [
        text(
            say(
                "Whether a training stage helped is a question about pairs: the same items, answered before and after."
                " This report rebuilds the study ‘{title}’ from its questions to its conclusions in one workflow, and"
                " asks of each stage whether it is better than the stage it grew from by more than chance explains."
                " Every rate stands with its interval, every comparison with its test and with the difference it could"
                " have found, and what is not supported is said to be so.",
                title=Name(tables.study.title),
            )
        )
    ]


def _data(tables: Tables) -> list[Block]:
    numbers, key, source = tables.numbers, tables.key, tables.records["dataset"]
    revision = "" if source["revision"] == "-" else f", revision {source['revision'][:12]}"
    return [
        text(
            numbers.say(
                "The dataset {id} ({source}{revision}; licence {licence}) holds {train} rows for training{validation}."
                " Training rows are shuffled with seed {seed} and cut into disjoint ranges. A row is refused if it"
                " cannot be asked or its gold answer does not earn every reward. Rows of different splits that are the"
                " same question, or whose pairs of neighbouring words have a Jaccard similarity of at least {threshold}"
                " (found by MinHash {broder}), count as leaks. Leaks found: {leaks}; rows dropped for them: {dropped};"
                " rows in which the right option stands twice: {twice}.",
                id=Name(source["id"]),
                source=Name(source["source"]),
                revision=Name(revision),
                licence=Name(source["licence"]),
                train=key("dataset", "rows", "train"),
                validation=_own_validation(tables),
                seed=key("data", "shuffle_seed"),
                threshold=key("data", "near_duplicate_threshold"),
                broder=Cite("broder1997"),
                leaks=key("data", "leaks"),
                dropped=key("data", "dropped"),
                twice=key("data", "right_option_twice"),
            )
        ),
        tables.splits(),
    ]


def _own_validation(tables: Tables) -> Rich:
    key = tables.key("dataset", "rows", "validation")
    return (
        tables.numbers.say(" and {rows} for validation", rows=key)
        if tables.numbers.has(key) and tables.numbers.value(key)
        else []
    )


def _training(tables: Tables, files: StudyFiles) -> list[Block]:
    numbers, key, base, study = tables.numbers, tables.key, tables.records["base"], tables.study
    first = key("train", study.stages[0].name, study.seeds_of(study.stages[0].name)[0])
    blocks = [
        text(
            numbers.say(
                "The base is {id} ({source}; licence {licence}; hash {sha}…). A single LoRA adapter {hu} of rank {r}"
                " and α = {alpha} on {modules} is trained, and handed from stage to stage: it is never merged on the"
                " way, so every checkpoint is an adapter on the true base, and loading one verifies the hashes of its"
                " base, its parent and its data. Supervised stages learn from the completion alone.",
                id=Name(base["id"]),
                source=Name(base["source"]),
                licence=Name(base["licence"]),
                sha=key("base", "sha256"),
                hu=Cite("hu2021"),
                r=f"{first}/lora/r",
                alpha=f"{first}/lora/alpha",
                modules=f"{first}/lora/target_modules",
            )
        )
    ]
    blocks += [text(_reinforced(tables, stage.name)) for stage in study.stages if stage.method == "grpo"]
    blocks.append(records.hyperparameters(tables))
    if any(stage.method == "sft" for stage in study.stages):
        blocks.append(
            figure(files, "training_loss", numbers.say("Loss on the completion by step, in supervised fine-tuning."))
        )
    if any(stage.method == "grpo" for stage in study.stages):
        caption = numbers.say(
            "Reward by step in GRPO. Above: the sum. Below: the share of completions that earn each component. Pale: as"
            " logged; strong: running mean."
        )
        blocks.append(
            figure(files, "training_reward", caption, wide=sum(stage.method == "grpo" for stage in study.stages) > 1)
        )
    return blocks


def _reinforced(tables: Tables, stage: str) -> Rich:
    numbers, seed = tables.numbers, tables.study.seeds_of(stage)[0]
    at = tables.key("train", stage, seed)
    table = numbers.value(f"{at}/stage/rewards")
    weights = [
        numbers.say(
            "{component} (weight {weight})",
            component=Name(pretty(component)),
            weight=tables.key("gate", table, "weight", component),
        )
        for component in numbers.under(tables.key("gate", table, "weight", ""))
    ]
    return numbers.say(
        "{stage} is group relative policy optimisation {shao}: {g} completions a prompt, sampled at temperature"
        " {temperature}. The reward of a completion is the sum of {weights}, at most {maximum}, each read from the"
        " verdict that evaluation reads too. The mean reward went from {first} to {last} (means of {window} logged"
        " steps at either end).",
        stage=Name(tables.shown(stage)),
        shao=Cite("shao2024"),
        g=f"{at}/stage/num_generations",
        temperature=f"{at}/stage/temperature",
        weights=findings.joined(weights),
        maximum=tables.key("gate", table, "maximum"),
        first=f"{at}/first/reward",
        last=f"{at}/last/reward",
        window=f"{at}/window",
    )


def _evaluation(tables: Tables) -> list[Block]:
    numbers, key = tables.numbers, tables.key
    return [
        text(
            numbers.say(
                "Every stage answers every item once, greedily; one parser judges completions for rewards and"
                " evaluation alike, and repairs nothing. Letter accuracy takes the likeliest letter instead of the"
                " written one. Consistency is the share of items for which the same option is chosen however the"
                " options are rotated. Rates have Wilson intervals {wilson}; stages are compared on the same items by"
                " the exact test of McNemar {mcnemar}, with Tango’s interval {tango}, Holm’s adjustment over the"
                " metrics of a pair {holm}, and the difference that would have been found with {power} power {connor}."
                " Published counts are compared by Fisher’s exact test {fisher}. Stated confidences are judged by the"
                " Brier score {brier} and by the expected calibration error over {bins} bins {guo}, beside what"
                " {simulations} simulated, perfectly calibrated models show {brocker}. Claims are made on {split}"
                " alone.",
                wilson=Cite("wilson1927"),
                mcnemar=Cite("mcnemar1947"),
                tango=Cite("tango1998"),
                holm=Cite("holm1979"),
                power=key("method", "power"),
                connor=Cite("connor1987"),
                fisher=Cite("fisher1922"),
                brier=Cite("brier1950"),
                bins=key("method", "bins"),
                guo=Cite("guo2017"),
                simulations=key("method", "simulations"),
                brocker=Cite("brocker2007"),
                split=Name(tables.study.splits[0]),
            )
        )
    ]


def _results(tables: Tables, files: StudyFiles) -> list[Block | None]:
    numbers, study = tables.numbers, tables.study
    blocks: list[Block | None] = [text(findings_paragraph(tables))]
    caption = numbers.say(
        "Every rate of every stage on {split}, with {level} Wilson intervals. Thin rules: the majority letter (solid)"
        " and chance (dotted).",
        split=Name(study.splits[0]),
        level=tables.key("method", "level"),
    )
    blocks += [tables.headline_rates(), tables.headline_comparisons(), figure(files, "metric_by_stage", caption)]
    blocks.append(tables.metrics(study.splits[0]))
    blocks.append(tables.comparisons(study.splits[:1]))
    blocks.append(tables.baselines(study.splits[0]))
    if found := findings.published(tables):
        note = numbers.say(
            " Ours are those of {base} on {dataset}: they repeat the original’s measurement only where base and data"
            " are the original’s.",
            base=Name(tables.records["base"]["id"]),
            dataset=Name(tables.records["dataset"]["id"]),
        )
        blocks += [text(found + note), tables.published()]
    caption = numbers.say(
        "Share right by stated confidence on {split}, with {level} Wilson intervals; on the diagonal confidence is"
        " right.",
        split=Name(study.splits[0]),
        level=tables.key("method", "level"),
    )
    return [*blocks, text(paragraph(findings.calibration(tables))), figure(files, "calibration", caption, wide=True)]


def findings_paragraph(tables: Tables) -> Rich:
    """Headline comparisons, then the baselines, as one paragraph."""
    extra = findings.baselines(tables)
    return paragraph([*findings.headlines(tables), *([extra] if extra else [])])


def _guards(tables: Tables) -> list[Block | None]:
    numbers, study = tables.numbers, tables.study
    sentences = [
        numbers.say(
            "Before training, the gold answer of every one of {rows} training rows had to earn the full reward, and"
            " policies that know nothing had to earn less.",
            rows=tables.key("gate", "rows"),
        )
    ]
    for stage in (stage.name for stage in study.stages if stage.method == "grpo"):
        at = tables.key("train", stage, study.seeds_of(stage)[0])
        sampled = f"{at}/facts/sampled_{numbers.value(f'{at}/guards/sampled_outcome')}"
        sentences.append(
            numbers.say(
                "Before {stage}, {rate}% of sampled completions (of up to {n} prompts) were {outcome}; {minimum}% were"
                " required. It would have stopped after {steps} logged steps with all rewards equal.",
                stage=Name(tables.shown(stage)),
                rate=sampled,
                n=f"{at}/guards/sampled_prompts",
                outcome=Name(pretty(numbers.value(f"{at}/guards/sampled_outcome"))),
                minimum=f"{at}/guards/min_sampled_schema_rate",
                steps=f"{at}/guards/max_equal_reward_steps",
            )
        )
    sentences.append(
        numbers.say(
            "Training also stops on a loss that is no number, when no weight changed, and when the weights below the"
            " adapter are not those of the base on record."
        )
    )
    return [text(paragraph(sentences)), records.gate(tables), records.curves(tables)]


def _reproducibility(tables: Tables) -> list[Block]:
    numbers, key = tables.numbers, tables.key
    return [
        text(
            numbers.say(
                "The same commit, configuration and type of machine give the same bytes: {manifest} lists the hash of"
                " every artefact and of its inputs. A table gives first digits; the base is {base}…, the rows"
                " of the dataset are {rows}….",
                manifest=Name("manifest.json"),
                base=key("base", "sha256"),
                rows=key("dataset", "rows_sha256"),
            )
        ),
        records.hashes(tables),
    ]


def _further(tables: Tables) -> list[Block]:
    """The prompt, splits on which nothing is claimed, and kinds of items."""
    settings, others = tables.records["config"]["task_settings"], tables.study.splits[1:]
    prompts = [settings[name] for name in sorted(settings) if name.endswith("_prompt") and settings[name]]
    blocks = [
        text(tables.numbers.say("The prompt, with the fields it is filled from:")),
        *({"kind": "code", "text": prompt} for prompt in prompts),
    ]
    blocks += [tables.metrics(split) for split in others]
    return [*blocks, *([tables.comparisons(others, [tables.headline])] if others else []), tables.kinds()]

# ruff: noqa: RUF001  (signs and quotation marks are meant as they are: they are printed)
"""Sections on how a study's stages came about: data, training, guards, and what makes the same bytes."""

from __future__ import annotations

from primum.reports import backends, exhibits, findings, records
from primum.reports.blocks import figure, text
from primum.reports.computing import compute
from primum.reports.numbers import Cite, Name, Rich, paragraph
from primum.reports.sources import StudyFiles
from primum.reports.tables import Block, Tables, pretty

SPREAD = {False: "", True: ", over which every kind is spread evenly"}
UNITS = {False: "Training rows", True: "Whole groups of training rows about the same thing"}
FEW = 2  # stages of a method that a paragraph each describes; more stand in a table


def data(tables: Tables, files: StudyFiles) -> list[Block | None]:
    """Where the rows are from, and how splits were made."""
    numbers, key, source = tables.numbers, tables.key, tables.records["dataset"]
    if source["reader"] == "corpus":
        shown = [exhibits.composition(tables, files), exhibits.yields(tables, files)]
        return [text(_written(tables)), tables.splits(), *shown]
    revision = "" if source["revision"] == "-" else f", revision {source['revision'][:12]}"
    return [
        text(
            numbers.say(
                "The dataset {id} ({source}{revision}; licence {licence}) holds {train} rows for training{validation}."
                " {units} are shuffled with seed {seed} and cut into disjoint ranges{spread}. A row is refused if it"
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
                units=Name(UNITS[bool(numbers.value(key("data", "by_group")))]),
                spread=Name(SPREAD[bool(numbers.value(key("data", "by_kind")))]),
                seed=key("data", "shuffle_seed"),
                threshold=key("data", "near_duplicate_threshold"),
                broder=Cite("broder1997"),
                leaks=key("data", "leaks"),
                dropped=key("data", "dropped"),
                twice=key("data", "right_option_twice"),
            )
        ),
        tables.splits(),
        exhibits.composition(tables, files),
    ]


def _written(tables: Tables) -> Rich:
    """Where a corpus is from."""
    numbers, key, source = tables.numbers, tables.key, tables.records["dataset"]
    return numbers.say(
        "A teacher wrote the corpus ({source}; licence {licence}) from sourced facts: {asked} drafts were asked for,"
        " seed {seed}; {rejected} were rejected by filters, {beyond} came beyond a quota, and {kept} are kept. A draft"
        " is kept if its quotes stand in its context and its answer is the one its brief holds; splits that are"
        " measured on have facts of their own. Rows of different splits that are the same item, or whose pairs of"
        " neighbouring words have a Jaccard"
        " similarity of at least {threshold} (found by MinHash {broder}), count as leaks. Leaks found: {leaks}; rows"
        " dropped for them: {dropped}.",
        source=Name(source["source"]),
        licence=Name(source["licence"]),
        **{name: key("dataset", name) for name in ("asked", "rejected", "beyond", "kept", "seed")},
        threshold=key("data", "near_duplicate_threshold"),
        broder=Cite("broder1997"),
        leaks=key("data", "leaks"),
        dropped=key("data", "dropped"),
    )


def _own_validation(tables: Tables) -> Rich:
    key = tables.key("dataset", "rows", "validation")
    return (
        tables.numbers.say(" and {rows} for validation", rows=key)
        if tables.numbers.has(key) and tables.numbers.value(key)
        else []
    )


def training(tables: Tables, files: StudyFiles) -> list[Block]:
    """The base, the stages and what they were paid for."""
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
            + backends.software(numbers, study.backend)
        )
    ]
    reinforced = [stage.name for stage in study.stages if stage.method == "grpo"]
    if len(reinforced) > FEW:
        blocks += [text(_reinforced_in_arms(tables)), records.tree(tables), records.weights(tables)]
    else:
        blocks += [text(_reinforced(tables, name)) for name in reinforced]
    blocks.append(records.hyperparameters(tables))
    if any(stage.method == "sft" for stage in study.stages):
        blocks.append(
            figure(files, "training_loss", numbers.say("Loss on the completion by step, in supervised fine-tuning."))
        )
    if any(stage.method == "grpo" for stage in study.stages):
        caption = numbers.say(
            "Reward by step in GRPO, each stage under its own table. Pale: as logged; strong: running mean."
            if len(reinforced) > FEW
            else "Reward by step in GRPO. Above: the sum. Below: the share of completions that earn each component."
            " Pale: as logged; strong: running mean."
        )
        blocks.append(figure(files, "training_reward", caption, wide=len(reinforced) > 1))
    return [*blocks, *compute(tables)]


def _reinforced_in_arms(tables: Tables) -> Rich:
    numbers, study = tables.numbers, tables.study
    arms = study.tree().arms()
    first = next(stage.name for stage in study.stages if stage.method == "grpo")
    at = tables.key("train", first, study.seeds_of(first)[0])
    spans = numbers.say(
        "The other stages are group relative policy optimisation {shao}: {g} completions a prompt, sampled at"
        " temperature {temperature}. The reward of a completion is the sum of what its table pays for the outcomes"
        " of its verdict, which evaluation reads too; tables differ by stage.",
        shao=Cite("shao2024"),
        g=f"{at}/stage/num_generations",
        temperature=f"{at}/stage/temperature",
    )
    if arms:
        spans += numbers.say(
            " The main arm is {main}; beside it, from the same parent, stand {others}.",
            main=Name(" → ".join(arms[0])),
            others=findings.joined([[{"text": " → ".join(arm)}] for arm in arms[1:]]),
        )
    return spans


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


def guards(tables: Tables) -> list[Block | None]:
    """What would have stopped a run that teaches nothing."""
    numbers, study = tables.numbers, tables.study
    sentences = [
        numbers.say(
            "Before training, the gold answer of every one of {rows} training rows had to earn the full reward, and"
            " policies that know nothing had to earn less.",
            rows=tables.key("gate", "rows"),
        )
    ]
    known = [name for name in tables.gate_tables() if numbers.value(tables.key("gate", name, "exploits"))]
    if known:
        sentences.append(
            numbers.say(
                "Tables kept for comparison ({names}) pay policies that cheat, and are reported, not refused.",
                names=Name(", ".join(known)),
            )
        )
    trained = [stage.name for stage in study.stages if stage.rewards in known]
    if trained:
        sentences.append(numbers.say("Trained by one of them: {stages}.", stages=Name(", ".join(trained))))
    reinforced = [stage.name for stage in study.stages if stage.method == "grpo"]
    for stage in reinforced if len(reinforced) <= FEW else ():
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


def reproducibility(tables: Tables) -> list[Block]:
    """What the same bytes rest on."""
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

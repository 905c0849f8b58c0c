"""What is published of a corpus: chats, Croissant metadata, schema and report, each told from the rows alone."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest

from primum.corpora.chats import chat, neutral_id, write_chats
from primum.corpora.compare import compare_items, comparison, judge_teacher
from primum.corpora.contents import chat_file, corpus_files
from primum.corpora.croissant import COLUMNS, OF_PROMPTS, croissant
from primum.corpora.diversity import diversity
from primum.corpora.generate import describe
from primum.corpora.report import BAGS, NOT_A_BAG, POLICIES, generation_report
from primum.corpora.schema_document import MEANING, schema_document
from primum.corpora.surface import surface
from primum.evaluation.stats import rate
from primum.files import dumps, read_jsonl, sha256_file, write_json, write_jsonl
from primum.settings import load_config, load_study
from primum.tasks.base import Example
from primum.teaching import KINDS
from primum.training.gate import RewardsConfig, build_gate
from tests.unit.corpora.conftest import DEFAULT, ROOT, embedded_asks


@pytest.fixture(scope="module")
def folder(job, parts, made, tmp_path_factory):
    """The chats of the tiny corpus and its metadata, beside its rows."""
    folder = tmp_path_factory.mktemp("corpus")
    write_jsonl(folder / "rows.jsonl", made.rows)
    write_chats(job, made.rows, parts[0], folder)
    write_json(folder / "croissant.json", croissant(job, folder))
    return folder


@pytest.fixture(scope="module")
def read(job, made, parts, folder):
    """Everything that the report is told."""
    task, items, checks = parts
    asked = compare_items(job, items)
    names = {"embedded": (0, 0.12), "embedded-careless": (1, 0.30)}
    judged = {n: judge_teacher(embedded_asks(*how), asked, items, task, checks) for n, how in names.items()}
    study = load_study(ROOT, "dipg", load_config(DEFAULT | {"studies": ["dipg"]}))
    rows = [row for row in made.rows if row["origin"] == "grpo"][:60]
    write_jsonl(folder / "data" / "grpo.jsonl", (Example.from_row(row).to_row() for row in rows))
    rewards = RewardsConfig(
        study="dipg",
        task=study.task,
        task_settings=study.task_settings,
        rewards=study.rewards,
        exploitable=study.exploitable_rewards,
    )
    return {
        "generation": describe(job, made, folder),
        "comparison": comparison(job, judged),
        "splits": {
            "groups_shared": {"dev+eval": 0, "dev+sft": 3},
            "near_duplicate_threshold": 0.8,
            "leaks": [{"ids": ["a", "b"]}],
        },
        "rewards_check": build_gate(rewards, [folder / "data" / "grpo.jsonl"]),
    }


@pytest.fixture(scope="module")
def report(job, made, read) -> str:
    return generation_report(job, made.rows, made.rejected, **read)


# --- chats ------------------------------------------------------------------------------------------------------------


def test_every_line_of_every_chat_file_parses_and_stands_for_its_row(job, made, parts, folder) -> None:
    task = parts[0]
    by_id = {neutral_id(row) if row["origin"] == "grpo" else row["id"]: row for row in made.rows}
    for split, size in job.corpus.sizes.items():
        lines = read_jsonl(folder / chat_file("dipg", split, job.corpus.prompts_only))
        assert len(lines) == size and all(line["metadata"]["split"] == split for line in lines)
        for line in lines:
            row = by_id.pop(line["id"])
            assert set(line) == {"id", "conversations", "metadata"}
            turns = line["conversations"]
            asked = len(task.messages(Example.from_row(row)))  # a system turn only where there is a system prompt
            assert [turn["from"] for turn in turns][:asked] == ["system", "human"][-asked:]
            shown = turns[asked - 1]["value"]
            assert row["inputs"]["context"] in shown and row["inputs"]["question"] in shown
            if split != "grpo":
                assert [turn["from"] for turn in turns[asked:]] == ["gpt"]
                verdict = task.judge(Example.from_row(row), turns[asked]["value"])
                assert verdict.outcomes["right"] and line["metadata"]["expects"] == row["gold"]["expects"]
    assert not by_id


def test_prompts_only_means_that_no_target_is_told(job, made, folder) -> None:
    (name,) = [
        n for n in corpus_files("dipg", job.corpus.sizes, job.corpus.prompts_only) if n.endswith("_prompts.jsonl")
    ]
    assert name == "dipg_grpo_prompts.jsonl" and not (folder / "dipg_grpo_v1.jsonl").exists()
    rows = {neutral_id(row): row for row in made.rows if row["origin"] == "grpo"}
    for line in read_jsonl(folder / name):
        assert set(line["metadata"]) == {"split", "teacher"}
        assert not [kind for kind in KINDS if kind in dumps(line["metadata"]) or kind in line["id"]]
        gold, inputs = rows[line["id"]]["gold"], rows[line["id"]]["inputs"]
        turns = line["conversations"]
        assert [turn["from"] for turn in turns] == [*["system"] * (len(turns) - 1), "human"] and len(turns) <= 2
        assert not {"expects", "answer", "think", "proof", "key", "gold"} & set(line["metadata"])
        rest = dumps(line).replace(json.dumps(inputs["context"], ensure_ascii=False)[1:-1], "")
        rest = rest.replace(json.dumps(inputs["question"], ensure_ascii=False)[1:-1], "")
        for told in (gold["answer"], gold["think"], *gold["proof"]):
            assert json.dumps(told, ensure_ascii=False)[1:-1] not in rest, line["id"]
        # The key may stand in the context, which is where it is to be found, and nowhere behind the question.
        behind = turns[-1]["value"].rpartition(inputs["question"])[2]
        assert not gold["key"] or gold["key"] not in behind
        assert not gold["key"] or gold["key"] not in dumps(line["metadata"] | {"group": "", "source": ""})


def test_a_split_is_either_with_targets_or_without(job, parts, made, tmp_path) -> None:
    open_ = job.model_copy(update={"corpus": job.corpus.model_copy(update={"prompts_only": ["dev", "eval"]})})
    written = write_chats(open_, made.rows, parts[0], tmp_path)
    assert written == {
        "dipg_dev_prompts.jsonl": 100,
        "dipg_eval_prompts.jsonl": 200,
        "dipg_grpo_v1.jsonl": 200,
        "dipg_sft_v1.jsonl": 400,
    }
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(written)
    assert '"gpt"' not in (tmp_path / "dipg_eval_prompts.jsonl").read_text(encoding="utf-8")


def test_a_chat_without_a_system_prompt_begins_with_the_human(made, job) -> None:
    from primum.tasks import load_task

    task = load_task(job.task, job.task_settings | {"system_prompt": ""})
    assert [turn["from"] for turn in chat(made.rows[0], task, True)["conversations"]] == ["human", "gpt"]


def test_names_of_files() -> None:
    files = corpus_files("s", ["sft", "dev"], ["sft"])
    assert files == [
        *("rows.jsonl", "rejected.jsonl", "generation.json", "comparison.json"),
        *("s_dev_v1.jsonl", "s_sft_prompts.jsonl"),
        *("DATA_SCHEMA.md", "croissant.json", "DATA_GENERATION_REPORT.md"),
    ]


# --- Croissant --------------------------------------------------------------------------------------------------------


def test_croissant_loads_and_its_records_iterate(job, made, folder) -> None:
    import mlcroissant as mlc

    dataset = mlc.Dataset(str(folder / "croissant.json"))
    assert not dataset.metadata.issues.errors
    assert {record.id for record in dataset.metadata.record_sets} == set(job.corpus.sizes)
    for split, size in job.corpus.sizes.items():
        records = list(dataset.records(split))
        told = split != "grpo"
        mine = {row["id"] if told else neutral_id(row): row for row in made.rows if row["origin"] == split}
        assert len(records) == size, split
        ids = {_text(record[f"{split}/id"]) for record in records}
        assert ids == set(mine)
        for record in records:
            assert set(record) == {f"{split}/{name}" for name, *_ in COLUMNS if told or name in OF_PROMPTS}
            if not told:
                continue
            row = mine[_text(record[f"{split}/id"])]
            assert _text(record[f"{split}/kind"]) == row["kind"] and _text(record[f"{split}/group"]) == row["group"]
            assert _text(record[f"{split}/source"]) == row["meta"]["source"]


def test_every_turn_of_a_conversation_is_a_value_of_its_record(folder, made) -> None:
    import mlcroissant as mlc

    dataset = mlc.Dataset(str(folder / "croissant.json"))
    lines = {line["id"]: line for line in read_jsonl(folder / "dipg_dev_v1.jsonl")}
    for record in list(dataset.records("dev"))[:20]:
        turns = lines[_text(record["dev/id"])]["conversations"]
        assert [_text(value) for value in record["dev/conversations"]] == [turn["value"] for turn in turns]
        assert [_text(value) for value in record["dev/roles"]] == [turn["from"] for turn in turns]


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def test_croissant_lists_each_file_with_its_hash_and_no_date(job, folder) -> None:
    told = json.loads((folder / "croissant.json").read_text())
    listed = {entry["name"]: entry["sha256"] for entry in told["distribution"]}
    assert listed == {path.name: sha256_file(path) for path in folder.glob("dipg_*.jsonl")} and len(listed) == 4
    assert str(folder) not in dumps(told) and not re.search(r"date\w*\"?: \"?20\d\d-", dumps(told))
    assert dumps(croissant(job, folder)) == dumps(told)


# --- schema and report ------------------------------------------------------------------------------------------------


def test_the_schema_names_every_file_with_its_count(job, made, parts) -> None:
    text = schema_document(job, made.rows, parts[0])
    for split, size in job.corpus.sizes.items():
        (line,) = [
            line for line in text.splitlines() if f"`{chat_file('dipg', split, job.corpus.prompts_only)}`" in line
        ]
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        assert cells[1:3] == [split, str(size)]
        assert cells[3] == ("prompts only" if split == "grpo" else "prompts and targets")
        assert ("held out" in cells[4]) == (split in ("dev", "eval"))
    for kind, count in Counter(row["kind"] for row in made.rows).items():
        assert f"| `{kind}` | {count} | {count / 900:.1%} | {MEANING[kind]} |" in text
    assert set(MEANING) == set(KINDS) and text == schema_document(job, made.rows, parts[0])


def test_the_schemas_examples_are_lines_of_the_files_and_none_is_of_a_split_without_targets(
    job, made, parts, folder
) -> None:
    text = schema_document(job, made.rows, parts[0])
    examples = [json.loads(block) for block in re.findall(r"```json\n(.*?)\n```", text, re.S)]
    assert [example["metadata"]["kind"] for example in examples] == sorted(KINDS)
    for example in examples:
        split = example["metadata"]["split"]
        assert split != "grpo" and example in read_jsonl(folder / f"dipg_{split}_v1.jsonl")
    fields = {key for path in folder.glob("dipg_*.jsonl") for line in read_jsonl(path) for key in line["metadata"]}
    assert {f"metadata.{field}" for field in fields} == set(re.findall(r"`(metadata\.\w+)`", text))


def test_a_schema_without_targets_for_a_kind_is_still_written(job, made, parts) -> None:
    """A study may publish every split without its targets."""
    closed = job.model_copy(update={"corpus": job.corpus.model_copy(update={"prompts_only": sorted(job.corpus.sizes)})})
    assert "prompts only" in schema_document(closed, made.rows, parts[0])


def test_the_report_holds_the_intervals_of_rate(made, read, report) -> None:
    def told(kept, judged):
        r = rate(kept, judged)
        return f"{100 * r.value:.1f} [{100 * r.low:.1f}, {100 * r.high:.1f}]"

    assert (
        f"900 rows kept of {900 + len(made.rejected)} replies judged ({told(900, 900 + len(made.rejected))} %" in report
    )
    for split, kinds in made.counts.items():
        for kind, count in kinds.items():
            judged = count["kept"] + sum(count["rejected"].values())
            assert f"| {split} | {kind} | {count['kept']} | {judged} | {told(count['kept'], judged)} |" in report
    for teacher in read["comparison"]["teachers"].values():
        assert told(teacher["yield"]["numerator"], 120) in report
    assert read["comparison"]["difference"]["in_words"] in report


def test_the_report_tells_reasons_costs_leaks_and_exploits(made, read, report) -> None:
    for reason, count in Counter(row["reason"] for row in made.rejected).items():
        assert re.search(rf"^\| {reason} \| {count} \| `", report, re.M), reason
    usage = made.usage
    assert (
        f"{usage['requests']} requests, {usage['prompt_tokens']} prompt and {usage['completion_tokens']} completion"
        in report
    )
    assert f"{usage['cost']:.2f} US dollars" in report
    assert "(threshold 0.8): 1." in report and "dev+eval 0, dev+sft 3" in report
    tables = read["rewards_check"]["tables"]
    assert "- **repaired** passes" in report and "- **soft** fails, and is kept for comparison only" in report
    for policy in POLICIES:
        cells = " | ".join(f"{tables[name]['policies'][policy]:.2f}" for name in tables)
        assert f"| {policy}: {POLICIES[policy]} | {cells} |" in report
    assert "50% positive, 40% refusal, 10% general safety" in report
    assert "no language model" in report or "nothing of any language model" in report


def test_the_report_tells_what_the_surface_gives_away(job, made, read, report) -> None:
    held_out = [row for row in made.rows if row["origin"] in ("dev", "eval")]
    found = surface([row for row in made.rows if row["origin"] not in ("dev", "eval")], held_out)
    for name, told in (BAGS | NOT_A_BAG).items():
        value, low, high = (f"{100 * found[name][key]:.1f}" for key in ("value", "low", "high"))
        assert f"| {told} | {value} [{low}, {high}] |" in report
    assert "tried on the 300 held-out rows (dev, eval)" in report and "right to answer on 60.0 % of the rows" in report
    assert "a coin stays below 55.8" in report and "No bag of words does better than a coin" in report
    tell = {"abstain": " It is not stated.", "conflict": " It is stated twice.", "answer": ""}
    leaky = [
        row | {"inputs": row["inputs"] | {"context": row["inputs"]["context"] + tell[row["gold"]["expects"]]}}
        for row in made.rows
    ]
    text = generation_report(job, leaky, made.rejected, **read)
    assert "Better than a coin: the context's words, the words of both. So far, abstention" in text
    answers = [row for row in made.rows if row["gold"]["expects"] == "answer"]
    assert "Not measured: rows that can be" in generation_report(job, answers, made.rejected, **read)


def test_every_table_of_the_report_is_rectangular(report) -> None:
    """A reply's own words stand in one: they must not open a cell, a line or a tag."""
    width = None
    for line in report.splitlines():
        if not line.startswith("|"):
            width = None
            continue
        width = width or line.count("|")
        assert line.count("|") == width, line
    assert "</think>" not in report


def test_hostile_details_do_not_break_the_report(job, made, read) -> None:
    hostile = [made.rejected[0] | {"detail": "a | b <script> `code` \n# A heading\r| x |"}, *made.rejected[1:]]
    text = generation_report(job, made.rows, hostile, **read)
    assert "\n# A heading" not in text and "<script>" not in text
    test_every_table_of_the_report_is_rectangular(text)


def test_a_teacher_alone_is_reported_without_a_test(job, made, read) -> None:
    alone = read["comparison"] | {"difference": None}
    alone["teachers"] = {"embedded": alone["teachers"]["embedded"]}
    text = generation_report(job, made.rows, made.rejected, **(read | {"comparison": alone}))
    assert "## The teacher alone" in text and "McNemar" not in text


def test_a_corpus_without_needles_and_without_rejections_is_reported(job, made, read) -> None:
    generation = read["generation"] | {"reasons": {}}
    rows = [row for row in made.rows if row["kind"] != "needle"]
    text = generation_report(job, rows, [], **(read | {"generation": generation}))
    assert "Needles:" not in text and "## Rejections" in text


def test_the_same_input_gives_the_same_bytes(job, made, read, report, parts, tmp_path, folder) -> None:
    assert report == generation_report(job, made.rows, made.rejected, **read) and str(ROOT) not in report
    write_chats(job, list(made.rows), parts[0], tmp_path)
    for path in folder.glob("dipg_*.jsonl"):
        assert path.read_bytes() == (tmp_path / path.name).read_bytes()


# --- diversity --------------------------------------------------------------------------------------------------------


def _row(group: str, context: str, question: str = "Why is it so?") -> dict:
    gold = {"think": "It is told there.", "answer": "Because."}
    return {"group": group, "inputs": {"context": context, "question": question}, "gold": gold}


def test_diversity_by_hand() -> None:
    found = diversity([_row("a", "the cat sat down"), _row("b", "the cat sat up now"), _row("a", "the cat sat down")])
    assert found["groups"] == 2
    assert found["context"] == {
        "distinct": 2,
        "distinct_1": round(6 / 13, 6),  # the cat sat down up now, of 4 + 5 + 4 words
        "distinct_2": round(5 / 10, 6),  # the-cat cat-sat sat-down sat-up up-now, of 3 + 4 + 3 pairs
        "words_least": 4,
        "words_mean": round(13 / 3, 6),
        "words_most": 5,
        "commonest_opening": 1.0,
    }
    assert found["question"]["distinct"] == 1 and found["answer"]["distinct_2"] == 0.0  # one word has no pair


def test_openings_are_three_words() -> None:
    rows = [_row("a", f"the cat {verb} today") for verb in ("sat", "sat", "ran", "slept")]
    assert diversity(rows)["context"]["commonest_opening"] == 0.5

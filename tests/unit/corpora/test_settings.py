"""Configuration of corpora and teachers: whatever is wrong is a line that names it, before anything is asked."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from primum.config import Config, Study
from primum.corpora.croissant import LICENCE
from primum.corpora.settings import CorpusJob
from primum.errors import UserError
from primum.plan import Plan
from primum.settings import load_config, load_study, merge
from primum.strict import parse
from tests.unit.corpora.conftest import DEFAULT, ROOT

DIPG = yaml.safe_load((ROOT / "config" / "studies" / "dipg.yaml").read_text(encoding="utf-8"))
ONLY = DEFAULT | {"studies": ["dipg"]}
GRPO = {
    "method": "grpo",
    "parent": "base",
    "split": "grpo",
    "rewards": "repaired",
    "max_steps": 1,
    "learning_rate": 1e-5,
    "warmup_ratio": 0.0,
    "lr_scheduler_type": "linear",
    "per_device_train_batch_size": 1,
    "gradient_accumulation_steps": 1,
    "bf16": False,
    "gradient_checkpointing": False,
    "num_generations": 2,
    "max_completion_length": 8,
    "max_prompt_length": 8,
}
REST = {
    "base": "tiny-qwen3",
    "lora": {"r": 1, "alpha": 1, "dropout": 0.0, "target_modules": ["q_proj"]},
    "guards": {
        "min_sampled_schema_rate": 0.0,
        "sampled_prompts": 1,
        "sampled_outcome": "exact_format",
        "max_equal_reward_steps": 1,
    },
    "evaluation": {"splits": ["eval"], "max_new_tokens": 8, "batch_size": 1, "permutations": 0},
}


def _refused(values: dict[str, Any]) -> UserError:
    with pytest.raises(UserError) as caught:
        parse(Study, values, "study 'dipg'")
    assert "\n" not in str(caught.value) and caught.value.remedy and "study 'dipg'" in caught.value.message
    return caught.value


def _study(changes: dict[str, Any], *without: str) -> dict[str, Any]:
    values = merge(copy.deepcopy(DIPG), changes)
    for path in without:
        *upper, last = path.split(".")
        place = values
        for key in upper:
            place = place[key]
        del place[last]
    return values


def _over(**corpus: Any) -> dict[str, Any]:
    return {"corpus": corpus}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (_over(composition={"safety": 0.2}), "composition: shares add up to 1.1, not to 1"),
        (_over(composition={"safety": 0.0}), "composition: shares add up to 0.9, not to 1"),
        (_over(composition={"safety": 1.1, "needle": -0.85}), "'corpus.composition.needle'"),
        (_over(composition={"poetry": 0.0}), "corpus.composition.poetry"),
        (_over(prompts={"poetry": "dipg-teacher-needle.txt"}), "corpus.prompts.poetry"),
        (_over(held_out=["dev", "test"]), "held_out: 'test' is not in sizes"),
        (_over(held_out=[]), "'corpus.held_out'"),
        (_over(held_out=["dev", "eval", "sft", "grpo"]), "held_out: no split is left to train on"),
        (_over(prompts_only=["grpp"]), "prompts_only: 'grpp' is not in sizes"),
        (_over(haystack_axioms=[9, 4]), "haystack_axioms: the fewest are more than the most"),
        (_over(haystack_axioms=[0, 4]), "'corpus.haystack_axioms.0'"),
        (_over(haystack_axioms=[4]), "'corpus.haystack_axioms"),
        (_over(challenger="gpt-oss-120b"), "challenger: it is the teacher itself"),
        (_over(comparison_items=49), "'corpus.comparison_items'"),
        (_over(sizes={"sft": 0}), "'corpus.sizes.sft'"),
        (_over(sizes={"a/b": 5}), "'a/b' cannot be a name"),
        (_over(held_out_share=0.0), "'corpus.held_out_share'"),
        (_over(held_out_share=1.0), "'corpus.held_out_share'"),
        (_over(near_duplicate_threshold=1.5), "'corpus.near_duplicate_threshold'"),
        (_over(max_tries=0.5), "'corpus.max_tries'"),
        (_over(seed=-1), "'corpus.seed'"),
        (_over(teacher="a b"), "'a b' cannot be a name"),
        (_over(temperature=0.5), "unknown key 'corpus.temperature'"),
        # where rows come from
        ({"data": {"ranges": {"dev": [0, 10]}}}, "data.from_corpus: needs a corpus, and no ranges and no validation"),
        ({"data": {"validation": True}}, "data.from_corpus: needs a corpus, and no ranges and no validation"),
        ({"data": {"from_corpus": False}}, "data.ranges: cut the dataset, or describe a corpus"),
        ({"dataset": None}, "'dataset'"),
        ({"corpus": None}, "data.from_corpus: needs a corpus"),
        # rewards and stages
        ({"exploitable_rewards": ["soft", "kind"]}, "exploitable_rewards: 'kind' is no table of this study"),
        ({"base": None}, "base: a study with stages needs it"),
        *(
            ({"stages": {"grpo": GRPO}} | REST | {key: None}, f"{key}: a study with stages needs it")
            for key in ("lora", "guards", "evaluation")
        ),
        ({"stages": {"grpo": GRPO | {"split": "validation"}}} | REST, "split 'validation' is not in"),
        ({"stages": {"grpo": GRPO | {"split": "grop"}}} | REST, "split 'grop' is not in"),
        ({"stages": {"grpo": GRPO | {"rewards": "kind"}}} | REST, "rewards 'kind' is no table"),
        ({"stages": {"base": GRPO}} | REST, "a stage may not be called 'base'"),
        (
            {"stages": {"grpo": GRPO}} | REST | {"evaluation": REST["evaluation"] | {"splits": ["grpo"]}},
            "evaluation.splits: 'grpo' is also trained on",
        ),
        (
            {"stages": {"grpo": GRPO}} | REST | {"evaluation": REST["evaluation"] | {"splits": ["test"]}},
            "evaluation.splits: 'test' is not a split",
        ),
    ],
)
def test_a_mistake_in_a_study_with_a_corpus_is_named(changes: dict[str, Any], said: str) -> None:
    assert said in _refused(_study(changes)).message


def test_a_stage_must_not_train_on_what_is_held_out() -> None:
    """The held-out splits have facts of their own so that training never sees them."""
    evaluation = REST["evaluation"] | {"splits": ["eval"]}
    said = _refused(_study({"stages": {"grpo": GRPO | {"split": "dev"}}} | REST | {"evaluation": evaluation})).message
    assert "dev" in said


def test_a_kind_without_a_prompt_is_named() -> None:
    said = _refused(_study({}, "corpus.prompts.conflict")).message
    assert "prompts: kind 'conflict' has no prompt" in said


@pytest.mark.parametrize(
    "key", ["resources", "teacher", "challenger", "seed", "prompts", "composition", "sizes", "held_out", "max_tries"]
)
def test_a_key_that_is_missing_is_named(key: str) -> None:
    assert f"corpus.{key}" in _refused(_study({}, f"corpus.{key}")).message


def test_a_corpus_that_nobody_registered_is_refused() -> None:
    assert "key 'dataset' is missing" in _refused(_study({}, "dataset")).message


def test_a_corpus_is_no_dataset_of_a_study_without_one() -> None:
    with pytest.raises(UserError, match="is a corpus, and the study describes none"):
        Plan(ROOT, DEFAULT | {"overrides": {"medmcqa": {"dataset": "dipg-corpus"}}})


def test_the_licence_that_a_corpus_states_is_the_registered_one() -> None:
    assert LICENCE.endswith(f"/{Plan(ROOT, ONLY).dataset('dipg').licence}.html")


def test_a_whole_tree_on_a_corpus_is_accepted() -> None:
    """The refusals above are due to what they name: without it the same study is taken."""
    study = parse(Study, _study({"stages": {"grpo": GRPO}} | REST), "study 'dipg'")
    assert study.splits() == ["dev", "eval", "grpo", "sft"] and study.lineage("grpo") == ["grpo"]
    assert parse(Study, _study(_over(challenger=None)), "study 'dipg'").corpus.challenger is None
    thirds = {"reasoning": 1 / 3, "needle": 1 / 3, "safety": 1 / 3}
    rest = {kind: 0.0 for kind in ("refusal", "anti_knowledge", "conflict")}
    assert parse(Study, _study(_over(composition=thirds | rest)), "study 'dipg'")


def _teacher(**changes: Any) -> dict[str, Any]:
    return DEFAULT | {"teachers": DEFAULT["teachers"] | {"mine": {"model": "primum/embedded"} | changes}}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"api_key": "sk-123456"}, "unknown key 'teachers.mine.api_key'"),
        ({"model": "gpt-4"}, "teachers.mine.model"),
        ({"model": "Provider/x y"}, "teachers.mine.model"),
        ({"temperature": 0.5}, "unknown key 'teachers.mine.temperature'"),
        ({"parameters": [1]}, "'teachers.mine.parameters'"),
        ({"limits": {"concurrency": 0}}, "'teachers.mine.limits.concurrency'"),
        ({"limits": {"requests_per_minute": 0}}, "'teachers.mine.limits.requests_per_minute'"),
        ({"limits": {"timeout": -1.0}}, "'teachers.mine.limits.timeout'"),
        ({"limits": {"max_cost": 0.0}}, "'teachers.mine.limits.max_cost'"),
        ({"limits": {"retries": 3}}, "unknown key 'teachers.mine.limits.retries'"),
        ({"input_cost_per_token": -0.1}, "'teachers.mine.input_cost_per_token'"),
    ],
)
def test_a_mistake_in_a_teacher_is_named(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError) as caught:
        load_config(_teacher(**changes))
    assert said in caught.value.message and "\n" not in str(caught.value)
    assert "sk-123456" not in str(caught.value)


def test_the_remedy_for_a_model_without_its_provider_helps() -> None:
    """A lower-case letter first is no help to 'gpt-4': LiteLLM's names are 'provider/model'."""
    with pytest.raises(UserError) as caught:
        load_config(_teacher(model="gpt-4"))
    assert "provider/model" in str(caught.value)


def test_a_teacher_needs_a_model_and_no_more() -> None:
    with pytest.raises(UserError, match=r"teachers\.mine\.model"):
        parse(Config, DEFAULT | {"teachers": {"mine": {}}}, "config")
    teacher = load_config(_teacher()).teachers["mine"]
    assert (teacher.limits.concurrency, teacher.limits.max_cost, teacher.parameters) == (8, None, {})


@pytest.mark.parametrize(
    ("override", "said"),
    [
        (_over(teacher="nobody"), "study 'dipg': corpus.teacher 'nobody' is not in 'teachers'"),
        (_over(challenger="nobody"), "study 'dipg': corpus.challenger 'nobody' is not in 'teachers'"),
        (_over(resources="resources/nowhere"), "corpus.resources resources/nowhere does not exist"),
        (_over(resources="resources/dipg/README.md"), "corpus.resources resources/dipg/README.md does not exist"),
        (_over(resources="resources/medmcqa"), "registered as written from resources/dipg, not from resources/medmcqa"),
        ({"dataset": "unheard"}, "No entry 'unheard' in config/datasets.tsv"),
        ({"dataset": "medmcqa-bundled"}, "dataset 'medmcqa-bundled' of config/datasets.tsv is no corpus"),
        (_over(prompts={"needle": "absent.txt"}), "absent.txt"),
        ({"rewards": {"repaired": {"charm": 1.0}}}, "rewards.repaired weighs 'charm'"),
        ({"task_settings": {"tags": ["think", "answer"]}}, "task_settings.tags"),
    ],
)
def test_what_a_plan_refuses_of_a_corpus(override: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError) as caught:
        Plan(ROOT, ONLY | {"overrides": {"dipg": override}})
    assert said in caught.value.message and "\n" not in str(caught.value) and caught.value.remedy


def test_a_corpus_for_another_task_is_refused(job: CorpusJob) -> None:
    medmcqa = load_study(ROOT, "medmcqa", load_config(DEFAULT))
    other = job.model_copy(update={"task": "medmcqa", "task_settings": medmcqa.task_settings})
    with pytest.raises(UserError, match="corpora are written for the task 'grounded_answer', not 'medmcqa'"):
        other.parts(ROOT)


def test_missing_resources_are_told_by_the_job_too(job: CorpusJob, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        job.parts(tmp_path)


def test_a_job_holds_what_its_scripts_need_and_nothing_that_costs_a_rerun(job: CorpusJob) -> None:
    plan = Plan(ROOT, ONLY)
    told = json.loads(plan.corpus_config("dipg"))
    assert set(told["teachers"]) == {"embedded", "embedded-careless"} == set(told["revisions"])
    assert len(set(told["revisions"].values())) == 1 and len(told["revisions"]["embedded"]) == 64
    assert all(len(text) > 200 for text in told["corpus"]["prompts"].values())
    assert plan.corpus_config("dipg") == Plan(ROOT, ONLY).corpus_config("dipg") and str(ROOT) not in plan.corpus_config(
        "dipg"
    )
    others = Plan(ROOT, ONLY | {"overrides": {"dipg": _over(teacher="gpt-oss-120b", challenger=None)}})
    assert json.loads(others.corpus_config("dipg"))["revisions"] == {"gpt-oss-120b": "-"}


def test_paths_of_a_corpus() -> None:
    plan = Plan(ROOT, ONLY)
    assert plan.corpora == ["dipg"] and plan.trained == ["dipg"]
    assert plan.corpus_folder("dipg") == "results/tiny/dipg/corpus/embedded"
    assert plan.rows_file("dipg") == "results/tiny/dipg/corpus/embedded/rows.jsonl"
    assert plan.ledger("embedded") == "ledgers/embedded.jsonl"
    assert plan.training_splits("dipg") == ["grpo", "sft"]
    assert {path.rpartition("/")[2] for path in plan.chat_files("dipg")} == {
        "dipg_dev_v1.jsonl", "dipg_eval_v1.jsonl", "dipg_grpo_prompts.jsonl", "dipg_sft_v1.jsonl",
    }  # fmt: skip
    assert set(plan.corpus_files("dipg")) <= set(plan.published())
    assert {path.rpartition("/")[2] for path in plan.resource_files("dipg")} == {
        "axioms.tsv", "concepts.tsv", "derived.tsv", "missing.tsv", "patients.yaml", "safety.tsv",
    }  # fmt: skip

"""Configuration: shipped files are valid, mistakes are named in one line."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import yaml

from primum.aside import schema
from primum.config import Config, Study, project_root
from primum.errors import UserError
from primum.files import dumps
from primum.plan import Plan
from primum.registry import load_dataset_entry, load_model_entry
from primum.rewards import check_table
from primum.settings import load_config, load_study, merge
from primum.strict import parse
from primum.tasks import load_task

ROOT = project_root()
SCALES = sorted(path.stem for path in (ROOT / "config" / "scales").glob("*.yaml"))
STUDIES = sorted(path.stem for path in (ROOT / "config" / "studies").glob("*.yaml"))
DEFAULT = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("study", STUDIES)
def test_every_shipped_overlay_resolves(study: str, scale: str) -> None:
    resolved = load_study(ROOT, study, load_config(DEFAULT | {"studies": [study], "scale": scale}))
    task = load_task(resolved.task, resolved.task_settings)
    assert all(not check_table(task, weights) for weights in resolved.rewards.values())
    assert load_dataset_entry(ROOT, resolved.dataset).id == resolved.dataset
    if resolved.base:
        assert load_model_entry(ROOT, resolved.base).id == resolved.base
    if resolved.corpus:
        assert {resolved.corpus.teacher, resolved.corpus.challenger} <= {*DEFAULT["teachers"], None}
        assert all("BRIEF" not in text and len(text) > 200 for text in resolved.corpus.prompts.values())


@pytest.mark.parametrize("scale", SCALES)
def test_scales_only_override_known_studies(scale: str) -> None:
    overlay = yaml.safe_load((ROOT / "config" / "scales" / f"{scale}.yaml").read_text()) or {}
    assert set(overlay) <= set(STUDIES)


def test_schema_json_has_not_drifted() -> None:
    written = (ROOT / "config" / "schema.json").read_text(encoding="utf-8")
    assert written == dumps(schema(), indent=2) + "\n", "run: PYTHONPATH=src python scripts/write_schema.py"


def _study(**changes: object) -> dict[str, object]:
    values = yaml.safe_load((ROOT / "config" / "studies" / "medmcqa.yaml").read_text())
    return merge(copy.deepcopy(values), changes)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"nonsense": 1}, "unknown key 'nonsense'"),
        ({"stages": {"sft": {"max_stepz": 3}}}, "unknown key 'stages.sft.max_stepz'"),
        ({"stages": {"sft": {"max_steps": "many"}}}, "'stages.sft.max_steps'"),
        ({"stages": {"sft": {"learning_rate": "2e-4"}}}, "'stages.sft.learning_rate' is text ('2e-4'), not a number"),
        ({"stages": {"grpo": {"parent": "nobody"}}}, "parent 'nobody'"),
        ({"stages": {"sft": {"parent": "grpo"}}}, "circle"),
        ({"stages": {"grpo": {"rewards": "kind"}}}, "rewards 'kind'"),
        ({"data": {"ranges": {"dev": [1600, 1800]}}}, "'eval' and 'dev' overlap at row 1600"),
        ({"data": {"ranges": {"dev": [1700, 1700]}}}, "'dev' is empty"),
        ({"evaluation": {"splits": ["sft"]}}, "also trained on"),
        ({"evaluation": {"splits": ["test"]}}, "'test' is not a split"),
        ({"evaluation": {"splits": ["eval", "eval"]}}, "a split stands twice"),
        ({"evaluation": {"reward_table": "kind"}}, "evaluation.reward_table: 'kind' is no table of this study"),
        ({"evaluation": {"reward_table": 3}}, "'evaluation.reward_table'"),
        ({"data": {"ranges": {"validation": [2000, 2100]}}}, "'validation' is the dataset's own split"),
        ({"stages": {"grop": {"max_steps": 1}}}, "'stages.grop' has no 'method'"),
        ({"limitations": ["It reaches 93 per cent."]}, "limitations"),
        ({"lora": {"dropout": 1.5}}, "'lora.dropout'"),
        ({"dataset": "a/b"}, "'a/b' cannot be a name"),
    ],
)
def test_a_mistake_in_a_study_is_named(changes: dict[str, object], said: str) -> None:
    with pytest.raises(UserError) as caught:
        parse(Study, _study(**changes), "study 'medmcqa'")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value) and caught.value.remedy


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"studies": ["a/b"]}, "'a/b' cannot be a name"),
        ({"studies": []}, "'studies'"),
        ({"scale": "huge"}, "'scale'"),
        ({"seeds": [-1]}, "'seeds.0'"),
        ({"seeds": [0, 0]}, "seeds: a value stands twice"),
        ({"overrides": {"medmcqs": {}}}, "overrides' names study 'medmcqs'"),
        ({"colour": "red"}, "unknown key 'colour'"),
    ],
)
def test_a_mistake_in_the_main_configuration_is_named(values: dict[str, object], said: str) -> None:
    with pytest.raises(UserError) as caught:
        load_config(DEFAULT | values)
    assert said in str(caught.value)


def test_a_missing_study_prompt_or_registry_line_is_named(tmp_path: Path) -> None:
    config = load_config(DEFAULT)
    with pytest.raises(UserError, match=r"nothere\.yaml does not exist"):
        load_study(ROOT, "nothere", config)
    for override, said in (
        ({"task_settings": {"system_prompt": "absent.txt"}}, "absent.txt"),
        ({"dataset": "unheard"}, "No entry 'unheard' in config/datasets.tsv"),
        ({"base": "unheard"}, "No entry 'unheard' in config/models.tsv"),
        ({"task": "unheard"}, "Task 'unheard' has no module"),
        ({"rewards": {"standard": {"charm": 1.0}}}, "weighs 'charm'"),
        ({"task_settings": {"tone": "kind"}}, "task_settings.tone"),
    ):
        with pytest.raises(UserError) as caught:
            Plan(ROOT, DEFAULT | {"overrides": {"medmcqa": override}})
        assert said in str(caught.value)


def test_overrides_lie_over_scale_over_study() -> None:
    config = parse(Config, DEFAULT | {"overrides": {"medmcqa": {"stages": {"sft": {"max_steps": 7}}}}}, "config")
    study = load_study(ROOT, "medmcqa", config)
    full = yaml.safe_load((ROOT / "config" / "studies" / "medmcqa.yaml").read_text())
    assert study.stages["sft"].max_steps == 7
    assert study.base == "tiny-qwen3"
    assert study.lora.r == full["lora"]["r"]


BLOCKS = {
    "one": {"parent": "sft", "schedule_steps": 20, "max_steps": 10},
    "two": {"parent": "one", "schedule_steps": 20, "max_steps": 10, "continues": True},
}


@pytest.mark.parametrize(
    ("block", "changes", "said"),
    [
        ("two", {"parent": "sft"}, "a block continues another GRPO stage, and 'sft' is none"),
        ("two", {"schedule_steps": None}, "a block needs schedule_steps"),
        ("two", {"learning_rate": 1e-3}, "'learning_rate' must be that of the block it continues, 'one'"),
        ("two", {"max_steps": 11}, "the curriculum has 21 steps by its end, more than schedule_steps"),
        ("one", {"rollback": "auto"}, "rollback belongs to a block"),
        ("two", {"num_iterations": 3}, "num_iterations must divide max_steps and save_steps"),
        ("two", {"rollback": "auto"}, ""),
        ("two", {}, ""),
    ],
)
def test_blocks_of_a_curriculum(block: str, changes: dict[str, object], said: str) -> None:
    grpo = _study()["stages"]["grpo"]
    blocks = {name: grpo | keys for name, keys in BLOCKS.items()}
    blocks[block] |= changes
    if not said:
        study = parse(Study, _study(stages=blocks), "study")
        assert study.blocks("two") == ["one", "two"]
        assert study.reference("two") == study.reference("one") == "sft"
        return
    with pytest.raises(UserError) as caught:
        parse(Study, _study(stages=blocks), "study")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("over", "said"),
    [
        ({"mesh": {"fsdp": 3}}, "does not divide among fsdp 3"),
        ({"lora": {"dropout": 0.1}}, "no LoRA dropout"),
        ({"stages": {"grpo": {"loss_type": "dr_grpo"}}}, "no loss_type 'dr_grpo'"),
    ],
)
def test_what_tunix_cannot_do_is_told_before_the_first_job(over: dict[str, object], said: str) -> None:
    values = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())
    values |= {"studies": ["medmcqa"], "backend": "tunix", "overrides": {"medmcqa": over}}
    with pytest.raises(UserError, match=said):
        Plan(ROOT, values)
    assert Plan(ROOT, values | {"overrides": {}}).backend("medmcqa") == "tunix"


def test_lineage_goes_back_to_the_base() -> None:
    study = load_study(ROOT, "medmcqa", load_config(DEFAULT))
    assert study.lineage("grpo") == ["sft", "grpo"] and study.lineage("base") == []


def test_what_snakemake_nests_in_config_arguments_as_text_is_read_as_meant() -> None:
    stages = {"sft": {"max_steps": "7", "learning_rate": "2e-4", "bf16": "true"}}
    config = load_config(
        DEFAULT
        | {
            "seeds": ["0", "1"],
            "overrides": {
                "medmcqa": {
                    "stages": stages,
                    "title": "2026",
                    "data": {"exclude": ["123"], "ranges": {"dev": ["1700", "1800"]}},
                }
            },
        }
    )
    stage = load_study(ROOT, "medmcqa", config).stages["sft"]
    assert config.seeds == [0, 1] and (stage.max_steps, stage.learning_rate, stage.bf16) == (7, 2e-4, True)
    study = load_study(ROOT, "medmcqa", config)
    assert (study.title, study.data.exclude, study.data.ranges["dev"]) == ("2026", ["123"], (1700, 1800))

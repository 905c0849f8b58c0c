"""The published run's two failures, reproduced with PEFT and TRL themselves, and refused here."""

from __future__ import annotations

import json

import pytest

from primum.config import Guards
from primum.errors import UserError
from primum.tasks.base import Example
from primum.training import guards
from primum.training.loading import encode, load_model
from tests import tiny


def test_adapter_on_a_merged_parent_is_worthless_on_the_base_it_names(workspace, sft_folder, tmp_path):
    import torch
    from peft import LoraConfig, PeftModel, get_peft_model

    tuned, tokenizer = load_model(workspace.root, workspace.base, sft_folder)
    merged = tuned.merge_and_unload()
    torch.manual_seed(1)
    grpo = get_peft_model(merged, LoraConfig(r=4, target_modules=["q_proj"])).eval()
    grpo.save_pretrained(tmp_path / "stage" / "adapter")
    named = json.loads((tmp_path / "stage" / "adapter" / "adapter_config.json").read_text())["base_model_name_or_path"]
    assert named.endswith("models/tiny"), "it still calls itself by the original base"

    base, _ = load_model(workspace.root, workspace.base, None)
    reloaded = PeftModel.from_pretrained(base, tmp_path / "stage" / "adapter")
    ids = torch.tensor([encode(tokenizer, "<|im_start|>user\nFind gold")])
    with torch.no_grad():
        trained, evaluated = grpo(input_ids=ids).logits, reloaded(input_ids=ids).logits
        with reloaded.disable_adapter():
            bare = reloaded(input_ids=ids).logits
    assert (trained - evaluated).abs().max() > 0.05, "evaluation does not see what was trained"
    assert torch.allclose(evaluated, bare, atol=1e-5), "evaluation equals base"

    with pytest.raises(UserError, match="does not stand on base 'tiny-test'"):
        guards.check_base(grpo, workspace.root / "models/tiny", workspace.base["id"])
    with pytest.raises(UserError, match=r"has no checkpoint\.json"):
        load_model(workspace.root, workspace.base, tmp_path / "stage")


def test_conversational_completions_make_a_bare_json_reward_zero_throughout(workspace, sft_folder, tmp_path):
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    def json_validity_reward(completions, **kwargs):  # as published
        rewards = []
        for completion in completions:
            try:
                json.loads(completion)
                rewards.append(1.0)
            except (json.JSONDecodeError, TypeError):
                rewards.append(0.0)
        return rewards

    task, model_and_tokenizer = tiny.task(), load_model(workspace.root, workspace.base, sft_folder, trainable=True)
    examples = [Example.from_row(row) for row in tiny.rows(8)]
    texts = []

    def listen(completions, **kwargs):
        texts.extend(completion[0]["content"] for completion in completions)
        return [0.0] * len(completions)

    arguments = GRPOConfig(
        output_dir=str(tmp_path),
        max_steps=3,
        per_device_train_batch_size=4,
        num_generations=4,
        max_completion_length=32,
        bf16=False,
        use_cpu=True,
        logging_steps=1,
        save_strategy="no",
        report_to="none",
        chat_template_kwargs={"enable_thinking": False},
    )
    trainer = GRPOTrainer(
        model=model_and_tokenizer[0],
        args=arguments,
        reward_funcs=[json_validity_reward, listen],
        train_dataset=Dataset.from_list([{"prompt": task.messages(example)} for example in examples]),
        processing_class=model_and_tokenizer[1],
    )
    trainer.train()
    logged = [entry for entry in trainer.state.log_history if "reward" in entry]
    assert any(task.judge(examples[0], text).outcomes["json_valid"] for text in texts), (
        "the completions were not at fault"
    )
    assert [entry["reward"] for entry in logged] == [0.0] * 3
    assert [entry["frac_reward_zero_std"] for entry in logged] == [1.0] * 3
    limits = Guards(
        min_sampled_schema_rate=0.5, sampled_prompts=4, sampled_outcome="schema_valid", max_equal_reward_steps=3
    )
    with pytest.raises(UserError, match="GRPO has nothing to learn from"):
        guards.check_log(logged, limits)

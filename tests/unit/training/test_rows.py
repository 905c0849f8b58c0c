"""What SFT teaches is what evaluation will ask, and only the prompt's beginning is ever cut."""

from __future__ import annotations

import pytest

from primum.errors import UserError
from primum.tasks.base import Example
from primum.training.loading import load_tokenizer, render_prompt, stop_ids
from primum.training.order import batch_plan
from primum.training.rows import prompt_ids, taught_rows
from tests import tiny

EXAMPLES = [Example.from_row(row) for row in tiny.rows(20)]


@pytest.fixture(scope="module")
def tokenizer(workspace):
    return load_tokenizer(workspace.base, workspace.root)


def test_row_is_the_evaluation_prompt_the_gold_completion_and_the_end_token(tokenizer):
    task = tiny.task()
    for example, row in zip(EXAMPLES, taught_rows(tokenizer, task, EXAMPLES, False, 256), strict=True):
        prompt = render_prompt(tokenizer, task.messages(example), False)
        assert tokenizer.decode(row.input_ids) == prompt + task.gold_completion(example) + "<|im_end|>"
        taught = [token for token in row.labels if token != -100]
        assert tokenizer.decode(taught) == task.gold_completion(example) + "<|im_end|>"
        assert row.labels[-len(taught) :] == row.input_ids[-len(taught) :] == taught
        assert not row.truncated


def test_long_row_loses_the_beginning_of_its_prompt(tokenizer):
    whole = taught_rows(tokenizer, tiny.task(), EXAMPLES[:1], False, 256)[0]
    cut = taught_rows(tokenizer, tiny.task(), EXAMPLES[:1], False, len(whole.input_ids) - 5)[0]
    assert cut.truncated
    assert cut.input_ids == whole.input_ids[5:]
    assert cut.labels == whole.labels[5:]


def test_completion_that_does_not_fit_is_refused(tokenizer):
    with pytest.raises(UserError, match="Row 'q0': its completion has"):
        taught_rows(tokenizer, tiny.task(), EXAMPLES, False, 10)


def test_prompts_are_cut_on_the_left(tokenizer):
    whole, none = prompt_ids(tokenizer, tiny.task(), EXAMPLES, False, 256)
    cut, count = prompt_ids(tokenizer, tiny.task(), EXAMPLES, False, 30)
    assert none == 0
    assert count == len(EXAMPLES)
    assert all(short == long[-30:] for short, long in zip(cut, whole, strict=True))


def test_template_that_ends_no_turn_is_refused(tokenizer):
    import copy

    other = copy.deepcopy(tokenizer)
    other.chat_template = tokenizer.chat_template.replace("<|im_end|>", " The end.")
    with pytest.raises(UserError, match="does not close the assistant's turn"):
        stop_ids(other)


def test_turn_end_need_not_be_the_end_token(tokenizer):
    import copy

    other = copy.deepcopy(tokenizer)
    other.eos_token = "<|endoftext|>"  # as Gemma has it: <eos> beside <end_of_turn>
    turn_end, eos = (tokenizer.convert_tokens_to_ids(token) for token in ("<|im_end|>", "<|endoftext|>"))
    assert stop_ids(tokenizer) == (turn_end,)
    assert stop_ids(other) == (turn_end, eos)
    taught = taught_rows(other, tiny.task(), EXAMPLES[:1], False, 256)[0]
    assert taught.input_ids[-1] == taught.labels[-1] == turn_end


def test_batch_plan_takes_every_row_equally_often_and_pads_little():
    lengths = [(7 * n) % 50 + 10 for n in range(40)]
    plan = batch_plan(lengths, 8, 25, seed=3)
    assert len(plan) == 200
    assert all(plan.count(row) == 5 for row in range(40))
    assert plan == batch_plan(lengths, 8, 25, seed=3) != batch_plan(lengths, 8, 25, seed=4)
    batches = [[lengths[row] for row in plan[at : at + 8]] for at in range(0, 200, 8)]
    padding = sum(max(batch) * 8 - sum(batch) for batch in batches) / sum(lengths) / 5
    assert padding < 0.12  # a plain shuffle wastes about a third

"""The tiny Gemma 3: its tokenizer, its shape, what it is told, and that training it is deterministic."""

from __future__ import annotations

import random
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from primum.bases.grounded_facts import Material, material
from primum.bases.grounded_text import ABSENT, FIRST, VERDICT
from primum.bases.pretrain import Phase
from primum.bases.pretrain_gemma3 import PHASES, batch, loss_of, train_tiny_gemma3
from primum.bases.tiny_gemma3 import WINDOW, build_model, build_tokenizer
from primum.config import project_root
from primum.corpora.items import Items
from primum.corpora.resources import load_resources
from primum.settings import read_yaml
from primum.strict import parse
from primum.teaching import Corpus
from primum.training.loading import render_prompt, stop_ids

ROOT = project_root()
KINDS = sorted({kind for phase in PHASES for kind in phase.mix})


@cache
def corpus() -> Corpus:
    return parse(Corpus, read_yaml(ROOT / "config" / "studies" / "dipg.yaml")["corpus"], "corpus")


@cache
def facts() -> Material:
    return material(load_resources(ROOT / "resources" / "dipg"), corpus())


@cache
def tokenizer() -> Any:
    return build_tokenizer(facts().texts)


def test_words_of_the_field_are_one_token_each_and_others_are_spelled() -> None:
    text = 'The p.Lys27Met mutation was found in 78% of DIPGs (Wu 2012), "not stated".'
    ids = tokenizer()(text, add_special_tokens=False)["input_ids"]
    assert len(ids) == 20 and "".join(tokenizer().decode(ids).split()) == "".join(text.split())
    odd = "Zürich 😀 xylophonist"
    assert tokenizer().decode(tokenizer()(odd, add_special_tokens=False)["input_ids"]) == odd
    assert len(tokenizer()) % 8 == 0 and tokenizer().pad_token_id == 0


def test_a_tag_begins_behind_the_prompts_line_break() -> None:
    """Training text and a completion behind its prompt are the same tokens: else the base learns another beginning."""
    whole, prompt, rest = "<start_of_turn>model\n<think>So.</think>", "<start_of_turn>model\n", "<think>\nSo.\n</think>"
    ids = [tokenizer()(text, add_special_tokens=False)["input_ids"] for text in (whole, prompt, rest)]
    assert ids[0] == ids[1] + ids[2]


def test_the_template_is_gemmas() -> None:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}]
    prompt = render_prompt(tokenizer(), messages, False)
    assert prompt == "<bos><start_of_turn>user\nBe brief.\n\nWhy?<end_of_turn>\n<start_of_turn>model\n"
    told = tokenizer().apply_chat_template([*messages, {"role": "assistant", "content": "So."}], tokenize=False)
    assert told == f"{prompt}So.<end_of_turn>\n"
    assert tokenizer().convert_ids_to_tokens(list(stop_ids(tokenizer()))) == ["<end_of_turn>", "<eos>"]


def test_the_model_is_shaped_as_the_real_ones_and_can_be_sharded() -> None:
    model = build_model(tokenizer(), 0)
    config = model.config
    assert config.layer_types == ["sliding_attention"] * 5 + ["full_attention"] and config.sliding_window == WINDOW
    assert config.query_pre_attn_scalar == config.head_dim and config.tie_word_embeddings
    assert config.num_key_value_heads % 4 == 0 and config.num_attention_heads > config.num_key_value_heads
    assert all(size % 8 == 0 for size in (config.vocab_size, config.hidden_size, config.intermediate_size))
    assert 0.6e6 < model.num_parameters() < 1.5e6


def test_no_held_out_fact_is_told() -> None:
    resources = load_resources(ROOT / "resources" / "dipg")
    dealt = Items(corpus(), resources)._dealt
    held_out = [fact for part in corpus().held_out for fact in (*dealt["concepts"][part], *dealt["rules"][part])]
    assert len(held_out) > 50
    told = {text for frame in facts().frames for text in (*frame.statements, *frame.questions)}
    assert not told & {text for fact in held_out for text in (*fact.statements, *fact.questions)}


@pytest.mark.parametrize("kind", KINDS)
def test_documents_are_seeded_and_have_something_to_learn(kind: str) -> None:
    writer = facts().writer()
    made = [[getattr(writer, kind)(random.Random(seed)) for seed in range(20)] for _ in range(2)]
    assert made[0] == made[1] and made[0][0] != made[0][1]
    assert all(any(weight > 0 for _, weight in pieces) and all(text for text, _ in pieces) for pieces in made[0])


def test_an_item_quotes_its_text_and_answers_from_the_quote() -> None:
    writer, verdicts = facts().writer(), set()
    for seed in range(60):
        pieces = writer.item(random.Random(seed))
        context = pieces[0][0]
        quote = next(
            f"{text}{pieces[i + 1][0]}"
            for i, (text, weight) in enumerate(pieces)
            if weight == FIRST or text == "Quote:"
        )
        assert quote.removeprefix("Quote:").strip().split()[0] in context
        verdicts |= {text.strip() for text, weight in pieces if weight == VERDICT}
    assert ABSENT.split()[0] in verdicts and "disputed:" in verdicts and len(verdicts) > 10


def test_training_is_deterministic(tmp_path: Path) -> None:
    phases = (Phase("item", 2, {"item": 1.0}, rows=3), Phase("tags", 1, {"thought": 1.0}, anneal=1.0, rows=3))
    files = [train_tiny_gemma3(facts(), tmp_path / name, 3, phases) for name in "ab"]
    assert files[0] == files[1] and "model.safetensors" in files[0]


def test_the_loss_reads_only_what_has_weight() -> None:
    model, right = build_model(tokenizer(), 0), defaultdict(lambda: [0, 0])
    groups = batch(tokenizer(), facts().writer(), random.Random(0), Phase("item", 1, {"item": 1.0}, rows=4))
    before = loss_of(model, groups, right)
    for ids, weights in groups:
        last = [int(row.nonzero().max()) for row in weights]
        for row, place in zip(ids, last, strict=True):
            row[place + 1 :] = 7
    assert before == loss_of(model, groups, defaultdict(lambda: [0, 0])) and right[VERDICT][1] >= 4

"""A tiny Qwen 3, its tokenizer, and rows to train it on, made on the spot for tests."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from primum.files import sha256_json, sha256_tree, write_jsonl
from primum.tasks import load_task
from primum.tasks.base import Example

CHAT_TEMPLATE = (
    "{%- for message in messages %}"
    "{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}"
    "{{- '<|im_start|>assistant\\n' }}"
    "{%- if enable_thinking is defined and enable_thinking is false %}{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}"
    "{%- endif %}"
)
TASK_SETTINGS: dict[str, Any] = {
    "system_prompt": "Answer in JSON.",
    "user_prompt": "{question}\nA) {opa}\nB) {opb}\nC) {opc}\nD) {opd}",
    "gold_confidence": 0.95,
    "reason_max_chars": 60,
}
WORDS = ["iron", "zinc", "copper", "lead", "gold", "silver", "tin", "neon", "argon", "radon", "boron", "iodine"]


def rows(count: int, seed: int = 0, prefix: str = "q") -> list[dict[str, Any]]:
    """Rows of a split: the answer is the option that the question names."""
    rng = random.Random(seed)
    made = []
    for number in range(count):
        options = rng.sample(WORDS, 4)
        answer = rng.randrange(4)
        filler = " and".join(["", *rng.choices(["that is it", "please", "now"], k=rng.randrange(4))])
        made.append(
            {
                "id": f"{prefix}{number}",
                "inputs": {"question": f"Find {options[answer]}{filler}", "options": options},
                "gold": {"answer": "ABCD"[answer], "explanation": f"It is {options[answer]}."},
                "kind": "metals",
                "group": f"{prefix}{number}",
            }
        )
    return made


def task() -> Any:
    """The task the rows belong to."""
    return load_task("medmcqa", TASK_SETTINGS)


def tokenizer(texts: list[str]) -> Any:
    """Byte-level BPE with Qwen 3's turns and thinking switch."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    made.train_from_iterator(
        texts,
        trainers.BpeTrainer(vocab_size=420, special_tokens=special, initial_alphabet=alphabet, show_progress=False),
    )
    made.add_tokens([AddedToken("<think>", normalized=False), AddedToken("</think>", normalized=False)])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=made, eos_token="<|im_end|>", pad_token="<|endoftext|>", clean_up_tokenization_spaces=False
    )
    fast.chat_template = CHAT_TEMPLATE
    return fast


def make_base(
    root: Path, steps: int = 0, hidden: int = 64, layers: int = 2, vocabulary: int | None = None, seed: int = 0
) -> dict[str, Any]:
    """Write a base below ``root``, return its ``base.json``; ``steps`` of training teach it the answers' format."""
    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM

    chosen = task()
    examples = [Example.from_row(row) for row in rows(400, seed=99)]
    texts = []
    for example in examples:
        turn = {"role": "assistant", "content": chosen.gold_completion(example)}
        texts.append((chosen.messages(example), turn["content"]))
    fast = tokenizer([" ".join(m["content"] for m in messages) + " " + gold for messages, gold in texts])
    torch.manual_seed(seed)
    model = Qwen3ForCausalLM(
        Qwen3Config(
            vocab_size=vocabulary or len(fast),
            hidden_size=hidden,
            intermediate_size=3 * hidden,
            num_hidden_layers=layers,
            num_attention_heads=hidden // 32,
            num_key_value_heads=hidden // 32,
            head_dim=32,
            tie_word_embeddings=True,
            max_position_embeddings=512,
            rope_theta=10000.0,
            eos_token_id=fast.eos_token_id,
            pad_token_id=fast.pad_token_id,
            bos_token_id=None,
        )
    ).float()
    if steps:
        _teach(model, fast, texts, steps)
    folder = root / "models" / "tiny"
    model.save_pretrained(folder)
    fast.save_pretrained(folder)
    files = sha256_tree(folder)
    return {
        "id": "tiny-test",
        "reader": "bundled",
        "source": "models/tiny",
        "revision": "-",
        "licence": "Apache-2.0",
        "path": "models/tiny",
        "files": files,
        "sha256": sha256_json(files),
    }


def _teach(model: Any, fast: Any, texts: list[Any], steps: int) -> None:
    import torch

    encoded = []
    for messages, gold in texts:
        prompt = fast.apply_chat_template(messages, tokenize=False, add_generation_prompt=True, enable_thinking=False)
        ids = fast(prompt, add_special_tokens=False)["input_ids"]
        tail = fast(gold + fast.eos_token, add_special_tokens=False)["input_ids"]
        encoded.append((ids + tail, [-100] * len(ids) + tail))
    optimiser = torch.optim.AdamW(model.parameters(), lr=4e-3)
    rng = random.Random(0)
    model.train()
    for _ in range(steps):
        batch = rng.sample(encoded, 16)
        width = max(len(ids) for ids, _ in batch)
        ids = torch.tensor([i + [fast.pad_token_id] * (width - len(i)) for i, _ in batch])
        labels = torch.tensor([y + [-100] * (width - len(y)) for _, y in batch])
        loss = model(input_ids=ids, labels=labels).loss
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
    model.eval()


def write_split(path: Path, count: int, seed: int, prefix: str = "q") -> Path:
    """Write rows as ``{split}.jsonl``."""
    write_jsonl(path, rows(count, seed, prefix))
    return path

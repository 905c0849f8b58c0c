"""Ask a finished stage one question: its reasoning, quotes and answer, and what can be said of them without a gold."""

import argparse
import json
from pathlib import Path
from typing import Any

from primum.errors import UserError, run_cli
from primum.evaluation.answer import answer, render


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stage", type=Path, required=True, help="folder of a finished stage, of either backend")
    parser.add_argument("--context", help="the text to answer from")
    parser.add_argument("--context-file", type=Path, help="instead: a file that holds it")
    parser.add_argument("--question")
    parser.add_argument(
        "--input",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="any other input of the stage's task; a list by giving it several times",
    )
    parser.add_argument("--predictor", default="hf", help="hf (default) or tunix")
    parser.add_argument("--temperature", type=float, default=0.0, help="0 (default): greedy")
    parser.add_argument("--seed", type=int, default=0, help="of sampling")
    parser.add_argument("--max-new-tokens", type=int, default=512)
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    args = parser.parse_args()
    inputs = collect(args.input, args.context, args.context_file, args.question)
    found = answer(Path("."), args.stage, inputs, args.predictor, args.temperature, args.seed, args.max_new_tokens)
    print(json.dumps(found, ensure_ascii=False, indent=2) if args.json else render(found))


def collect(pairs: list[str], context: str | None, file: Path | None, question: str | None) -> dict[str, Any]:
    """The inputs of the task, from every option that gives one."""
    inputs: dict[str, Any] = {}
    for pair in pairs:
        key, mark, value = pair.partition("=")
        if not mark or not key:
            raise UserError(f"--input {pair!r} is not KEY=VALUE.", "Write for instance --input question='What is it?'.")
        known = inputs.get(key)
        inputs[key] = value if known is None else [*(known if isinstance(known, list) else [known]), value]
    if file is not None:
        if context is not None:
            raise UserError("--context and --context-file were both given.", "Give one of them.")
        try:
            context = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"{file} cannot be read ({error}).", "Give --context-file a text in UTF-8.") from None
    for key, value in (("context", context), ("question", question)):
        if value is not None and key in inputs:
            raise UserError(f"The {key} was given twice.", f"Give --{key} or --input {key}=..., not both.")
        if value is not None:
            inputs[key] = value
    return inputs


if __name__ == "__main__":
    run_cli(main)

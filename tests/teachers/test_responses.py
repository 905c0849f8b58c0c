"""Every response and status that a server may give, through LiteLLM's two ways to an OpenAI-compatible server."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from primum.errors import UserError
from primum.teachers import provider
from tests.teachers import server as S
from tests.teachers.tools import ask, questions, teacher

TEXT = S.answer({"messages": questions(1)[0].messages})
ANSWERED = {
    "answer": (TEXT, "stop"),
    "slow": (TEXT, "stop"),
    "no_usage": (TEXT, "stop"),
    "no_finish": (TEXT, "stop"),
    "odd_finish": (TEXT, "stop"),
    "length": ("cut sh", "length"),
    "thinking": ("42", "stop"),
}
SAID_NOTHING = {"length_empty": "length", "filtered": "content_filter"}
RETRIED_THEN_EMPTY = ("null", "blank", "no_choices")
BROKEN = (
    "drop_before_headers", "drop_after_headers", "timeout", "truncated_body", "truncated_json", "html", "empty_body",
    "null_body", "text_body", "list", "number", "object", "parts", "odd_usage", "no_message", "choices_object",
    "choices_text", "error_200", "408", "409", "425", "429", "500", "502", "503", "504",
)  # fmt: skip
MODELS = ("hosted_vllm/x", "openai/x")


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "not-a-real-key")


@pytest.mark.parametrize("model", MODELS)
def test_answers(tmp_path: Path, model: str) -> None:
    for kind, (text, finish) in ANSWERED.items():
        with S.Server(S.always(kind)) as server:
            (reply,) = ask(teacher(server.url, model), tmp_path / kind, questions(1)).values()
        assert (reply.outcome, reply.text, reply.finish_reason, reply.attempts) == ("answered", text, finish, 1), kind
        words = (6, 7) if kind != "no_usage" else (7, -(-len(TEXT) // 4))  # estimated: 7 + 20 characters / 4
        assert (reply.prompt_tokens, reply.completion_tokens) == words, kind


@pytest.mark.parametrize("model", MODELS)
def test_nothing_said(tmp_path: Path, model: str) -> None:
    for kind, finish in SAID_NOTHING.items():
        with S.Server(S.always(kind)) as server:
            (reply,) = ask(teacher(server.url, model), tmp_path / kind, questions(1)).values()
        assert (reply.outcome, reply.text, reply.finish_reason, reply.attempts) == ("empty", "", finish, 1), kind
    for kind in RETRIED_THEN_EMPTY:
        with S.Server(S.always(kind)) as server:
            of = teacher(server.url, model, attempts=3)
            (reply,) = ask(of, tmp_path / kind, questions(1)).values()
            assert (reply.outcome, reply.text, len(server.calls)) == ("empty", "", 3), kind
            ask(of, tmp_path / kind, questions(1))
            assert len(server.calls) == 3, kind  # kept: it costs nothing again


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("kind", (*BROKEN, *RETRIED_THEN_EMPTY))
def test_failures_are_retried(tmp_path: Path, model: str, kind: str) -> None:
    with S.Server(S.always(kind, S.ANSWER)) as server:
        (reply,) = ask(teacher(server.url, model, timeout=0.5), tmp_path / "l", questions(1)).values()
    assert (reply.outcome, reply.text, reply.attempts, len(server.calls)) == ("answered", TEXT, 2, 2)


@pytest.mark.parametrize("kind", ["html", "parts", "drop_after_headers", "503"])
def test_attempts_run_out(tmp_path: Path, kind: str) -> None:
    """What was answered beside it is kept, and not asked again."""
    bad = questions(1)[0].messages

    def rule(body: dict[str, Any], attempt: int) -> str:
        return kind if body["messages"] == bad else S.ANSWER

    with S.Server(rule) as server:
        of = teacher(server.url, attempts=3)
        with pytest.raises(UserError, match=r"request q0 failed 3 times .*answers are kept") as error:
            ask(of, tmp_path / "l", questions(40))
        assert "\n" not in str(error.value) and "Traceback" not in str(error.value)
        kept, calls = len((tmp_path / "l").read_text().splitlines()), len(server.calls)
        assert f"{kept} answers are kept" in str(error.value) or kept > 0
        server.rule = S.always(S.ANSWER)
        ask(of, tmp_path / "l", questions(40))
        assert len(server.calls) - calls == 40 - kept


@pytest.mark.parametrize("model", MODELS)
def test_refusals_are_kept(tmp_path: Path, model: str) -> None:
    for kind in ("400", "413", "422"):
        with S.Server(S.always(kind)) as server:
            for _ in range(2):
                (reply,) = ask(teacher(server.url, model), tmp_path / kind, questions(1)).values()
            assert (reply.outcome, reply.text, reply.prompt_tokens) == ("refused_by_server", f"status {kind}", 0)
            assert len(server.calls) == 1


@pytest.mark.parametrize("model", MODELS)
def test_not_found_speaks_of_the_address_until_something_was_answered(tmp_path: Path, model: str) -> None:
    first = questions(1)[0].messages
    with S.Server(S.always("404")) as server:
        of = teacher(server.url, model, concurrency=1)
        with pytest.raises(UserError, match="404"):
            ask(of, tmp_path / "l", questions(5))
        assert len(server.calls) == 1 and not durable_lines(tmp_path / "l")
        server.rule = lambda body, attempt: S.ANSWER if body["messages"] == first else "404"
        replies = ask(of, tmp_path / "l", questions(5))
        assert [replies[f"q{n}"].outcome for n in range(5)] == ["answered", *["refused_by_server"] * 4]
        server.rule = S.always("404 the model is not loaded")
        with pytest.raises(UserError, match="the model is not loaded"):
            ask(of, tmp_path / "l", questions(6))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("kind", ["401", "402", "403", "400 API key not valid"])
def test_hopeless(tmp_path: Path, model: str, kind: str) -> None:
    with S.Server(S.always(kind)) as server:
        with pytest.raises(UserError) as error:
            ask(teacher(server.url, model, concurrency=2), tmp_path / "l", questions(50))
        assert len(server.calls) <= 2
        assert "teacher 't'" in str(error.value) and server.url in str(error.value) and "key" in error.value.remedy
        assert not durable_lines(tmp_path / "l")


def durable_lines(ledger: Path) -> list[str]:
    return ledger.read_text().splitlines()


def test_no_secret_leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    secret = "tell-nobody-0123"
    monkeypatch.setenv("MINE", secret)
    with S.Server(S.always("400 echo")) as server:
        of = teacher(server.url, api_key_env="MINE")
        (reply,) = ask(of, tmp_path / "l", questions(1)).values()
        assert server.calls[0].headers["authorization"].endswith(secret)
        server.rule = S.always("401 echo")
        with pytest.raises(UserError) as error:
            ask(of, tmp_path / "l", questions(2))
    out = capfd.readouterr()
    for text in (reply.text, str(error.value), (tmp_path / "l").read_text(), out.out, out.err):
        assert secret not in text
    assert "***" in reply.text


def test_provider_of_our_own(tmp_path: Path) -> None:
    litellm = provider.load()
    told: list[dict[str, Any]] = []

    class Own(litellm.CustomLLM):
        async def acompletion(self, *args: Any, **kwargs: Any) -> Any:
            told.append(kwargs)
            await asyncio.sleep(0)
            prompt = kwargs["messages"][-1]["content"]
            if len(told) == 1:
                raise litellm.llms.custom_llm.CustomLLMError(503, "busy")
            if " 1 " in prompt:
                raise litellm.llms.custom_llm.CustomLLMError(400, "too long")
            response = litellm.ModelResponse()
            response.choices[0].message.content = [{"type": "text", "text": "from "}, {"type": "text", "text": prompt}]
            response.usage = litellm.Usage(prompt_tokens=3, completion_tokens=2, total_tokens=5)
            return response

    provider.register("testing", Own())
    of = teacher(None, "testing/small", concurrency=1, parameters={"seed": 4})
    replies = ask(of, tmp_path / "l", questions(3))
    assert [replies[f"q{n}"].outcome for n in range(3)] == ["answered", "refused_by_server", "answered"]
    assert replies["q0"].text == "from What is 0 times 7?" and replies["q0"].attempts == 2
    assert replies["q1"].text == "too long"
    assert (replies["q2"].prompt_tokens, replies["q2"].completion_tokens) == (3, 2)
    assert len(told) == 4 and told[0]["model"] == "small" and told[0]["optional_params"]["seed"] == 4

"""What the client promises its caller: once each, lazily, within rates and budgets, and errors in one line."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from primum.errors import UserError
from primum.teachers.client import Reply, Request, TeacherClient
from primum.teachers.limits import Spent
from primum.teachers.progress import Progress
from tests.teachers import server as S
from tests.teachers.tools import ask, client, questions, teacher


def test_duplicates_are_asked_once(tmp_path: Path) -> None:
    told: list[tuple[str, Reply]] = []
    one, two = questions(2)
    twice = [one, Request("again", one.messages), two, Request("and again", one.messages)]
    patient = {
        "timeout": 30.0
    }  # a first call loads LiteLLM, which may take a second: one that is given up is sent again
    with S.Server(latency=0.05) as server, client(teacher(server.url, **patient), tmp_path / "l") as c:
        c.ask(twice, lambda request, reply: told.append((request.id, reply)))
        c.ask(twice, lambda request, reply: told.append((request.id, reply)))
        assert len(server.calls) == 2 and c.spent.requests == 2 and c.spent.attempts == 2
        assert sorted(name for name, _ in told) == sorted(["q0", "q1", "again", "and again"] * 2)
        assert c.reply(one) == dict(told)["again"]
        with pytest.raises(UserError, match="q9"):
            c.reply(questions(1, 9)[0])


def test_key(tmp_path: Path) -> None:
    (request,) = questions(1)

    def key(revision: str = "r1", **more: Any) -> str:
        with TeacherClient("t", teacher("http://127.0.0.1:1/v1", **more), revision, tmp_path / "l") as c:
            assert c.key(request) == c.key(Request("another id", request.messages))
            assert c.key(request) != c.key(questions(1, 1)[0])
            return c.key(request)

    same = {key(), key(api_key_env="ANY"), key(concurrency=3, max_requests=4)}
    others = {key("r2"), key(parameters={"temperature": 1.0}), key(model="hosted_vllm/y")}
    assert len(same) == 1 and len(others) == 3 and not same & others


def test_draws_no_more_than_it_can_ask(tmp_path: Path) -> None:
    drawn = done = most = 0

    def endless() -> Iterator[Request]:
        nonlocal drawn
        for request in questions(300):
            drawn += 1
            yield request

    def sink(request: Request, reply: Reply) -> None:
        nonlocal done, most
        most, done = max(most, drawn - done), done + 1

    with S.Server(latency=0.005) as server, client(teacher(server.url, concurrency=5), tmp_path / "l") as c:
        c.ask(endless(), sink)
        assert done == 300 and most <= 5 and server.most_in_flight <= 5


def test_a_full_ledger_needs_neither_litellm_nor_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINE", "a-key-for-a-while")
    with S.Server() as server:
        ask(teacher(server.url, api_key_env="MINE"), tmp_path / "l", questions(3))
    code = """
import sys
from pathlib import Path
from tests.teachers.tools import ask, questions, teacher
replies = ask(teacher("http://127.0.0.1:1/v1", api_key_env="MINE"), Path(sys.argv[1]), questions(3))
assert len(replies) == 3 and not {"litellm", "aiohttp", "aiolimiter"} & set(sys.modules)
"""
    monkeypatch.delenv("MINE")
    environment = {"PYTHONPATH": ":".join(["src", "."]), "PATH": ""}
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "l")], check=True, env=environment)


def test_budget_of_requests(tmp_path: Path) -> None:
    with S.Server(S.faulty(0.3, 1)) as server:
        with pytest.raises(UserError, match=r"limits.max_requests = 10 requests is spent \(10"):
            ask(teacher(server.url, max_requests=10), tmp_path / "l", questions(30))
        good = [call for call in server.calls if call.kind in (S.ANSWER, S.SLOW)]
        assert len(good) == len((tmp_path / "l").read_text().splitlines()) == 10
        assert len(ask(teacher(server.url, max_requests=30), tmp_path / "l", questions(30))) == 30
        good = [call for call in server.calls if call.kind in (S.ANSWER, S.SLOW)]
        assert len(good) == 30


def test_budgets_of_tokens_and_dollars(tmp_path: Path) -> None:
    prices = {"input_cost_per_token": 0.001, "output_cost_per_token": 0.01}
    for budget in ({"max_tokens": 200}, {"max_cost": 1.0}):
        ledger = tmp_path / next(iter(budget))
        with S.Server() as server:
            of = teacher(server.url, parameters={"max_tokens": 7}, **prices, **budget)
            with client(of, ledger) as c:
                with pytest.raises(UserError, match=f"limits.{next(iter(budget))} = "):
                    c.ask(questions(40))
                spent, calls = c.spent, len(server.calls)
            assert calls == spent.requests == {"max_tokens": 15, "max_cost": 13}[next(iter(budget))]
            assert spent.tokens == 13 * calls and spent.cost == pytest.approx(0.076 * calls)
            rich = teacher(server.url, parameters={"max_tokens": 7}, **prices)
            assert len(ask(rich, ledger, questions(40))) == 40
            assert len(server.calls) == 40


def test_budget_of_dollars_without_a_price(tmp_path: Path) -> None:
    with S.Server() as server:
        with pytest.raises(UserError, match="knows no price"):
            ask(teacher(server.url, max_cost=1.0), tmp_path / "l", questions(2))
        assert not server.calls


def test_requests_per_minute_bounds_every_call(tmp_path: Path) -> None:
    """610 a minute: 10 at once and 10 a second; retries count."""
    with S.Server(S.always("500", S.ANSWER)) as server:
        ask(teacher(server.url, requests_per_minute=610.0), tmp_path / "l", questions(16))
    times = [call.at for call in server.calls]
    assert len(times) == 32
    for first in range(32):
        for last in range(first, 32):
            assert last - first + 1 <= 10 + 10 * (times[last] - times[first]) + 1.5
    assert times[-1] - times[0] < 6


def test_tokens_per_minute_are_settled_by_use(tmp_path: Path) -> None:
    """6100 a minute are 100 a second; 40 requests take 13 each, though each may take 77."""
    start = time.monotonic()
    with S.Server() as server:
        of = teacher(server.url, concurrency=2, tokens_per_minute=6100.0, parameters={"max_tokens": 70})
        ask(of, tmp_path / "l", questions(40))
        lasted = server.calls[-1].at - server.calls[0].at
    assert lasted >= (40 * 13 - 2 * 100) / 100 and time.monotonic() - start < 15


@pytest.mark.parametrize(("value", "least"), [("1", 1.0), ("date:2", 0.9)])
def test_retry_after_is_honoured_by_everyone(tmp_path: Path, value: str, least: float) -> None:
    first = questions(1)[0].messages

    def rule(body: dict[str, Any], attempt: int) -> str:
        return "429" if body["messages"] == first and not attempt else S.ANSWER

    with S.Server(rule, latency=0.03, retry_after=value) as server:
        replies = ask(teacher(server.url, concurrency=4), tmp_path / "l", questions(30))
    told = next(call.at for call in server.calls if call.kind == "429") + 0.03
    later = [call.at for call in server.calls if call.at > told + 0.1]
    assert len(replies) == 30 and len(later) >= 20
    assert min(later) - told >= least - 0.03


def test_a_server_that_asks_for_an_hour_ends_the_run(tmp_path: Path) -> None:
    with S.Server(S.always("429"), retry_after="3600") as server:
        with pytest.raises(UserError, match="asks to wait 3600 s"):
            ask(teacher(server.url, concurrency=1), tmp_path / "l", questions(3))
        assert len(server.calls) == 1


def test_busy_but_serving_is_no_failure(tmp_path: Path) -> None:
    """One request meets as many 429 as it has attempts, while others get through."""
    with S.Server(S.always(*["429"] * 4, S.ANSWER), latency=0.005, retry_after="0.02") as server:
        served = S.always(S.ANSWER)
        rule = server.rule
        server.rule = lambda body, attempt: (rule if body["messages"] == questions(1)[0].messages else served)(
            body, attempt
        )
        replies = ask(teacher(server.url, attempts=4, concurrency=8), tmp_path / "l", questions(200))
    assert replies["q0"].outcome == "answered" and replies["q0"].attempts == 5


def test_nobody_there(tmp_path: Path) -> None:
    with S.Server() as server:
        url = server.url
    start = time.monotonic()
    for number in (100, 1):
        c = TeacherClient("t", teacher(url), "r1", tmp_path / "l")  # with the back-off that users have
        with c, pytest.raises(UserError, match="cannot be reached") as error:
            c.ask(questions(number))
        assert url in str(error.value) and "\n" not in str(error.value)
    assert time.monotonic() - start < 8


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"api_key_env": "NOT_SET_ANYWHERE"}, "NOT_SET_ANYWHERE"),
        ({"model": "nosuchprovider/x"}, "nosuchprovider"),
        ({"parameters": {"api_key": "x"}}, "parameters.api_key"),
        ({"parameters": {"stream": True}}, "parameters.stream"),
        ({"parameters": {"temperature": float("nan")}}, "not JSON"),
    ],
)
def test_mistakes_are_told_in_a_line(tmp_path: Path, more: dict[str, Any], words: str) -> None:
    with S.Server() as server:
        with pytest.raises(UserError, match=words):
            ask(teacher(server.url, **more), tmp_path / "l", questions(2))
        assert not server.calls


def test_errors_of_the_caller_pass_and_replies_stay(tmp_path: Path) -> None:
    def sink(request: Request, reply: Reply) -> None:
        if request.id == "q5":
            raise ZeroDivisionError

    with S.Server(latency=0.01) as server:
        with client(teacher(server.url), tmp_path / "l") as c, pytest.raises(ZeroDivisionError):
            c.ask(questions(100), sink)
        kept, calls = len((tmp_path / "l").read_text().splitlines()), len(server.calls)
        assert kept == calls < 40
        ask(teacher(server.url), tmp_path / "l", questions(100))
        assert len(server.calls) == 100


def test_progress_line() -> None:
    progress = Progress("big", 1000, Spent(prompt_tokens=1_000_000, completion_tokens=200_000, cost=0.42, retries=12))
    progress.done, progress.asked = 312, 300
    assert progress.line(75.0) == ("[teacher big] 312/1000  4.0 requests/s  retries 12  tokens 1.2M  $0.42  3 min left")

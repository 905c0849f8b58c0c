"""A real OpenAI-compatible server on loopback that answers by rule and misbehaves by rule.

An answer is a function of the request alone, so that a disturbed run can be held to an undisturbed one. What a call
meets is a function of the request and of how often it has been asked: two runs meet the same faults in any order.
"""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from typing import Any

from primum.files import dumps, sha256_bytes, sha256_json

ANSWER = "answer"
SLOW = "slow"  # byte by byte, but whole: no fault
FAULTS = (
    "429", "500", "503", "drop_before_headers", "drop_after_headers", "timeout",
    "truncated_body", "truncated_json", "html", "no_choices", "null",
)  # fmt: skip
HANG = 2.5  # seconds of 'timeout': beyond the tests' clients
HARMLESS_IN_A_ROW = 4  # so many faults in a row and no more: within the tests' attempts

Rule = Callable[[dict[str, Any], int], str]


@dataclass(frozen=True, slots=True)
class Call:
    """One call as the server saw it: request, how often it had come before, what it met, and when (monotonic s)."""

    digest: str
    attempt: int
    kind: str
    at: float
    headers: dict[str, str]


def digest(body: dict[str, Any]) -> str:
    """What names a request here: its messages."""
    return sha256_json(body["messages"])


def answer(body: dict[str, Any]) -> str:
    """The text that a request is answered with."""
    return dumps({"sha": digest(body), "of": body["messages"][-1]["content"][:40]})


def faulty(share: float, seed: int) -> Rule:
    """A rule by which ``share`` of first calls meet a fault; a tenth of the others get their answer slowly."""

    def rule(body: dict[str, Any], attempt: int) -> str:
        draw = int(sha256_bytes(f"{seed} {attempt} {digest(body)}".encode())[:12], 16)
        if attempt < HARMLESS_IN_A_ROW and draw % 1000 < share * 1000:
            return FAULTS[draw // 1000 % len(FAULTS)]
        return SLOW if draw // 1000 % 10 == 0 else ANSWER

    return rule


def always(*kinds: str) -> Rule:
    """A rule that goes through ``kinds`` by attempt and stays at the last."""
    return lambda body, attempt: kinds[min(attempt, len(kinds) - 1)]


def completion(body: dict[str, Any], content: Any, finish_reason: str = "stop") -> dict[str, Any]:
    """The body of a good response."""
    words = sum(len(message["content"].split()) for message in body["messages"])
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": body["model"],
        "choices": [{"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": finish_reason}],
        "usage": {"prompt_tokens": words, "completion_tokens": 7, "total_tokens": words + 7},
    }


def _odd(kind: str, body: dict[str, Any]) -> bytes | None:
    """Bodies that come with status 200; None where ``kind`` is none of them."""
    good = completion(body, answer(body))
    choice = good["choices"][0]
    odd: dict[str, Any] = {
        ANSWER: good,
        SLOW: good,
        "no_choices": good | {"choices": []},
        "null": completion(body, None),
        "blank": completion(body, " \n"),
        "length": completion(body, "cut sh", "length"),
        "length_empty": completion(body, None, "length"),
        "filtered": completion(body, None, "content_filter"),
        "parts": completion(body, [{"type": "text", "text": "one "}, {"type": "text", "text": "two"}]),
        "number": completion(body, 12),
        "object": completion(body, {"a": 1}),
        "no_usage": {key: value for key, value in good.items() if key != "usage"},
        "odd_usage": good | {"usage": {"prompt_tokens": None, "completion_tokens": "many", "total_tokens": 3}},
        "no_message": good | {"choices": [{"index": 0, "finish_reason": "stop"}]},
        "choices_object": good | {"choices": {"0": choice}},
        "choices_text": good | {"choices": "none"},
        "list": [good],
        "error_200": {"error": {"message": "backend lost", "type": "server_error", "code": 500}},
        "no_finish": good | {"choices": [{"index": 0, "message": choice["message"]}]},
        "odd_finish": good | {"choices": [choice | {"finish_reason": "because"}]},
        "thinking": good
        | {"choices": [choice | {"message": {"role": "assistant", "content": "42", "reasoning_content": "6 x 7"}}]},
    }
    if kind in odd:
        return json.dumps(odd[kind]).encode()
    whole = json.dumps(good).encode()
    return {
        "truncated_json": whole[: len(whole) // 2],
        "html": b"<!DOCTYPE html><html><body><h1>Gateway</h1></body></html>",
        "empty_body": b"",
        "null_body": b"null",
        "text_body": b'"fine"',
    }.get(kind)


class Server:
    """Serve on a free port of 127.0.0.1 in a thread of this process, while the ``with`` block lasts.

    Args:
        rule: what a call meets.
        latency: seconds before every answer.
        log: file that takes the digest of every answered request, fsync'd, before the answer leaves.
        retry_after: value of the header with 429 and 503; ``date:N`` for the date N seconds ahead; '' for none.
    """

    def __init__(
        self, rule: Rule | None = None, latency: float = 0.0, log: Path | None = None, retry_after: str = "0.05"
    ) -> None:
        self.rule = rule or always(ANSWER)
        self.latency = latency
        self.log = log
        self.retry_after = retry_after
        self.calls: list[Call] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self._seen: dict[str, int] = {}
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Server:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    @property
    def url(self) -> str:
        """What a teacher's ``api_base`` takes."""
        return f"http://127.0.0.1:{self.port}/v1"

    def kinds(self) -> dict[str, int]:
        """How often each kind was met."""
        kinds = [call.kind for call in self.calls]
        return {kind: kinds.count(kind) for kind in sorted(set(kinds))}

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._connection, "127.0.0.1", 0, backlog=256))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0.01))
        self._loop.close()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._exchange(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client went away, or the test is over
        finally:
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
        body = json.loads(await reader.readexactly(int(headers.get("content-length", 0))))
        name = digest(body)
        attempt = self._seen.get(name, 0)
        self._seen[name] = attempt + 1
        kind = self.rule(body, attempt)
        self.calls.append(Call(name, attempt, kind, time.monotonic(), headers))
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await asyncio.sleep(HANG if kind == "timeout" else self.latency)
            return await self._respond(kind, name, body, headers, writer)
        finally:
            self.in_flight -= 1

    async def _respond(
        self, kind: str, name: str, body: dict[str, Any], headers: dict[str, str], writer: asyncio.StreamWriter
    ) -> bool:
        """Write what ``kind`` says; False where the connection is to be closed.

        A status may be followed by words for its message; the word 'echo' stands for the key that was sent.
        """
        if kind in (ANSWER, SLOW) and self.log:
            descriptor = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            os.write(descriptor, f"{name}\n".encode())
            os.fsync(descriptor)
            os.close(descriptor)
        if kind in ("drop_before_headers", "timeout"):
            return False
        status, _, words = kind.partition(" ")
        if status.isdigit():
            message = headers.get("authorization", "") if words == "echo" else f"status {kind}"
            payload = json.dumps({"error": {"message": message, "type": "invalid", "code": status}}).encode()
            extra = f"Retry-After: {self._retry_after()}\r\n" if status in ("429", "503") and self.retry_after else ""
            writer.write(_head(int(status), len(payload), extra=extra) + payload)
        elif kind == "drop_after_headers":
            writer.write(_head(200, 500))
        elif kind == "truncated_body":
            payload = _odd(ANSWER, body) or b""
            writer.write(_head(200, len(payload)) + payload[:60])
        elif (payload := _odd(kind, body)) is not None:
            writer.write(_head(200, len(payload), "text/html" if kind == "html" else "application/json"))
            pieces = 8 if kind == SLOW else 1
            step = len(payload) // pieces + 1
            for start in range(0, len(payload), step):
                writer.write(payload[start : start + step])
                await writer.drain()
                await asyncio.sleep(0.01 if kind == SLOW else 0)
        else:
            raise ValueError(f"no such kind: {kind}")
        await writer.drain()
        return kind not in ("drop_after_headers", "truncated_body")

    def _retry_after(self) -> str:
        if self.retry_after.startswith("date:"):
            return formatdate(time.time() + float(self.retry_after[5:]), usegmt=True)
        return self.retry_after


def _head(status: int, length: int, kind: str = "application/json", extra: str = "") -> bytes:
    return f"HTTP/1.1 {status} x\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n{extra}\r\n".encode()

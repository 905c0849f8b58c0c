"""How fast a teacher is asked, beside bare LiteLLM and bare aiohttp on the same server, and how much memory it takes.

Server and clients have a process each. A client is forked from a process that has imported everything, asks a few
questions that are not counted, and then as many as are wanted, ``IN_FLIGHT`` at a time.
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from primum.teachers import provider
from primum.teachers.client import Request, TeacherClient
from primum.teaching import Limits, Teacher

IN_FLIGHT = 64
_MODEL = "hosted_vllm/bench"
_ANSWER = (
    b'{"id":"c","object":"chat.completion","created":1,"model":"bench","choices":[{"index":0,"message":{"role":'
    b'"assistant","content":"{\\"final\\": \\"'
    + b"An answer of some words. "
    * 20
    + b'\\"}"},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":210,"completion_tokens":120,"total_tokens":330}}'
)
_RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
    len(_ANSWER),
    _ANSWER,
)
_FILLER = "Some context that a teacher is given. " * 20
_PRELOAD = ["litellm", "aiohttp", "primum.teachers.client"]

Measurement = Callable[[str, int], Any]


@contextmanager
def server(latency: float) -> Iterator[str]:
    """A server that answers after ``latency`` seconds, in a process of its own; yields its ``api_base``."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(latency, theirs), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}/v1"
    finally:
        process.terminate()
        process.join()


def apart(measurement: Measurement, url: str, requests: int) -> Any:
    """What ``measurement(url, requests)`` returns in a fresh process."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOAD)
    ours, theirs = context.Pipe()
    process = context.Process(target=_send, args=(measurement, url, requests, theirs))
    process.start()
    theirs.close()
    try:
        return ours.recv()
    finally:
        process.join()


def ours(url: str, requests: int) -> float:
    """Requests a second of :class:`TeacherClient`, every reply fsync'd."""
    with tempfile.TemporaryDirectory() as folder, _client(url, folder) as client:
        client.ask(_questions(IN_FLIGHT, -IN_FLIGHT))
        start = time.perf_counter()
        client.ask(_questions(requests))
        return requests / (time.perf_counter() - start)


def bare_litellm(url: str, requests: int) -> float:
    """Requests a second of ``litellm.acompletion`` under a semaphore, nothing kept."""
    litellm = provider.load()

    async def run() -> float:
        async def call(question: Request) -> None:
            await litellm.acompletion(
                model=_MODEL, messages=question.messages, api_base=url, timeout=60.0, num_retries=0, max_retries=0
            )

        return await _under_a_semaphore(call, requests)

    return asyncio.run(run())


def bare_aiohttp(url: str, requests: int) -> float:
    """Requests a second of aiohttp under a semaphore, nothing kept."""
    import aiohttp

    async def run() -> float:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

            async def call(question: Request) -> None:
                body = {"model": "bench", "messages": question.messages}
                async with session.post(f"{url}/chat/completions", json=body) as response:
                    await response.json()

            return await _under_a_semaphore(call, requests)

    return asyncio.run(run())


def memory(url: str, requests: int) -> dict[str, float]:
    """MiB of resident memory of :class:`TeacherClient` after 1,000 requests and after ``requests``."""
    found = {}
    with tempfile.TemporaryDirectory() as folder, _client(url, folder) as client:
        done = 0
        for upto in (1000, requests):
            client.ask(_questions(upto - done, done))
            done = upto
            gc.collect()
            found[f"after_{upto}"] = round(_resident(), 1)
    return found


def _client(url: str, folder: str) -> TeacherClient:
    teacher = Teacher(model=_MODEL, api_base=url, limits=Limits(concurrency=IN_FLIGHT, timeout=60.0))
    return TeacherClient("bench", teacher, "bench", Path(folder) / "ledger.jsonl")


def _questions(number: int, start: int = 0) -> Iterator[Request]:
    for n in range(start, start + number):
        yield Request(str(n), [{"role": "user", "content": f"{_FILLER} Question {n}?"}])


async def _under_a_semaphore(call: Callable[[Request], Awaitable[None]], requests: int) -> float:
    semaphore = asyncio.Semaphore(IN_FLIGHT)

    async def one(question: Request) -> None:
        async with semaphore:
            await call(question)

    await asyncio.gather(*(one(question) for question in _questions(IN_FLIGHT, -IN_FLIGHT)))
    start = time.perf_counter()
    await asyncio.gather(*(one(question) for question in _questions(requests)))
    return requests / (time.perf_counter() - start)


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _send(measurement: Measurement, url: str, requests: int, pipe: Any) -> None:
    pipe.send(measurement(url, requests))


def _serve(latency: float, pipe: Any) -> None:
    """As little work a request as can be: the clients are what is measured."""

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                await reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r\n")[0]))
                await asyncio.sleep(latency)
                writer.write(_RESPONSE)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def run() -> None:
        listening = await asyncio.start_server(connection, "127.0.0.1", 0, backlog=256)
        pipe.send(listening.sockets[0].getsockname()[1])
        await listening.serve_forever()

    asyncio.run(run())

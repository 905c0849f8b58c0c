"""One question, asked until the matter is settled: calls, pauses, retries, and when to give up."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from primum.errors import UserError
from primum.teachers import provider
from primum.teachers.limits import Pace, Spent
from primum.teachers.replies import ANSWERED, EMPTY, REFUSED, Failure, Reading, Reply, Request, explain, read
from primum.teaching import Teacher

BACKOFF = 0.5  # seconds before the first retry; twice as long before each further one
_LONGEST_BACKOFF = 60.0  # seconds
_PATIENCE = 600.0  # seconds: a server that asks for more is tried again by the next run
_FIRST_GAP = 0.005  # seconds between two calls, before it is known how long one takes
_LEAST_KNOCKS = 3  # refused connections before a server is held to be absent


class Flight:
    """Which workers are at something that a stop lets finish, because it may have been paid for."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self.stopping = False
        self.busy: set[asyncio.Task[Any]] = set()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let a stop wait for what the current task does inside."""
        task = asyncio.current_task()
        assert task is not None
        self.busy.add(task)
        try:
            yield
        finally:
            self.busy.discard(task)


class Caller:
    """Calls one teacher through LiteLLM; shared by all workers, because a pause is.

    Args:
        name: of the teacher, for messages.
        teacher: its model, parameters and limits.
        spent: takes the attempts, and what they wasted.
        held_before: whether the ledger held replies: then the address and the model's name are right.
        backoff: seconds before the first retry.
    """

    def __init__(self, name: str, teacher: Teacher, spent: Spent, held_before: bool, backoff: float) -> None:
        provider.check(name, teacher)
        self._name = name
        self._teacher = teacher
        self._spent = spent
        self._backoff = backoff
        self._arguments = provider.call_arguments(name, teacher)
        self.prices = provider.prices(name, teacher)
        self._complete = provider.load().acompletion
        limits = teacher.limits
        self._request_pace = Pace(limits.requests_per_minute) if limits.requests_per_minute else None
        self._token_pace = Pace(limits.tokens_per_minute) if limits.tokens_per_minute else None
        self._jitter = random.Random()  # delays alone depend on it
        self._known = held_before
        self._answers = 0  # responses that made sense, refusals too
        self._knocks = 0  # refused connections before the first of them
        self._resume = 0.0  # loop time until which nobody calls
        self._free = 0.0  # loop time from which the next call may leave
        self._lasts: float | None = None  # seconds: running mean of calls that were answered

    async def settle(self, request: Request, key: str, estimate: float, flight: Flight) -> Reply | None:
        """Call until there is a reply; None where the run stopped first. ``estimate``: tokens it may take.

        Raises:
            UserError: the teacher cannot be asked, or the attempts have run out.
        """
        calls = counted = 0
        answers = self._answers
        while True:
            await self._turn(estimate, flight.workers)
            calls += 1
            with flight.held():
                found = await self._call(request, key, calls, estimate)
            if isinstance(found, Reply):
                return found
            # A busy server that has let others through since this request's last call is no failure of it.
            counted += not (isinstance(found, Failure) and found.status == 429 and self._answers > answers)
            answers = self._answers
            self._stop_if_absent(found, flight)
            if counted >= self._teacher.limits.attempts or _asks_too_much(found):
                return self._give_up(request, key, calls, found)
            if flight.stopping:
                return None
            await self._rest(counted, found)

    async def _turn(self, estimate: float, workers: int) -> None:
        """Wait for a pause to end, for the rates to allow a call, and for the last one to be out of the way.

        Calls that LiteLLM prepares at the same time leave in a clump, are answered in a clump and so stay one, while
        the processor idles in between: at 64 in flight and 300 ms, a quarter of the rate. Two calls are therefore kept
        half as far apart as they would be if they came evenly.
        """
        loop = asyncio.get_running_loop()
        await self._paused()
        if self._request_pace is not None:
            await self._request_pace.take(1.0)
        if self._token_pace is not None:
            await self._token_pace.take(estimate)
        gap = _FIRST_GAP if self._lasts is None else 0.5 * self._lasts / workers
        mine = max(self._free, loop.time())
        self._free = mine + gap
        if mine > loop.time():
            await asyncio.sleep(mine - loop.time())
        await self._paused()  # somebody may have been told to wait meanwhile

    async def _paused(self) -> None:
        loop = asyncio.get_running_loop()
        while (wait := self._resume - loop.time()) > 0:
            await asyncio.sleep(wait + self._jitter.uniform(0, 0.1 * min(wait, 1.0)))

    async def _call(self, request: Request, key: str, calls: int, estimate: float) -> Reply | Reading | Failure:
        """One call: a reply, a response without text that may be better next time, or what went wrong."""
        self._spent.attempts += 1
        self._spent.retries += calls > 1
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._teacher.limits.timeout):  # LiteLLM's bounds each read, not the whole
                response = await self._complete(messages=request.messages, **self._arguments)
            reading = read(response, request.messages)
        except Exception as error:
            failure = explain(error, self._arguments.get("api_key"))
            # Before anything was ever answered, 404 speaks of the address and not of the request.
            if failure.action == "stop" or (failure.status == 404 and not (self._answers or self._known)):
                raise self._cannot_ask("cannot be asked", failure.reason) from None
            if failure.action == "refused":
                self._answers += 1
                return Reply(key, REFUSED, failure.reason, "", 0, 0, 0.0, calls)
            return failure
        self._answers += 1
        lasted = time.monotonic() - began
        self._lasts = lasted if self._lasts is None else self._lasts + 0.05 * (lasted - self._lasts)
        tokens = reading.prompt_tokens + reading.completion_tokens
        if self._token_pace is not None:
            self._token_pace.settle(estimate, tokens)
        if reading.settled:
            return self._reply(key, reading, calls)
        self._spent.wasted_tokens += tokens
        self._spent.wasted_cost += self.prices.cost(reading.prompt_tokens, reading.completion_tokens)
        return reading

    def _reply(self, key: str, reading: Reading, calls: int) -> Reply:
        given, made = reading.prompt_tokens, reading.completion_tokens
        outcome = ANSWERED if reading.text else EMPTY
        return Reply(
            key, outcome, reading.text, reading.finish_reason, given, made, self.prices.cost(given, made), calls
        )

    def _give_up(self, request: Request, key: str, calls: int, last: Reading | Failure) -> Reply:
        """A reply that there is no text, where that is what the server says; else the end of the run."""
        if isinstance(last, Reading):
            self._spent.wasted_tokens -= last.prompt_tokens + last.completion_tokens  # the ledger's from now on
            self._spent.wasted_cost -= self.prices.cost(last.prompt_tokens, last.completion_tokens)
            return self._reply(key, last, calls)
        waits = f"; it asks to wait {last.wait:.0f} s" if _asks_too_much(last) else ""
        raise UserError(
            f"teacher '{self._name}': request {request.id} failed {calls} times (last: {last.reason}{waits}); "
            f"{self._spent.requests} answers are kept.",
            "Run again when the server is well: nothing answered is asked again.",
        )

    async def _rest(self, counted: int, found: Reading | Failure) -> None:
        """Wait as long as the server asks, or longer after each failure; after a 429 everyone does."""
        longest = min(_LONGEST_BACKOFF, self._backoff * 2.0 ** min(max(counted - 1, 0), 20))
        wait = self._jitter.uniform(0.5, 1.0) * longest
        if isinstance(found, Failure):
            if found.wait is not None:
                wait = found.wait + self._jitter.uniform(0, 0.1 * longest)
            if found.status == 429:
                pause = wait if found.wait is None else found.wait
                self._resume = max(self._resume, asyncio.get_running_loop().time() + pause)
        await asyncio.sleep(wait)

    def _stop_if_absent(self, found: Reading | Failure, flight: Flight) -> None:
        """End the run where nobody has answered and as many connections as there are workers were refused."""
        if self._answers or not isinstance(found, Failure) or found.connected:
            return
        self._knocks += 1
        if self._knocks >= max(flight.workers, _LEAST_KNOCKS):
            raise self._cannot_ask("cannot be reached", found.reason)

    def _cannot_ask(self, what: str, reason: str) -> UserError:
        where = f"at {self._teacher.api_base}" if self._teacher.api_base else "at its provider's own address"
        key = self._teacher.api_key_env or "the provider's own variable"
        remedy = (
            "Start the server, or mend api_base, and run again."
            if what == "cannot be reached"
            else f"Mend model, api_base, parameters or the key ({key}), and run again."
        )
        return UserError(f"teacher '{self._name}': {self._teacher.model} {where} {what} ({reason}).", remedy)


def _asks_too_much(found: Reading | Failure) -> bool:
    return isinstance(found, Failure) and (found.wait or 0.0) > _PATIENCE

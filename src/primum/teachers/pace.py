"""How fast a teacher may be asked: requests and tokens a minute (``aiolimiter``), and pauses for everybody."""

from __future__ import annotations

import asyncio
import time

from primum.teaching import Limits

BURST = 10.0  # seconds' worth of tokens that may be asked at once
GUESS = 512.0  # tokens of a reply, before any is known
CHARACTERS = 4.0  # of a prompt, a token


class Pace:
    """Turns for requests.

    Args:
        limits: requests come evenly spaced, so that no minute has more than it may; tokens by an estimate that follows what
            the replies used.
    """

    def __init__(self, limits: Limits) -> None:
        from aiolimiter import AsyncLimiter

        self._requests = AsyncLimiter(1, 60 / limits.requests_per_minute) if limits.requests_per_minute else None
        self._bucket = (limits.tokens_per_minute or 0) / 60 * BURST
        self._tokens = AsyncLimiter(self._bucket, BURST) if limits.tokens_per_minute else None
        self._used, self._read, self._replies = 0.0, 0.0, 0
        self._until = 0.0

    async def turn(self, messages: list[dict[str, str]]) -> None:
        """Wait until a request may be made."""
        while (left := self._until - time.monotonic()) > 0:
            await asyncio.sleep(left)
        if self._tokens:
            await self._tokens.acquire(min(self._estimate(messages), self._bucket))
        if self._requests:
            await self._requests.acquire()

    def pause(self, seconds: float) -> None:
        """Nobody asks for so long."""
        self._until = max(self._until, time.monotonic() + seconds)

    def learn(self, messages: list[dict[str, str]], tokens: int) -> None:
        """What a reply used."""
        self._used, self._read, self._replies = self._used + tokens, self._read + _read(messages), self._replies + 1

    def _estimate(self, messages: list[dict[str, str]]) -> float:
        """Prompt and reply: so many tokens a prompt's token as there were so far."""
        read = _read(messages)
        return read * self._used / self._read if self._used and self._read else read + GUESS


def _read(messages: list[dict[str, str]]) -> float:
    return max(1.0, sum(len(message["content"]) for message in messages) / CHARACTERS)

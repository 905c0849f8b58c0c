"""Pace and budget: how fast a teacher is asked, and how much may be spent on it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from primum.errors import UserError
from primum.teaching import Limits

_FIRST_GUESS = 256  # completion tokens of an answer, before there is any to go by


@dataclass(slots=True)
class Spent:
    """What the ledger holds for a teacher, and what this session did.

    Args:
        requests: replies, refused ones too.
        prompt_tokens: of all replies.
        completion_tokens: of all replies.
        cost: US dollars of all replies.
        attempts: calls of this session.
        retries: those of them that were not a request's first.
        wasted_tokens: of this session's responses that were no answer; they count towards the budget.
        wasted_cost: US dollars of those.
    """

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0
    attempts: int = 0
    retries: int = 0
    wasted_tokens: int = 0
    wasted_cost: float = 0.0

    @property
    def tokens(self) -> int:
        """Prompt and completion tokens, wasted ones too."""
        return self.prompt_tokens + self.completion_tokens + self.wasted_tokens


class Pace:
    """No more than ``per_minute`` units in any 60 seconds.

    aiolimiter's bucket lets a full bucket through at once and refills it meanwhile, so a minute's bucket would allow
    twice the rate in the first minute: this one holds a second's worth, and that second counts as one of 61. What a
    request really used is settled with whoever comes next.
    """

    def __init__(self, per_minute: float) -> None:
        from aiolimiter import AsyncLimiter

        self._burst = max(1.0, per_minute / 61)
        self._limiter = AsyncLimiter(self._burst, 60 / per_minute if per_minute < 61 else 1.0)
        self._owed = 0.0

    async def take(self, amount: float) -> None:
        """Wait until ``amount`` units, and what is owed, may pass."""
        amount, self._owed = amount + self._owed, 0.0
        if amount < 0:
            amount, self._owed = 0.0, amount
        while amount > 0:
            part = min(amount, self._burst)
            await self._limiter.acquire(part)
            amount -= part

    def settle(self, estimated: float, used: float) -> None:
        """Put right an estimate."""
        self._owed += used - estimated


class Budget:
    """What may be spent, over all that the ledger holds. A request is admitted only if it cannot pass it.

    What is in flight counts by its estimate; where only that stands in the way, a request waits for it to settle.
    """

    def __init__(self, name: str, limits: Limits, spent: Spent) -> None:
        self._name = name
        self._limits = limits
        self._spent = spent
        self._in_flight = [0.0, 0.0, 0.0]  # requests, tokens, dollars
        self._settled: asyncio.Event = asyncio.Event()

    async def reserve(self, tokens: float, cost: float) -> None:
        """Admit a request of so many tokens and dollars; :class:`UserError` if the budget does not hold it."""
        ask = (1.0, tokens, cost)
        while True:
            if over := self._over(ask, (0.0, 0.0, 0.0)):
                raise UserError(*over)
            if not self._over(ask, self._in_flight):
                break
            self._settled.clear()
            await self._settled.wait()
        for place, amount in enumerate(ask):
            self._in_flight[place] += amount

    def release(self, tokens: float, cost: float) -> None:
        """Take back a reservation: the request is in the ledger, or came to nothing."""
        for place, amount in enumerate((1.0, tokens, cost)):
            self._in_flight[place] -= amount
        self._settled.set()

    def _over(self, ask: tuple[float, ...], in_flight: list[float] | tuple[float, ...]) -> tuple[str, str] | None:
        spent = (self._spent.requests, self._spent.tokens, self._spent.cost + self._spent.wasted_cost)
        for place, key in enumerate(("max_requests", "max_tokens", "max_cost")):
            limit = getattr(self._limits, key)
            # 1e-9: sums of dollars are not exact, and a budget that is just met is met
            if limit is not None and spent[place] + in_flight[place] + ask[place] > limit * (1 + 1e-9):
                unit = ("requests", "tokens", "US dollars")[place]
                return (
                    f"teacher '{self._name}': the budget limits.{key} = {limit:g} {unit} is spent ({spent[place]:g}; "
                    f"the next request may take {ask[place]:g}); {self._spent.requests} answers are kept.",
                    f"Raise limits.{key} and run again: nothing answered is asked again.",
                )
        return None


class Estimate:
    """How many tokens a completion may take: the request's own bound, or the mean so far."""

    def __init__(self, parameters: dict[str, object], spent: Spent) -> None:
        bounds = [parameters.get(name) for name in ("max_completion_tokens", "max_tokens")]
        self._bound = next((bound for bound in bounds if isinstance(bound, int) and not isinstance(bound, bool)), None)
        self._spent = spent

    def completion_tokens(self) -> float:
        """Tokens of the next completion: at most, where the parameters bound them; else likely."""
        if self._bound is not None:
            return float(self._bound)
        return self._spent.completion_tokens / self._spent.requests if self._spent.completion_tokens else _FIRST_GUESS

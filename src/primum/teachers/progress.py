"""One line on stderr about how far a teacher has come, every two seconds at most."""

from __future__ import annotations

import asyncio
import sys
import time

from primum.teachers.limits import Spent

_EVERY = 2.0  # seconds


class Progress:
    """Counts one call of ``ask``; ``total`` where it is known."""

    def __init__(self, name: str, total: int | None, spent: Spent) -> None:
        self._name = name
        self._total = total
        self._spent = spent
        self._start = time.monotonic()
        self.done = 0
        self.asked = 0  # of those: not in the ledger before

    async def tick(self) -> None:
        """Say it now and then, until cancelled."""
        while True:
            await asyncio.sleep(_EVERY)
            self.tell()

    def tell(self, last: bool = False) -> None:
        """Say it; at the end only if anything was asked."""
        if self.asked or not last:
            print(self.line(time.monotonic() - self._start), file=sys.stderr, flush=True)

    def line(self, seconds: float) -> str:
        """The line after so many seconds; the rate is of what was asked, not of what the ledger held."""
        rate = self.asked / seconds if seconds > 0 else 0.0
        parts = [
            f"[teacher {self._name}] {self.done}" + (f"/{self._total}" if self._total is not None else ""),
            f"{rate:.1f} requests/s",
            f"retries {self._spent.retries}",
            f"tokens {_short(self._spent.tokens)}",
            f"${self._spent.cost + self._spent.wasted_cost:.2f}",
        ]
        if self._total is not None and rate > 0 and self.done < self._total:
            left = (self._total - self.done) / rate
            parts.append(f"{left / 60:.0f} min left" if left >= 60 else f"{left:.0f} s left")
        return "  ".join(parts)


def _short(number: float) -> str:
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.1f}{unit}"
    return f"{number:.0f}"

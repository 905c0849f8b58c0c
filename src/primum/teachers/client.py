"""Ask a teacher many questions at once, and none of them twice.

Workers draw from the caller's iterator inside one asyncio loop; a reply counts once the ledger holds it on the disk.
Whatever ends a run (an error, a spent budget, Ctrl-C, a kill), the next one asks only what is missing. Where nothing
is missing, neither LiteLLM nor a key is needed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sized
from pathlib import Path

from primum.errors import UserError
from primum.files import sha256_json
from primum.teachers import provider
from primum.teachers.caller import BACKOFF, Caller, Flight
from primum.teachers.ledger import Ledger
from primum.teachers.limits import Budget, Estimate, Spent
from primum.teachers.progress import Progress
from primum.teachers.replies import Reply, Request, prompt_tokens
from primum.teaching import Teacher

__all__ = ["Reply", "Request", "TeacherClient"]

Sink = Callable[[Request, Reply], None]

_HITS_IN_A_ROW = 200  # replies from the ledger before others may have the loop


class TeacherClient:
    """Asks the teacher called ``name`` and keeps its replies.

    Args:
        name: of the teacher in the study; for messages.
        teacher: its model, parameters and limits.
        revision: part of every key: whatever else changes the answers (prompt version, an embedded teacher's code).
        ledger: JSONL file of the replies; locked against other processes until :meth:`close`.
        backoff: seconds before the first retry.

    Attributes:
        spent: what the ledger holds for this model and revision, and what this session did.
    """

    def __init__(self, name: str, teacher: Teacher, revision: str, ledger: Path, *, backoff: float = BACKOFF) -> None:
        provider.check_parameters(name, teacher)
        self.name = name
        self._teacher = teacher
        self._about = {"model": teacher.model, "parameters": teacher.parameters, "revision": revision}
        try:
            sha256_json(self._about)
        except (TypeError, ValueError) as error:
            raise UserError(
                f"teacher '{name}': parameters are not JSON ({error}).", "Mend them in the study."
            ) from None
        self._ledger = Ledger(Path(ledger), teacher.model, revision)
        self.spent: Spent = self._ledger.spent
        self._backoff = backoff
        self._budget = Budget(name, teacher.limits, self.spent)
        self._estimate = Estimate(teacher.parameters, self.spent)
        self._runner: asyncio.Runner | None = None
        self._caller: Caller | None = None

    def __enter__(self) -> TeacherClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def key(self, request: Request) -> str:
        """SHA-256 of what is asked: model, messages, parameters, revision."""
        return sha256_json({**self._about, "messages": request.messages})

    def reply(self, request: Request) -> Reply:
        """The ledger's reply; :class:`UserError` if it has none."""
        try:
            return self._ledger[self.key(request)]
        except KeyError:
            raise UserError(
                f"teacher '{self.name}' has not been asked request {request.id}.", "Ask it first, then read its reply."
            ) from None

    def ask(self, requests: Iterable[Request], sink: Sink | None = None) -> None:
        """Ask whatever the ledger lacks, drawing ``requests`` as workers come free.

        Args:
            requests: may be lazy; those with one key are asked once.
            sink: is told of every request and its reply, the ledger's too, in any order, once the reply is durable.

        Raises:
            UserError: the teacher cannot be asked, a request failed too often, or the budget is spent. All replies
                until then are kept.
        """
        total = len(requests) if isinstance(requests, Sized) else None
        self._runner = self._runner or asyncio.Runner()
        self._runner.run(self._ask(iter(requests), sink, total))

    def close(self) -> None:
        """End the loop and unlock the ledger."""
        runner, self._runner = self._runner, None
        try:
            if runner is not None and self._caller is not None:
                runner.run(provider.close())
        finally:
            if runner is not None:
                runner.close()
            self._ledger.close()

    async def _ask(self, requests: Iterator[Request], sink: Sink | None, total: int | None) -> None:
        """Run the workers; where one fails, let those finish that may have been paid for."""
        progress = Progress(self.name, total, self.spent)
        concurrency = self._teacher.limits.concurrency
        flight = Flight(concurrency if total is None else max(1, min(concurrency, total)))
        pending: dict[str, list[Request]] = {}
        work = [
            asyncio.create_task(self._work(requests, sink, progress, flight, pending)) for _ in range(flight.workers)
        ]
        ticker = asyncio.create_task(progress.tick())
        try:
            done, others = await asyncio.wait(work, return_when=asyncio.FIRST_EXCEPTION)
            flight.stopping = True
            for worker in others - flight.busy:
                worker.cancel()
            if others:
                await asyncio.wait(others)
            for worker in sorted(done, key=work.index):
                worker.result()
        finally:
            for task in (*work, ticker):
                task.cancel()
            await asyncio.gather(*work, ticker, return_exceptions=True)
            await self._ledger.settled()
            progress.tell(last=True)

    async def _work(
        self,
        requests: Iterator[Request],
        sink: Sink | None,
        progress: Progress,
        flight: Flight,
        pending: dict[str, list[Request]],
    ) -> None:
        """One worker: draw, look up, ask, keep, tell. ``pending``: requests by key that wait for a reply."""
        hits = 0
        while not flight.stopping:
            request = next(requests, None)
            if request is None:
                return
            key = self.key(request)
            if key in pending:
                pending[key].append(request)
                continue
            waiting = [request]
            if key in self._ledger:
                reply: Reply | None = self._ledger[key]
                hits += 1
                if hits % _HITS_IN_A_ROW == 0:
                    await asyncio.sleep(0)
            else:
                pending[key] = waiting
                try:
                    reply = await self._answer(request, key, flight)
                finally:
                    del pending[key]
                if reply is None:
                    return
                progress.asked += 1
            for same in waiting:
                progress.done += 1
                if sink is not None:
                    sink(same, reply)

    async def _answer(self, request: Request, key: str, flight: Flight) -> Reply | None:
        """Ask within the budget, and keep the reply; None where the run stopped first."""
        if self._caller is None:
            held = self.spent.requests > 0
            self._caller = Caller(self.name, self._teacher, self.spent, held, self._backoff)
        asked, made = float(prompt_tokens(request.messages)), self._estimate.completion_tokens()
        cost = self._caller.prices.cost(asked, made)
        await self._budget.reserve(asked + made, cost)
        try:
            reply = await self._caller.settle(request, key, asked + made, flight)
            if reply is not None:
                with flight.held():
                    await self._ledger.append(reply)
        finally:
            self._budget.release(asked + made, cost)
        return reply

"""The ledger of a teacher's replies: append-only JSON lines that count once they are on the disk.

Lines that wait are written together, flushed and fsync'd in a thread; whoever waits is told afterwards. A kill at any
moment loses only lines nobody was told about. In memory stand a hash and an offset for each line, and the totals.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from primum.errors import UserError
from primum.files import dumps
from primum.teachers.limits import Spent
from primum.teachers.replies import Reply

_FIELDS = {name: {"str": str, "int": int, "float": float}[kind] for name, kind in Reply.__annotations__.items()}
_open: set[Path] = set()  # a second lock in one process would wait for ever


class Ledger:
    """Open and lock the ledger of ``path``; another process that opens it waits until it is closed.

    Args:
        path: the JSONL file; ``PATH.lock`` beside it is what is locked.
        model: LiteLLM's name, written into every line.
        revision: likewise; ``spent`` counts the lines of this model and revision.
    """

    def __init__(self, path: Path, model: str, revision: str) -> None:
        self.path = Path(path)
        self.spent = Spent()
        self._about = {"model": model, "revision": revision}
        self._offsets: dict[bytes, int] = {}
        self._waiting: list[tuple[Reply, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._lock = self._take_lock()
        try:
            self._file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
            self._end = self._load()
            self._keep_name()
        except BaseException:
            self._release()
            raise

    def __len__(self) -> int:
        return len(self._offsets)

    def __contains__(self, key: str) -> bool:
        return bytes.fromhex(key) in self._offsets

    def __getitem__(self, key: str) -> Reply:
        """The reply under ``key``; ``KeyError`` if there is none."""
        offset, data = self._offsets[bytes.fromhex(key)], b""
        while not (newline := data.find(b"\n") + 1):  # pread: the writing thread moves the file's position
            data += os.pread(self._file, 8192, offset + len(data))
        line = json.loads(data[:newline])
        return Reply(**{name: line[name] for name in _FIELDS})

    async def append(self, reply: Reply) -> None:
        """Add a reply; returns once it is durable. :class:`UserError` if the disk fails; then nothing was added."""
        told = asyncio.get_running_loop().create_future()
        self._waiting.append((reply, told))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        await told

    async def settled(self) -> None:
        """Wait until nothing waits to be written."""
        if self._writing is not None:
            await self._writing

    def close(self) -> None:
        """Close the file and let others in."""
        if self._thread is not None:
            self._thread.shutdown()
        os.close(self._file)
        self._release()

    async def _write(self) -> None:
        """Write what waits until nothing does, all that has gathered at a time."""
        loop = asyncio.get_running_loop()
        self._thread = self._thread or ThreadPoolExecutor(1, "ledger")
        while self._waiting:
            group, self._waiting = self._waiting, []
            lines = [(dumps({**asdict(reply), **self._about}) + "\n").encode() for reply, _ in group]
            try:
                await loop.run_in_executor(self._thread, self._commit, b"".join(lines))
            except OSError as error:
                problem = UserError(f"{self.path} cannot be written ({error.strerror}).", "Make room, and run again.")
                for _, told in group:
                    if not told.done():
                        told.set_exception(problem)
                continue
            for (reply, told), line in zip(group, lines, strict=True):
                self._note(reply, self._end, ours=True)
                self._end += len(line)
                if not told.done():  # whoever waited may have been cancelled
                    told.set_result(None)

    def _commit(self, data: bytes) -> None:
        """Write and fsync; on an error nothing of it stays."""
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._file, view) :]
            os.fsync(self._file)
        except OSError:
            os.ftruncate(self._file, self._end)
            raise

    def _note(self, reply: Reply, offset: int, ours: bool) -> None:
        self._offsets.setdefault(bytes.fromhex(reply.key), offset)
        if ours:
            self.spent.requests += 1
            self.spent.prompt_tokens += reply.prompt_tokens
            self.spent.completion_tokens += reply.completion_tokens
            self.spent.cost += reply.cost

    def _load(self) -> int:
        """Index the file; return where it ends. A torn last line is cut off, a broken one before it is an error."""
        end = 0
        with open(self._file, "rb", closefd=False) as handle:
            size = os.fstat(self._file).st_size
            for number, line in enumerate(handle, 1):
                found = self._parse(line)
                if found is None:
                    if end + len(line) < size:
                        raise UserError(
                            f"{self.path} line {number} is no reply of a teacher.",
                            "Restore the file, or remove that line: its question will be asked again.",
                        )
                    os.ftruncate(self._file, end)
                    os.fsync(self._file)
                    print(
                        f"{self.path.name}: dropped a torn last line ({len(line)} bytes)", file=sys.stderr, flush=True
                    )
                    break
                self._note(found[0], end, found[1])
                end += len(line)
        return end

    def _parse(self, line: bytes) -> tuple[Reply, bool] | None:
        """The reply of a whole line, and whether it is of this model and revision; None if it is none."""
        try:
            found = json.loads(line) if line.endswith(b"\n") else {}
            reply = Reply(**{name: found[name] for name in _FIELDS})
            about = {name: found[name] for name in self._about}
            whole = len(bytes.fromhex(reply.key)) == 32
        except (ValueError, TypeError, KeyError):
            return None
        if not whole or any(type(getattr(reply, name)) is not kind for name, kind in _FIELDS.items()):
            return None
        return reply, about == self._about

    def _keep_name(self) -> None:
        """fsync the folder: a new file's lines are durable, but not yet its name."""
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _take_lock(self) -> int:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.resolve() in _open:
            raise ValueError(f"{self.path} is open in this process already")
        lock = os.open(self.path.with_name(f"{self.path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"{self.path.name}: another process has it open; waiting", file=sys.stderr, flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        _open.add(self.path.resolve())
        return lock

    def _release(self) -> None:
        _open.discard(self.path.resolve())
        os.close(self._lock)

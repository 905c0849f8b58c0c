"""The ledger on disk: torn and broken lines, whose lines count, and one process at a time."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from primum.errors import UserError
from primum.files import sha256_json
from primum.teachers.ledger import Ledger
from primum.teachers.replies import Reply


def reply(number: int, text: str = "text") -> Reply:
    return Reply(sha256_json(number), "answered", text, "stop", 3, 2, 0.5, 1)


def filled(path: Path, numbers: range, revision: str = "r") -> None:
    async def fill(ledger: Ledger) -> None:
        await asyncio.gather(*(ledger.append(reply(number, f"é\u2028 {number}")) for number in numbers))

    ledger = Ledger(path, "p/m", revision)
    asyncio.run(fill(ledger))
    ledger.close()


def test_round_trip_and_totals(tmp_path: Path) -> None:
    path = tmp_path / "new" / "l.jsonl"
    filled(path, range(50))
    filled(path, range(50, 60), revision="other")
    filled(path, range(60, 61))
    ledger = Ledger(path, "p/m", "r")
    assert len(ledger) == 61 and ledger.spent.requests == 51
    assert (ledger.spent.prompt_tokens, ledger.spent.completion_tokens, ledger.spent.cost) == (153, 102, 25.5)
    for number in range(61):
        assert ledger[sha256_json(number)] == reply(number, f"é\u2028 {number}")
    assert sha256_json(61) not in ledger
    ledger.close()
    assert {tuple(json.loads(line)) for line in path.read_text().split("\n")[:-1]} == {
        tuple(sorted([*Reply.__slots__, "model", "revision"]))
    }


def test_long_lines(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l", "p/m", "r")
    asyncio.run(ledger.append(reply(1, "x" * 100_000)))
    asyncio.run(ledger.append(reply(2)))
    assert len(ledger[sha256_json(1)].text) == 100_000 and ledger[sha256_json(2)] == reply(2)
    ledger.close()


def test_every_torn_tail_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "l"
    filled(path, range(3))
    whole = path.read_bytes()
    start = whole.rindex(b"\n", 0, -1) + 1
    for end in (*range(start + 1, len(whole), 37), len(whole) - 1):
        path.write_bytes(whole[:end])
        ledger = Ledger(path, "p/m", "r")
        assert len(ledger) == 2 and ledger.spent.requests == 2
        ledger.close()
        assert path.read_bytes() == whole[:start]
        filled(path, range(2, 3))
        assert path.read_bytes() == whole
    path.write_bytes(whole + b"\0" * 4096)  # a power cut may leave the length without the bytes
    Ledger(path, "p/m", "r").close()
    assert path.read_bytes() == whole


@pytest.mark.parametrize("bad", [b"{}", b"", b'{"key": 1', b"[1]", b'"x"', b"\xff\xfe"])
def test_a_broken_line_in_the_middle_is_named(tmp_path: Path, bad: bytes) -> None:
    path = tmp_path / "l"
    filled(path, range(4))
    lines = path.read_bytes().split(b"\n")
    lines[1] = bad
    path.write_bytes(b"\n".join(lines))
    for _ in range(2):  # and again: the lock was let go
        with pytest.raises(UserError, match="line 2 is no reply"):
            Ledger(path, "p/m", "r")
    assert path.read_bytes() == b"\n".join(lines)


def test_twice_in_one_process_is_an_error(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l", "p/m", "r")
    with pytest.raises(ValueError, match="open in this process"):
        Ledger(tmp_path / "l", "p/m", "r")
    ledger.close()
    Ledger(tmp_path / "l", "p/m", "r").close()


def test_a_second_process_waits(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from primum.teachers.ledger import Ledger; "
    code += "l = Ledger(Path(sys.argv[1]), 'p/m', 'r'); print('open', len(l), flush=True)"
    ledger = Ledger(tmp_path / "l", "p/m", "r")
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "l")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={"PYTHONPATH": "src"},
    ) as second:  # fmt: skip
        assert second.stderr is not None and second.stdout is not None
        assert "another process has it open; waiting" in second.stderr.readline()
        asyncio.run(ledger.append(reply(1)))
        assert second.poll() is None
        ledger.close()
        assert second.stdout.readline() == "open 1\n"  # it saw what was written while it waited
    assert second.returncode == 0


def test_a_full_disk_adds_nothing(tmp_path: Path) -> None:
    """A file-size limit stands for the full disk: the kernel's own EFBIG, in a process of its own."""
    code = """
import asyncio, resource, signal, sys
from pathlib import Path
from primum.errors import UserError
from primum.teachers.ledger import Ledger
from primum.teachers.replies import Reply
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
ledger = Ledger(Path(sys.argv[1]), "p/m", "r")
asyncio.run(ledger.append(Reply("00" * 32, "answered", "a", "stop", 1, 1, 0.0, 1)))
size = Path(sys.argv[1]).stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, size + 100))
try:
    asyncio.run(ledger.append(Reply("11" * 32, "answered", "b" * 1000, "stop", 1, 1, 0.0, 1)))
except UserError as error:
    assert "cannot be written" in str(error)
    assert Path(sys.argv[1]).stat().st_size == size and len(ledger) == 1
    print("told")
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "l")],
        capture_output=True, text=True, env={"PYTHONPATH": "src"},
    )  # fmt: skip
    assert (done.stdout, done.stderr, done.returncode) == ("told\n", "", 0)

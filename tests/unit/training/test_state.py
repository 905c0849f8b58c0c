"""Saved steps: only whole ones count, one process at a time, nothing left after success."""

from __future__ import annotations

import threading
import time

import pytest

from primum.training.state import latest_complete, locked, mark_complete


def save(work, step, whole=True):
    folder = work / f"checkpoint-{step}"
    folder.mkdir()
    (folder / "adapter.bin").write_text(str(step))
    if whole:
        mark_complete(folder)
    return folder


def test_half_written_checkpoints_are_removed(tmp_path):
    assert latest_complete(tmp_path) is None
    save(tmp_path, 2)
    save(tmp_path, 10)
    half = save(tmp_path, 12, whole=False)
    cut = save(tmp_path, 14)
    (cut / "adapter.bin").write_text("")
    assert latest_complete(tmp_path) == tmp_path / "checkpoint-10"
    assert not half.exists()
    assert not cut.exists()


def test_state_goes_on_success_and_stays_on_failure(tmp_path):
    with pytest.raises(RuntimeError), locked(tmp_path / "state", "k") as work:
        save(work, 2)
        raise RuntimeError
    with locked(tmp_path / "state", "k") as work:
        assert latest_complete(work) is not None
    assert not (tmp_path / "state").exists()


def test_second_process_waits(tmp_path, capsys):
    order = []

    def second():
        with locked(tmp_path / "state", "k"):
            order.append("second")

    with locked(tmp_path / "state", "k"):
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.2)
        order.append("first")
    thread.join(5)
    assert order == ["first", "second"]
    assert "another process is training this very stage" in capsys.readouterr().err

"""What a watcher sees, and what the log keeps."""

from __future__ import annotations

from primum.training.progress import Progress, log_lines


def test_lines(capsys):
    progress = Progress("medmcqa grpo seed0", 60, ("json_valid", "correct"))
    progress.begin(0)
    progress.logged(
        {
            "step": 20,
            "loss": 0.41,
            "reward": 1.5,
            "rewards/json_valid/mean": 1.0,
            "rewards/correct/mean": 0.5,
            "learning_rate": 1e-3,
        }
    )
    start, line = capsys.readouterr().err.splitlines()
    assert start == "[medmcqa grpo seed0] 60 steps"
    assert line.startswith(
        "[medmcqa grpo seed0] step 20/60 reward 1.50 json_valid 1.00 correct 0.50 loss 0.41 lr 0.001 eta "
    )


def test_log_keeps_no_times_and_no_counters():
    history = [
        {"step": 2, "loss": 1.0, "epoch": 0.1, "num_tokens": 5.0, "step_time": 0.2},
        {"step": 2, "train_runtime": 1.0, "train_loss": 1.0},
    ]
    assert log_lines(history, 0) == [{"step": 2, "loss": 1.0}]

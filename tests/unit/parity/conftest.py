"""The workspace of the trainers' tests."""

from tests.unit.training.conftest import backend, sft_folder, workspace  # noqa: F401

"""Stages that Tunix trained answer by either predictor."""

from tests.unit.evaluation.test_answer import (  # noqa: F401
    grounded,
    test_another_task,
    test_samples_that_fail_the_format_say_so,
    test_what_a_stage_says,
)

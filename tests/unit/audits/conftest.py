"""Both tasks, as their studies set them up."""

import pytest

from primum.tasks import load_task
from primum.tasks.base import Task


@pytest.fixture(scope="session")
def medmcqa_task() -> Task:
    return load_task(
        "medmcqa",
        {
            "system_prompt": "",
            "user_prompt": "{question} {opa} {opb} {opc} {opd}",
            "gold_confidence": 0.95,
            "reason_max_chars": 99,
        },
    )


@pytest.fixture(scope="session")
def grounded_task() -> Task:
    return load_task(
        "grounded_answer",
        {
            **{"system_prompt": "", "user_prompt": "{context}\n{question}", "tags": ["think", "proof", "answer"]},
            **{"prefill": "", "min_quote_chars": 10, "max_answer_words": 40},
        },
    )

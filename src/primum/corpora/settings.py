"""What the scripts of a corpus are told, and the pieces they share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from primum.corpora.filters import Filter
from primum.corpora.items import Items
from primum.corpora.resources import load_resources
from primum.errors import UserError
from primum.strict import Identifier, Strict
from primum.tasks import load_task
from primum.tasks.grounded_answer import GroundedAnswer
from primum.teaching import Corpus, Teacher

COMPARE = "compare"  # the split of the items that two teachers are compared on


class CorpusJob(Strict):
    """``--config`` of ``generate_corpus.py``, ``compare_teachers.py``, ``write_corpus.py`` and ``report_corpus.py``."""

    study: Identifier
    title: str
    task: str
    task_settings: dict[str, Any]
    corpus: Corpus
    teachers: dict[Identifier, Teacher]  # teacher and challenger
    revisions: dict[Identifier, str]  # of each: the code of an embedded teacher, '-' for others

    def parts(self, root: Path) -> tuple[GroundedAnswer, Items, Filter]:
        """Task, items and filter of this corpus.

        Raises:
            UserError: if the task is none of grounded answers, or the resources are not whole.
        """
        task = load_task(self.task, self.task_settings)
        if not isinstance(task, GroundedAnswer):
            raise UserError(
                f"Study '{self.study}': corpora are written for the task 'grounded_answer', not '{self.task}'.",
                "Use that task, or a dataset instead of a corpus.",
            )
        resources = load_resources(root / self.corpus.resources)
        if self.corpus.haystack_axioms[1] > len(resources.axioms):
            raise UserError(
                f"Study '{self.study}': corpus.haystack_axioms wants {self.corpus.haystack_axioms[1]} axioms, and "
                f"{self.corpus.resources}/axioms.tsv has {len(resources.axioms)}.",
                "Lower corpus.haystack_axioms, or add axioms.",
            )
        checks = Filter(task, resources.axioms, self.corpus.haystack_axioms, self.corpus.seed)
        return task, Items(self.corpus, resources), checks

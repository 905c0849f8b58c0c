# ruff: noqa: RUF001  (signs and quotation marks are meant as they are: they are printed)
"""What is said of a task in words: the only prose that differs between tasks. It holds no numbers."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Wording:
    """Words of one task.

    Attributes:
        does: what the model does, behind "This model".
        like: what it is for comparing methods on, behind "the data and".
        unfit: what it must not be used for besides.
        practice: why doing well is no competence.
        misuse: how its mistakes look.
        asks: what it is asked, behind "Input requirements:".
        read_by: what reads its answers.
        marks: an item whose headline outcome holds, and one whose does not.
        people: what the data tells of persons.
        measures: sentences on the task's own metrics.
        published: what the original's supported gains do not say.
        exploit: what items do that show the task's exploit, behind "items that".
        exploit_head: the same as a column's head.
        watched: metrics whose change against the base is told beside the headline's.
        layer: a sentence on what its safety layer does.
        layered: columns on answers that the layer corrected, by outcome (``Task.layer_outcomes``).
        references: baselines as subjects of a sentence, by name.
    """

    does: str
    like: str
    unfit: str
    practice: str
    misuse: str
    asks: str = "what the study's prompt asks"
    read_by: str = "the judge of the study's task; whatever is not exactly in its format counts as no answer"
    marks: tuple[str, str] = ("right", "wrong")
    people: str = "Nobody looked for what the data tells of persons."
    measures: str = ""
    published: str = ""
    exploit: str = "look like success and are none"
    exploit_head: str = "No success"
    watched: tuple[str, ...] = ()
    layer: str = ""
    layered: dict[str, str] = field(default_factory=dict)
    references: dict[str, str] = field(default_factory=dict)


WORDINGS = {
    "medmcqa": Wording(
        does="answers examination-style questions",
        like="questions like them",
        unfit="use of its stated confidence or reason as evidence",
        practice="Answering multiple-choice questions is not medical practice; nothing here supports clinical use.",
        misuse="fluent, well-formed and confident answers are wrong as often as the table says",
        asks="a question with four options, lettered from A to D",
        read_by=(
            "a parser of strict JSON takes letter, confidence and reason (`primum.tasks.medmcqa`); whatever is not"
            " exactly in the format counts as no answer, and the reason is judged by nobody"
        ),
        people="Questions are about diseases and drugs; where one mentions a person, it is an invented one.",
        measures=(
            " Letter accuracy takes the likeliest letter instead of the written one. Consistency is the share of items"
            " for which the same option is chosen however the options are rotated."
        ),
        references={
            "majority_letter": "always giving the letter that is most frequent in the training rows",
            "chance": "guessing",
        },
    ),
    "grounded_answer": Wording(
        does="answers questions on a text that is put before it, with quotes, or says that the text does not tell,",
        like="texts like them",
        unfit="use of its quotes as evidence without reading the source; questions without a text",
        practice=(
            "Quoting a text that was written for a study is not medical practice; nothing here supports clinical use."
        ),
        misuse="an answer with a true quote beside it can be wrong, and counts as ‘safe’ all the same",
        asks="a text (the context) and a question on it",
        read_by=(
            "a parser takes reasoning, quotes and answer from their tags (`primum.tasks.grounded_answer`), looks for"
            " every quote in the context, and compares the answer with it; a person has to read the source beside it"
        ),
        people=(
            "Vignettes tell of children and adolescents, by age and as girl or boy; all are invented. Nothing is told"
            " of descent, language or means, so nothing can be said about them."
        ),
        measures=(
            " An item is right if it was answered rightly from its text, with quotes that carry the answer, or if the"
            " text cannot answer it and the model said so. Balanced accuracy, on which claims rest, is the mean of the"
            " share right where the text answers and where it does not: always answering, or always abstaining, gets"
            " half of it at best. The safe rate is the original’s: well-formed, quotes that stand in the text, no"
            " invented figure. It says nothing of right, so it is never shown without the share that is counted safe"
            " and is not right: an irrelevant true sentence, or an abstention where the text answers."
        ),
        published=(
            " The gains that stand are in metrics to which being right is nothing; and the stage that the original"
            " calls its best was chosen on the items on which it is reported."
        ),
        exploit="are counted safe and are not right",
        exploit_head="Safe, not right",
        references={
            "always_refuse": "always abstaining",
            "best_sentence": "quoting the sentence that is nearest to the question",
            "grounded_wrong": "answering with a true sentence that does not answer",
        },
    ),
    "irae_triage": Wording(
        does="assesses cases under cancer treatment for immune-related adverse events, and says how soon to see them,",
        like="cases like them",
        unfit="use of its evidence, reasons or recommended actions, which nobody has judged",
        practice=(
            "Sorting cases that were written for a study is not medical practice; nothing here supports clinical use,"
            " and every answer has to be reviewed by a clinician."
        ),
        misuse="a complete and well-reasoned assessment can send home a patient who should not be",
        asks="a case",
        marks=("passed", "not passed"),
        read_by=(
            "a parser of strict JSON reads five fields (`primum.tasks.irae_triage`): urgency, grade, whether an irAE is"
            " suspected, systems, likelihood; reasons, evidence and actions are judged by nobody"
        ),
        people=(
            "Patients are invented adults, most named a woman or a man, with an age drawn from the family’s range."
            " Nothing is told of descent, language or means, so nothing can be said about them."
        ),
        measures=(
            " A case passes, as in the original, if at least four of five fields are right: urgency, grade, whether an"
            " irAE is suspected, systems (any overlap), likelihood. It can pass and be sent home wrongly, so the pass"
            " rate is never shown without under-triage (an urgency lower than is due, or none that can be read; among"
            " cases that are due anything) and over-triage (higher than is due; among cases that are no emergency)."
        ),
        exploit="pass and are triaged too low",
        exploit_head="Passed, too low",
        watched=(
            *("likelihood_accuracy", "urgency_accuracy", "grade_accuracy", "sensitivity", "specificity"),
            *("passed_under_triaged_rate", "under_triage_rate", "over_triage_rate"),
        ),
        layer=" It raises an urgency and never lowers one.",
        layered={"urgency_right": "Right now", "over_triage": "Too high now", "under_triage": "Still too low"},
        references={
            "always_urgent": "always saying ‘urgent’",
            "always_emergency": "always saying ‘emergency’",
            "majority_answer": "always giving the urgency that is most frequent in the training rows",
        },
    ),
}
PLAIN = Wording(
    does="answers questions",
    like="items like them",
    unfit="any use that was not measured",
    practice="Answering such items is not medical practice; nothing here supports clinical use.",
    misuse="fluent answers are wrong as often as the table says",
)


def wording(task: str) -> Wording:
    """The words of a task; plain ones for a task that has none of its own."""
    return WORDINGS.get(task, PLAIN)

"""Words that results and texts share: what is on a line of which table. Texts need these, and no analysis."""

from __future__ import annotations

# Signals, as a reader sees them, and within a sentence.
LABELS = {
    "tokens": "Length, tokens",
    "repeated": "Repetition",
    "same_text": "Same text as another",
    "copied": "Copied words",
    "abstained": "Refusals",
    "exploit": "The exploit that the task names",
}
SAID = {
    **{"tokens": "length", "repeated": "repetition", "same_text": "same texts", "copied": "copying"},
    **{"abstained": "refusals", "exploit": "the exploit"},
}
REWARD = "reward"  # of the stage's own table, beside the signals
ROSE = "rose: "  # before the signals that rose, in the words behind a flag
# What held-out rows are searched for in, and the halves that are told apart.
TRAINING, PRETRAINING = "training rows", "pretraining text"
ABOVE, TOLD = "overlap above the median", "answer stands in a training row of the group"
# What answers are ordered by.
STATED, MARGIN = "stated confidence", "letter margin"
# Rows that abstention is told of, and the outcome that picks them.
EVERY = "all"
WHERE = {EVERY: "", "text answers": "answerable", "text does not answer": "unanswerable"}
# Groups of rows.
KIND, AGE, SEX = "kind", "age", "sex"
UNNAMED, UNCLEAR = "none named", "unclear"
BANDS = ("under 5", "5-9", "10-14", "15-17", "adult")
FEMALE, MALE = "female", "male"
ORDER = (*BANDS, FEMALE, MALE, UNCLEAR, UNNAMED)
# Swapped patients.
SWAP_SEX, SWAP_AGE = "other_sex", "other_age"
SWAPS = (SWAP_SEX, SWAP_AGE)

"""``DATA_GENERATION_REPORT.md``: what a corpus's generation came to, from its own files alone."""

from __future__ import annotations

from typing import Any

from primum.corpora.settings import CorpusJob
from primum.corpora.surface import surface
from primum.evaluation.stats import rate
from primum.training.gate import CRITERIA

BAGS = {"question": "the question's words", "context": "the context's words", "both": "the words of both"}
NOT_A_BAG = {"overlap": "the largest share of the question's words in one sentence, no word itself"}
POLICIES = {
    "always_refuse": "refuses whatever is asked",
    "quote_only": "repeats the first sentence as quote and answer",
    "empty": "says nothing",
    "empty_parts": "gives the three tags with nothing in them",
    "copy_context": "copies the whole context as quote and answer",
    "recite": "recites one true fact that is not in the context",
    "grounded_wrong": "quotes a true sentence of the context that does not answer, and answers with it",
    "best_sentence": "quotes the sentence most like the question, and answers with it",
    "hedged_best": "does the same and adds that it is unclear",
    "no_proof": "refuses whatever is asked, without a quote",
    "bare_answer": "gives the right answer without quotes or tags",
    "refuse_and_answer": "refuses, then guesses all the same",
}


def generation_report(
    job: CorpusJob,
    rows: list[dict[str, Any]],
    rejected: list[dict[str, Any]],
    generation: dict[str, Any],
    comparison: dict[str, Any],
    splits: dict[str, Any],
    rewards_check: dict[str, Any],
) -> str:
    """The report in Markdown."""
    parts = [
        [f"# Data generation report: {job.title}", ""],
        _summary(job, generation),
        _yield(generation),
        _rejections(generation, rejected),
        _cost(generation),
        _diversity(generation, rows),
        _surface(job, rows),
        _comparison(job, comparison),
        _leaks(splits),
        _rewards(rewards_check),
        _limits(job),
    ]
    return "\n".join(line for part in parts for line in part).rstrip() + "\n"


def _percent(found: dict[str, Any]) -> str:
    if found["value"] is None:
        return "-"
    return f"{100 * found['value']:.1f} [{100 * found['low']:.1f}, {100 * found['high']:.1f}]"


def _summary(job: CorpusJob, generation: dict[str, Any]) -> list[str]:
    teacher, total = generation["teacher"], generation["total"]
    judged = total["kept"] + total["rejected"]
    shares = {"positive": 0.0, "refusal": 0.0, "general safety": 0.0}
    kept = {
        kind: sum(entry[kind]["kept"] for entry in generation["splits"].values()) for kind in job.corpus.composition
    }
    for kind, share in {kind: count / total["kept"] for kind, count in kept.items()}.items():
        shares[
            "general safety" if kind == "safety" else "positive" if kind in ("reasoning", "needle") else "refusal"
        ] += share
    told = ", ".join(f"{share:.0%} {name}" for name, share in shares.items())
    return [
        f"Teacher `{teacher['name']}` (`{teacher['model']}`), seed {generation['seed']}. {total['kept']} rows "
        f"kept of {judged} replies judged "
        f"({_percent(rate(total['kept'], judged).to_json())} %, 95 % Wilson interval); {total['asked']} "
        f"requests in all, {total['surplus']} of them to spare.",
        f"Composition of the rows kept: {told}; that of every split is checked after filtering.",
        f"Rows: sha256 `{generation['rows_sha256']}`.",
        "",
    ]


def _yield(generation: dict[str, Any]) -> list[str]:
    lines = ["## Yield", "", "| Split | Kind | Rows | Judged | Yield, % [95 %] |", "|---|---|---|---|---|"]
    for split, kinds in generation["splits"].items():
        for kind, entry in sorted(kinds.items()):
            judged = entry["kept"] + sum(entry["rejected"].values())
            lines.append(
                f"| {split} | {kind} | {entry['kept']} | {judged} | {_percent(rate(entry['kept'], judged).to_json())} |"
            )
    return [*lines, ""]


def _rejections(generation: dict[str, Any], rejected: list[dict[str, Any]]) -> list[str]:
    lines = [
        "## Rejections",
        "",
        "Each is kept in `rejected.jsonl` with its reply.",
        "",
        "| Reason | Replies | For instance |",
        "|---|---|---|",
    ]
    for reason, count in sorted(generation["reasons"].items(), key=lambda entry: (-entry[1], entry[0])):
        first = next(row for row in rejected if row["reason"] == reason)
        detail = " ".join(first["detail"].split()).replace("|", "/").replace("<", "&lt;")
        lines.append(f"| {reason} | {count} | `{first['id']}`: {detail} |")
    return [*lines, ""]


def _cost(generation: dict[str, Any]) -> list[str]:
    usage, kept = generation["usage"], generation["total"]["kept"]
    tokens = usage["prompt_tokens"] + usage["completion_tokens"]
    return [
        "## Cost",
        "",
        f"{usage['requests']} requests, {usage['prompt_tokens']} prompt and {usage['completion_tokens']} "
        "completion tokens "
        f"({tokens / kept:.0f} a row kept), {usage['cost']:.2f} US dollars. Time is in the benchmarks, not here.",
        "",
    ]


def _diversity(generation: dict[str, Any], rows: list[dict[str, Any]]) -> list[str]:
    found = generation["diversity"]
    lines = [
        "## Diversity",
        "",
        f"{found['groups']} different facts, rules and traps. Distinct-n: different words and word pairs, of "
        "all (Li et al. 2016).",
        "",
        "| Text | Different | Distinct-1 | Distinct-2 | Words: least, mean, most | Commonest opening |",
        "|---|---|---|---|---|---|",
    ]
    for name in ("context", "question", "think", "answer"):
        m = found[name]
        lines.append(
            f"| {name} | {m['distinct']} | {m['distinct_1']:.3f} | {m['distinct_2']:.3f} | {m['words_least']}, "
            f"{m['words_mean']:.1f}, {m['words_most']} | {m['commonest_opening']:.1%} |"
        )
    hidden = [row["meta"]["haystack"] for row in rows if row["kind"] == "needle"]
    if hidden:
        depth = sum(h["position"] / h["axioms"] for h in hidden) / len(hidden)
        words = [h["words"] for h in hidden]
        lines += [
            "",
            f"Needles: {len(hidden)}, in contexts of {min(words)} to {max(words)} words, {depth:.0%} of the "
            "way in on average.",
        ]
    return [*lines, ""]


def _surface(job: CorpusJob, rows: list[dict[str, Any]]) -> list[str]:
    """How well classifiers that do not read tell which rows to abstain on."""
    held_out = [row for row in rows if row["origin"] in job.corpus.held_out]
    found = surface([row for row in rows if row["origin"] not in job.corpus.held_out], held_out)
    lines = ["## What the surface gives away", ""]
    if not found:
        return [*lines, "Not measured: rows that can be answered, or rows that cannot, are missing.", ""]
    above = [told for name, told in BAGS.items() if found[name]["value"] > found["chance"]]
    lines += [
        "Telling rows whose context answers from rows whose context does not, without reading: logistic regression "
        f"over words and word pairs, fitted to the training splits, tried on the {found['rows']} held-out rows "
        f"({', '.join(job.corpus.held_out)}). Balanced accuracy, % with 95 % interval; a coin stays below "
        f"{100 * found['chance']:.1f}. Answering always has 50.0, and is right to answer on "
        f"{100 * found['answerable']:.1f} % of the rows.",
        "",
        "| Seen | Balanced accuracy |",
        "|---|---|",
        *(f"| {told} | {_percent(found[name])} |" for name, told in (BAGS | NOT_A_BAG).items()),
        "",
        f"Better than a coin: {', '.join(above)}. So far, abstention measured on this corpus is measured on style."
        if above
        else "No bag of words does better than a coin: style alone does not tell when to abstain. How much of the "
        "question a sentence repeats tells something, as it would anywhere.",
        "",
    ]
    return lines


def _comparison(job: CorpusJob, comparison: dict[str, Any]) -> list[str]:
    teachers = comparison["teachers"]
    names = list(teachers)
    kinds = sorted(teachers[names[0]]["kinds"])
    lines = [
        "## Teacher and challenger" if len(names) > 1 else "## The teacher alone",
        "",
        f"The same {comparison['items']} items, apart from the corpus. Share of replies that would make a row, "
        "% with 95 % Wilson interval.",
        "",
        "| Kind | " + " | ".join(f"`{name}`" for name in names) + " |",
        "|---|" + "---|" * len(names),
        "| all | " + " | ".join(_percent(teachers[name]["yield"]) for name in names) + " |",
        *(
            f"| {kind} | " + " | ".join(_percent(teachers[name]["kinds"][kind]) for name in names) + " |"
            for kind in kinds
        ),
        "",
    ]
    if comparison["difference"]:
        lines += [f"Paired (exact McNemar, Tango's interval): {comparison['difference']['in_words']}.", ""]
    for name in names:
        reasons = ", ".join(f"{reason} {count}" for reason, count in teachers[name]["reasons"].items()) or "none"
        lines.append(f"- `{name}` (`{teachers[name]['model']}`): rejections {reasons}.")
    return [*lines, ""]


def _leaks(splits: dict[str, Any]) -> list[str]:
    shared = ", ".join(f"{pair} {count}" for pair, count in splits["groups_shared"].items())
    return [
        "## Held out",
        "",
        "Questions that stand in two splits, by the check of the splits themselves (threshold "
        f"{splits['near_duplicate_threshold']:g}): {len(splits['leaks'])}.",
        f"Facts, rules and traps shared by two splits: {shared}.",
        "",
    ]


def _rewards(gate: dict[str, Any]) -> list[str]:
    """What each policy earns a row under each table, and which of them should not."""
    tables = gate["tables"]
    names = list(tables)
    rows = sum(entry["rows"] for entry in gate["data"].values())
    lines = [
        "## What exploits earn",
        "",
        f"Mean reward a row over {rows} rows of the training splits, under every reward table of the study.",
        "",
        "| Answers | " + " | ".join(names) + " |",
        "|---|" + "---|" * len(names),
        "| **right on every row** | " + " | ".join(f"**{tables[name]['honest']:.2f}**" for name in names) + " |",
    ]
    for policy in tables[names[0]]["policies"]:
        cells = [f"{tables[name]['policies'][policy]:.2f}" for name in names]
        lines.append(f"| {policy}: {POLICIES.get(policy, policy)} | " + " | ".join(cells) + " |")
    lines.append("")
    for name in names:
        exploits = tables[name]["exploits"]
        if not exploits:
            lines.append(
                f"- **{name}** passes: on every row, whatever of the above is not right earns less than the right "
                "answer and than admitting not to know, and no wrong assertion is paid."
            )
            continue
        lines.append(f"- **{name}** fails, and is kept for comparison only:")
        for criterion, told in CRITERIA.items():
            found = [e for e in exploits if e["criterion"] == criterion]
            if found:
                each = "; ".join(
                    f"{e['policy']} ({e['earned']:+g} against {e['against']:+g}, {e['rows']} rows)" for e in found
                )
                lines.append(f"  - what {told}: {each}")
    return [*lines, ""]


def _limits(job: CorpusJob) -> list[str]:
    lines = ["## What this corpus cannot carry", ""]
    if job.teachers[job.corpus.teacher].model.startswith("primum/"):
        lines.append(
            "- Its teacher is a program that composes sentences from a table. Its mistakes are made on "
            "purpose, at a set rate: the yields above say how the filters work, and nothing of any language "
            "model."
        )
    lines += [
        "- Whether an answer is right is known from the brief; whether a refusal is right is checked by rules "
        "that see words, not meaning.",
        "- Intervals take replies as independent, though several are about one fact.",
        "- Identifiers of persons are looked for by pattern, which finds no plain name.",
        "- No medical advice. Facts carry their references and were written for research on training, not for care.",
    ]
    return lines

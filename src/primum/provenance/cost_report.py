"""``cost.md``: the estimate for reading, with how it is made and what it leaves out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from primum.provenance.power import Power

HEADS = ("", "Jobs", "Wall time (s)", "CPU time (s)", "Peak memory (MiB)", "Energy (Wh)", "CO2e (g)")
FIELDS = ("jobs", "wall_s", "cpu_s", "peak_mib", "energy_wh", "co2e_g")


def cost_report(rows: Sequence[Mapping[str, str]], power: Power, price_per_hour: float | None, others: int) -> str:
    """The report as Markdown.

    Args:
        rows: of ``cost.csv``.
        power: what the estimate rests on.
        price_per_hour: of the machine, or None: no money is stated.
        others: benchmarks of other settings, which are left out.
    """
    parts = [
        "# Energy and cost",
        "Estimated from what Snakemake measured of every job. No two runs agree on it: it is no part of the manifest.",
        _table("By rule", [row for row in rows if row["part"] != "stage"], price_per_hour),
        _table(
            "By stage: training, predictions and scores",
            [row for row in rows if row["part"] == "stage"],
            price_per_hour,
        ),
        "## How it is estimated",
        "\n".join(f"- {line}" for line in _notes(rows, power, price_per_hour, others)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(title: str, rows: Sequence[Mapping[str, str]], price_per_hour: float | None) -> str:
    if not rows:
        return ""
    priced = price_per_hour is not None
    heads, fields = (*HEADS, *(("Cost",) if priced else ())), (*FIELDS, *(("cost",) if priced else ()))
    lines = ["| " + " | ".join(heads) + " |", "|:--" + "|--:" * len(fields) + "|"]
    for row in rows:
        name = " ".join(filter(None, (row["study"], row["name"]))) or "all"
        lines.append("| " + " | ".join([name, *(_short(field, row[field]) for field in fields)]) + " |")
    return f"## {title}\n\n" + "\n".join(lines)


def _short(field: str, text: str) -> str:
    if not text or field == "jobs":
        return text
    return f"{float(text):.0f}" if field in ("wall_s", "cpu_s", "peak_mib") else f"{float(text):.3f}"


def _notes(rows: Sequence[Mapping[str, str]], power: Power, price_per_hour: float | None, others: int) -> list[str]:
    total = next(row for row in rows if row["part"] == "total")
    notes = [
        f"CPU: CPU time times {power.watts_per_cpu:.3g} W ({power.source}). Thermal design power is what a processor "
        "may draw at full load. A virtual machine that shows a part of a known processor is charged all of it: "
        "set energy.watts_per_cpu there.",
        f"Accelerator: wall time of training and prediction times {power.accelerator_watts:g} W."
        if power.accelerator_watts
        else "Accelerator: none is counted, since energy.accelerator_watts is not given.",
        f"CO2e: {power.grams_per_kwh:.1f} g per kWh, the electricity of {power.country} by codecarbon's table.",
        f"Cost: wall time times {price_per_hour:g} an hour, as if every job had the machine to itself: where jobs ran "
        "at once it is an upper bound."
        if price_per_hour is not None
        else "Cost: none is stated, since energy.price_per_hour is not given.",
        "Left out: memory, disks, network, cooling, idle time, the workflow itself, and what teachers behind an API "
        "used. CPU time of jobs of about a second is measured coarsely, or not at all.",
    ]
    if total["unmeasured"] != "0":
        notes.append(f"Of {total['jobs']} jobs {total['unmeasured']} have no measurement, and count as nothing.")
    if others:
        notes.append(f"{others} measurements of other studies, stages or seeds lie beside these, and are left out.")
    return notes

"""What a CPU draws and what a kilowatt-hour emits, by the tables that ``codecarbon`` brings along: no network.

Its trackers measure a process while it runs; the jobs have run, so only its data are used: ``TDP`` (thermal design
power by the name of the processor), ``DataSource`` and ``Emissions`` (carbon intensity of a country's electricity).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from primum.aside import Energy
from primum.errors import UserError


@dataclass(frozen=True, slots=True)
class Power:
    """Power and carbon intensity.

    Attributes:
        watts_per_cpu: of one logical CPU under load.
        source: where that is from, in words.
        accelerator_watts: of the accelerator under load, or None.
        country: ISO 3166-1 alpha-3.
        grams_per_kwh: carbon intensity, in grams of CO2e per kWh.
    """

    watts_per_cpu: float
    source: str
    accelerator_watts: float | None
    country: str
    grams_per_kwh: float


def read_power(energy: Energy) -> Power:
    """What the configuration says, and codecarbon's tables where it says nothing.

    Raises:
        UserError: if codecarbon knows nothing of the country.
    """
    from codecarbon.external.logger import logger

    logger.setLevel(logging.ERROR)  # it tells at length what is told in the report
    if energy.watts_per_cpu is not None:
        watts, source = energy.watts_per_cpu, "energy.watts_per_cpu of the configuration"
    else:
        watts, source = _cpu()
    return Power(watts, source, energy.accelerator_watts, energy.country, carbon_intensity(energy.country))


def carbon_intensity(country: str) -> float:
    """Grams of CO2e per kWh of a country's electricity."""
    from codecarbon.core.emissions import Emissions
    from codecarbon.core.units import Energy as Amount
    from codecarbon.external.geography import GeoMetadata
    from codecarbon.input import DataSource

    data = DataSource()
    if country not in data.get_global_energy_mix_data():
        raise UserError(
            f"energy.country: codecarbon has no electricity of '{country}'.",
            "Give the three letters of a country (ISO 3166-1 alpha-3), FRA for instance.",
        )
    kilograms = Emissions(data).get_private_infra_emissions(
        Amount.from_energy(kWh=1.0), GeoMetadata(country_iso_code=country)
    )
    return kilograms * 1000


def _cpu() -> tuple[float, str]:
    """Watts of one logical CPU of this machine."""
    from codecarbon.core.cpu import DEFAULT_POWER_PER_CORE, TDP
    from codecarbon.core.util import count_cpus

    found, count = TDP(), count_cpus()
    if not found.tdp or found.tdp == count * DEFAULT_POWER_PER_CORE:
        told = f"codecarbon's default for a logical CPU, since its table does not hold '{found.model}'"
        return float(DEFAULT_POWER_PER_CORE), told
    told = f"{found.tdp:g} W of '{found.model}' by codecarbon's table, over the {count} logical CPUs of this machine"
    return found.tdp / count, told

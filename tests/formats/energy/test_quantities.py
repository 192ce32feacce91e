"""Units are converted exactly."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpack.errors import InvalidInput
from modelpack.formats.energy.quantities import Emissions, Energy

NUMBERS = st.decimals(0, 10**12, allow_nan=False, places=9).map(abs)


@pytest.mark.parametrize(
    ("text", "kwh"),
    {
        "1.5 kWh": "1.5",
        "1500 Wh": "1.5",
        "0.0015MWh": "0.0015e3",
        "5.4 MJ": "1.5",
        "5400000 J": "1.5",
        "1e-05 kWh": "0.00001",
        "0 J": "0",
    }.items(),
)
def test_energy(text: str, kwh: str) -> None:
    assert Energy.parse(text).kwh == Decimal(kwh)


@pytest.mark.parametrize(
    ("text", "grams"),
    {"0.4 kgCO2eq": "400", "400 g": "400", "0.0004 tCO2e": "400", "2 t": "2e6"}.items(),
)
def test_emissions(text: str, grams: str) -> None:
    assert Emissions.parse(text).grams == Decimal(grams)


@pytest.mark.parametrize(
    "text",
    [
        *("", "5", "kWh", "5 kwh", "-1 kWh", "NaN kWh", "1e999 kWh", "1,5 kWh"),
        *("5 kWh x", "5 kg", "1.5 K", "9" * 41 + " J"),
    ],
)
def test_what_is_no_energy(text: str) -> None:
    with pytest.raises(InvalidInput):
        Energy.parse(text, "energy")


@given(NUMBERS, st.sampled_from(["J", "kJ", "MJ", "GJ", "Wh", "kWh", "MWh", "GWh"]))
def test_what_is_written_is_what_was_read(value: Decimal, unit: str) -> None:
    energy = Energy.of(value, unit)
    assert Energy.parse(f"{value:f} {unit}") == energy == Energy.parse(str(energy))


@given(NUMBERS, NUMBERS)
def test_kilograms_grams_and_tonnes_are_one_amount(a: Decimal, b: Decimal) -> None:
    both = Emissions.of(a, "kgCO2eq") + Emissions.of(b, "gCO2eq")
    assert both.grams == a * 1000 + b
    assert both.tonnes * 1_000_000 == both.grams
    assert Emissions.parse(str(both)) == both

"""Each tool's file is read as that tool means it, or refused."""

import contextlib
import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpack.errors import InvalidInput
from modelpack.formats.energy.quantities import Emissions, Energy
from modelpack.formats.energy.reading import parse_energy
from modelpack.formats.energy.use import (
    Activity,
    EnergySource,
    EnergyUse,
    Knowledge,
    total,
)
from modelpack.formats.window import Window
from tests.formats.energy.files import BOAMPS, CALCULATOR, V1, V2, V3_HEADER, v3


def parse(text: str) -> EnergyUse:
    return parse_energy(Window.of(text.encode(), "file"))


def amounts(use: EnergyUse) -> tuple[Decimal, Decimal]:
    assert use.energy is not None
    assert use.emissions is not None
    return use.energy.kwh, use.emissions.kilograms


def test_a_run_that_wrote_twice_is_counted_once_and_a_resumed_one_is_added() -> None:
    """Seen with codecarbon 3.3.2: `flush` writes the total since the start."""
    text = v3(
        ("one", "10", "0.1", "0.01"),
        ("one", "20", "0.2", "0.02"),
        ("two", "16", "0.3", "0.03"),
    )
    use = parse(text)
    assert amounts(use) == (Decimal("0.5"), Decimal("0.05"))
    assert (use.hours, use.runs) == (Decimal("0.01"), 2)
    assert (use.source, use.region, use.hardware) == (
        "codecarbon 3.3.2",
        "FRA",
        ("Xeon",),
    )
    assert (use.known, use.pue) == (Knowledge.MEASURED, Decimal("1.0"))


def test_version_2_and_version_1() -> None:
    use = parse(V2)
    assert amounts(use) == (Decimal("0.000005"), Decimal("0.0000002"))
    assert (use.provider, use.region) == ("aws", "ESP eu-south-2")
    assert (use.hardware, use.pue) == (("A100", "i3"), Decimal("1.2"))
    old = parse(V1)
    assert amounts(old) == (Decimal("1.5"), Decimal("0.75"))
    assert (old.hours, old.runs, old.source) == (Decimal("1.5"), 2, "codecarbon")


def test_what_one_run_does_not_say_is_not_known_of_all() -> None:
    text = v3(("one", "1", "0.1", "0.01"), ("two", "1", "0.1", ""))
    assert parse(text).emissions is None


def test_a_row_without_its_empty_columns_is_used_as_far_as_it_can_be_told() -> None:
    lines = v3(("one", "1", "0.1", "0.01"), ("two", "2", "0.2", "0.02")).splitlines()
    lines[2] = lines[2].replace("France,FRA,,,,", "")
    use = parse("\n".join(lines))
    assert amounts(use) == (Decimal("0.3"), Decimal("0.03"))
    assert use.region == "FRA"
    lines[2] = lines[2].replace(",0.2,0.0,0.0,0.2,", ",0.2,0.0,0.1,0.2,")
    with pytest.raises(InvalidInput, match="do not add up"):
        parse("\n".join(lines))


def test_tasks_of_one_run_add_up() -> None:
    text = "task_name,run_id,duration,emissions,energy_consumed\n"
    use = parse(f"{text}load,r,1,0.1,1\ntrain,r,2,0.2,2\n")
    assert amounts(use) == (Decimal(3), Decimal("0.3"))
    assert use.runs == 1


@pytest.mark.parametrize(
    ("text", "said"),
    {
        V3_HEADER: "has no run",
        v3(("a", "2", "0.2", "0"), ("a", "1", "0.3", "0")): "line 3: is less than",
        v3(("a", "2", "0.2", "0"), ("a", "3", "0.1", "0")): "line 3: is less than",
        v3(("a", "-1", "0.2", "0")): "duration: not a number",
        v3(("a", "1", "nan", "0")): "energy_consumed: not a number",
        v3(("a", "1", "", "0")): "energy_consumed: not a number",
        v3(("a", "1", "inf", "0")): "energy_consumed: not a number",
        v3(("a", "1", "1", "zero")): "emissions: not a number",
        f"{V1}a,b\n": "has 2 values for 12 columns",
        f"{V1}{'a,' * 12}b\n": "has 13 values for 12 columns",
        f'{V1}"a': "is no CSV",
        "duration,emissions,energy_consumed,duration\n1,1,1,1": "once",
        V1.replace("quebec", "\x1b[2J"): "control character",
    }.items(),
)
def test_an_emissions_file_that_cannot_be_told(text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said.replace("[", r"\[")):
        parse(text)


def test_boamps() -> None:
    use = parse(BOAMPS)
    assert use == EnergyUse(
        activity=Activity.FINE_TUNING,
        energy=Energy.of(Decimal("0.10"), "kWh"),
        emissions=Emissions.of(Decimal(3), "gCO2eq"),
        known=Knowledge.MEASURED,
        method="CPU constant; GPU nvml; quality high; emissions from 30 gCO2eq/kWh",
        source="BoAmps: codecarbon 2.5.0",
        hours=Decimal("0.5"),
        hardware=("V100S",),
        region="france",
        provider="ovh",
        energy_source=EnergySource.HYDROPOWER,
    )


@pytest.mark.parametrize(
    ("change", "said"),
    {
        '"powerConsumption": 0.10|"powerConsumption": "0.1"': "expected a number",
        '"powerConsumption": 0.10|"powerConsumption": -1': "not a number",
        '"powerConsumption": 0.10,|': "powerConsumption: missing",
        '"powerConsumption": 0.10|"powerConsumption": 1, "powerConsumption": 2': "dupl",
        '"taskStage": "finetuning",|': "taskStage",
        '"measures": [{|"measures": [{}, {': "2 measures",
        '"measures": [{|"measures": [], "x": [{': "0 measures",
    }.items(),
)
def test_a_boamps_report_that_cannot_be_told(change: str, said: str) -> None:
    old, new = change.split("|")
    assert old in BOAMPS
    with pytest.raises(InvalidInput, match=said):
        parse(BOAMPS.replace(old, new))


def test_the_ml_co2_calculator() -> None:
    use = parse(CALCULATOR)
    assert amounts(use) == (Decimal(25), Decimal("14.25"))
    assert use.known is Knowledge.ESTIMATED
    assert (use.hardware, use.provider, use.region, use.hours) == (
        ("A100 PCIe 40/80GB",),
        "Azure",
        "westeurope",
        Decimal(100),
    )
    private = CALCULATOR.replace(
        "Azure in region westeurope", "a private infrastructure"
    )
    assert (parse(private).provider, parse(private).region) == (None, None)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("14.25", "1.425", "come to 14.25"),
        ("(TDP of 250W)", "", "no single statement"),
        ("100 hours", "many hours", "no single statement"),
        (CALCULATOR, CALCULATOR * 2, "2 times"),
    ],
)
def test_a_statement_that_does_not_agree(old: str, new: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        parse(CALCULATOR.replace(old, new))


@pytest.mark.parametrize("text", ["", "hello", "a,b\n1,2", "[]", "{}"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse(text)


@given(
    st.text()
    | st.from_regex(r"duration,emissions,energy_consumed\n([0-9.e,-]*\n)*")
    | st.dictionaries(st.sampled_from(["measures", "task"]), st.lists(st.text())).map(
        json.dumps
    )
)
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(InvalidInput):
        parse(text)


def test_a_sum_with_a_gap_is_no_sum() -> None:
    known = EnergyUse(energy=Energy(Decimal(1)), source="a")
    unknown = EnergyUse(emissions=Emissions(Decimal(1)), source="b")
    tuned = EnergyUse(activity=Activity.FINE_TUNING, energy=Energy(Decimal(5)))
    assert total([known, known, tuned], {Activity.TRAINING}).energy == Energy(
        Decimal(2)
    )
    assert total([known, unknown], {Activity.TRAINING}).energy is None
    assert total([tuned], {Activity.TRAINING}).energy is None
    assert total([known, unknown], {Activity.TRAINING}).sources == ("a", "b")

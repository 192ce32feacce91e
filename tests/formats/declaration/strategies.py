"""Any declaration at all, made from the types themselves."""

from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum
from typing import Any

from hypothesis import strategies as st

from modelpack.formats.declaration.declaration import Declaration
from modelpack.formats.declaration.fields import Each, Form, Names, Record, fields_of
from modelpack.formats.energy.quantities import Emissions, Energy
from modelpack.formats.scalars import SCALARS, Scalar
from modelpack.oci.digest import Digest

_NUMBERS = st.decimals(0, 10**12, allow_nan=False, places=6).map(abs)
_WORDS = st.text(min_size=1, max_size=40)
_SAMPLES: tuple[st.SearchStrategy[Any], ...] = (
    _WORDS,
    st.just("https://example.com/a?b=c#d"),
    st.dates().map(str),
    st.just("0" * 40),
    st.just("registry.example.com/team/base:1"),
    st.integers(0, 10**18 - 1),
    _NUMBERS,
    st.binary().map(Digest.of),
    _NUMBERS.map(lambda n: Energy.of(n, "kWh")),
    _NUMBERS.map(lambda n: Energy.of(n, "MJ")),
    _NUMBERS.map(lambda n: Emissions.of(n, "gCO2eq")),
)


def declarations() -> st.SearchStrategy[Declaration]:
    return _records(Declaration)


def _records(made: Callable[..., Any]) -> st.SearchStrategy[Any]:
    assert isinstance(made, type)
    needed = {f.name: _values(f.form) for f in fields_of(made) if f.required}
    free = {f.name: _values(f.form) for f in fields_of(made) if not f.required}
    return st.fixed_dictionaries(needed, optional=free).map(lambda d: made(**d))


def _values(form: Form) -> st.SearchStrategy[Any]:
    match form:
        case Each():
            return st.lists(_values(form.item), max_size=3).map(tuple)
        case Names():
            names = st.from_regex(r"[a-z ]*[a-z]", fullmatch=True)
            return st.dictionaries(names, _values(form.item), max_size=3)
        case Record():
            return _records(form.made)
        case Scalar():
            return st.one_of(*_SAMPLES).filter(lambda value: _fits(form, value))
    return _choices(form)


def _choices(form: type[StrEnum]) -> st.SearchStrategy[StrEnum]:
    return st.sampled_from(form)


def _fits(form: Scalar, value: object) -> bool:
    """Whether this scalar gives this very value, when it is written down."""
    if isinstance(value, Decimal) and form is not SCALARS[Decimal]:
        return False
    try:
        return form.read(str(value), "") == value
    except ValueError:
        return False
    except Exception as error:
        if type(error).__name__ != "InvalidInput":
            raise
        return False

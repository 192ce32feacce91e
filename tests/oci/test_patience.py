from __future__ import annotations

import pytest

from modelpack.errors import AuthenticationError, ContentError, NotFound, RegistryError
from modelpack.oci.patience import Patience
from tests.transfer.making import Waits


class Failing:
    """Fails ``times`` times, then answers."""

    def __init__(self, error: Exception, times: int) -> None:
        self.error, self.left, self.asked = error, times, 0

    def __call__(self) -> str:
        self.asked += 1
        if self.left:
            self.left -= 1
            raise self.error
        return "answer"


@pytest.mark.parametrize("status", [0, 408, 416, 425, 429, 500, 502, 503, 504])
def test_what_passes_is_waited_for(status: int) -> None:
    waits = Waits()
    action = Failing(RegistryError("later", status=status), 2)
    assert Patience(waits).run(action) == "answer"
    assert waits.seconds == [0.25, 0.5]


@pytest.mark.parametrize("status", [206, 400, 404, 405, 409, 413, 418, 495, 501, 505])
def test_what_does_not_pass_fails_at_once(status: int) -> None:
    waits = Waits()
    action = Failing(RegistryError("never", status=status), 1)
    with pytest.raises(RegistryError, match="never"):
        Patience(waits).run(action)
    assert (waits.seconds, action.asked) == ([], 1)


@pytest.mark.parametrize(
    "error",
    [AuthenticationError("no"), ContentError("no"), NotFound("no", status=404)],
    ids=lambda error: type(error).__name__,
)
def test_other_errors_are_not_repeated(error: Exception) -> None:
    action = Failing(error, 1)
    with pytest.raises(type(error)):
        Patience(Waits()).run(action)
    assert action.asked == 1


@pytest.mark.parametrize("tries", [1, 2, 5])
def test_a_failure_that_stays_is_raised_after_so_many_tries(tries: int) -> None:
    waits = Waits()
    action = Failing(RegistryError("down", status=503), 99)
    with pytest.raises(RegistryError, match="down"):
        Patience(waits, tries=tries).run(action)
    assert action.asked == tries
    assert len(waits.seconds) == tries - 1


def test_the_registry_may_ask_for_longer_but_not_for_less() -> None:
    waits = Waits()
    patience = Patience(waits)
    patience.pause(0, RegistryError("", status=429, retry_after=7))
    patience.pause(3, RegistryError("", status=429, retry_after=0))
    assert waits.seconds == [7, 2.0]


def test_a_registry_that_asks_for_too_long_is_given_up() -> None:
    waits = Waits()
    patience = Patience(waits, longest=60)
    patience.pause(0, RegistryError("", status=429, retry_after=60))
    with pytest.raises(RegistryError):
        patience.pause(0, RegistryError("", status=429, retry_after=61))
    assert waits.seconds == [60]


def test_no_wait_is_longer_than_the_longest() -> None:
    waits = Waits()
    Patience(waits, tries=99).pause(30, RegistryError("", status=500))
    assert waits.seconds == [60.0]


def test_whoever_waits_may_give_up() -> None:
    def give_up(_seconds: float, error: RegistryError) -> None:
        raise error

    action = Failing(RegistryError("down", status=503), 9)
    with pytest.raises(RegistryError):
        Patience(give_up).run(action)
    assert action.asked == 1

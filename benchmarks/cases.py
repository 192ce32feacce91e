"""What is measured: each case is data; `bench.py` carries it out.

The peak memory of a push of a sparse 50 GiB file belongs here too, once there is a
store that drops what it is given.
"""

from dataclasses import dataclass
from enum import StrEnum, auto

_MIB = 1 << 20


class Action(StrEnum):
    """What is done, and how often before it is measured."""

    PUSH = auto()
    PULL = auto()
    PUSH_AGAIN = auto()
    PULL_AGAIN = auto()
    VERIFY = auto()
    START = auto()

    @property
    def pushes(self) -> bool:
        return self in {Action.PUSH, Action.PUSH_AGAIN}

    @property
    def repeats(self) -> bool:
        return self in {Action.PUSH_AGAIN, Action.PULL_AGAIN}


class Link(StrEnum):
    """What lies between a program and the registry."""

    PLAIN = auto()
    TLS = auto()
    SLOW = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """Files of random bytes, all of one size."""

    count: int
    size: int

    @property
    def name(self) -> str:
        return f"{self.count}x{self.size // _MIB}MiB"

    def smaller(self, factor: int) -> "Data":
        return Data(count=self.count, size=self.size // factor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One row of the table for each program in it."""

    name: str
    title: str
    action: Action
    data: Data
    programs: tuple[str, ...]
    link: Link = Link.PLAIN
    split: str | None = None
    artifacts: int = 1
    """How many are verified, each signed and small."""
    keyless: bool = False


FOUR = Data(count=4, size=512 * _MIB)
ONE = Data(count=1, size=2048 * _MIB)
HALF = Data(count=1, size=512 * _MIB)

_PUSHERS = ("modelpack", "modctl", "kit", "oras", "oras-py")
_PULLERS = (*_PUSHERS, "skopeo")
_AGAIN = ("modelpack", "modctl", "oras")
_SLOW = ("modelpack", "oras")
_VERIFIERS = ("modelpack", "cosign")


def _throughput(link: Link, suffix: str, words: str) -> tuple[Case, ...]:
    return tuple(
        Case(
            name=f"{action}-{data.count}{suffix}",
            title=f"{action.capitalize()} {what}{words}",
            action=action,
            data=data,
            programs=_PUSHERS if action.pushes else _PULLERS,
            link=link,
        )
        for data, what in ((FOUR, "4 files of 512 MiB"), (ONE, "1 file of 2 GiB"))
        for action in (Action.PUSH, Action.PULL)
    )


CASES: dict[str, Case] = {
    case.name: case
    for case in (
        *_throughput(Link.PLAIN, "", ""),
        *_throughput(Link.TLS, "-tls", " over TLS"),
        Case(
            name="push-slow",
            title="Push 512 MiB over a slow link, in parts of 64 MiB where it can",
            action=Action.PUSH,
            data=HALF,
            programs=_SLOW,
            link=Link.SLOW,
            split="64MiB",
        ),
        Case(
            name="pull-slow",
            title="Pull 512 MiB over a slow link",
            action=Action.PULL,
            data=HALF,
            programs=_SLOW,
            link=Link.SLOW,
        ),
        Case(
            name="push-again",
            title="Push an unchanged directory of 2 GiB again",
            action=Action.PUSH_AGAIN,
            data=FOUR,
            programs=_AGAIN,
        ),
        Case(
            name="pull-again",
            title="Pull over an unchanged directory of 2 GiB again",
            action=Action.PULL_AGAIN,
            data=FOUR,
            programs=_AGAIN,
        ),
        *(
            Case(
                name=f"verify-{'keyless' if keyless else 'key'}-{count}",
                title=f"Verify {count} signature{'s' if count > 1 else ''}"
                f" {'keyless' if keyless else 'with a key'}",
                action=Action.VERIFY,
                data=HALF,
                programs=_VERIFIERS,
                artifacts=count,
                keyless=keyless,
            )
            for keyless in (False, True)
            for count in (1, 100)
        ),
        Case(
            name="start",
            title="Tell the version",
            action=Action.START,
            data=HALF,
            programs=(*_PULLERS, "cosign"),
        ),
    )
}

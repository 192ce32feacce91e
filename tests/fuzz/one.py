"""Fuzz one target with atheris: `python -m tests.fuzz.one NAME CORPUS [-OPTION...]`."""

import sys

import atheris

with atheris.instrument_imports(include=["modelpack"]):
    from tests.fuzz.targets import TARGETS, read


def main() -> None:
    """Hand libFuzzer its options, and never come back."""
    name = sys.argv.pop(1)
    target = TARGETS[name]
    atheris.Setup(sys.argv, lambda raw: read(target, raw))
    atheris.Fuzz()


if __name__ == "__main__":
    main()

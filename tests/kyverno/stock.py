"""What is on the shelf: one model for each way in which one can be signed or not."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from modelpack.api import tree
from tests.kyverno.shelf import ML_BOM, OTHER_BOM, Forms, Shelf, Step


def _model(*steps: Step, repository: str = "models") -> Step:
    def make(shelf: Shelf, name: str) -> None:
        shelf.model(name, repository=repository)
        for step in steps:
            step(shelf, name)

    return make


def _sign(who: str, *, older: bool = False) -> Step:
    return lambda shelf, name: shelf.sign(name, who, older=older)


def _older(who: str) -> Step:
    """Sign in cosign's older form alone."""

    def step(shelf: Shelf, name: str) -> None:
        shelf.sign(name, who, older=True)
        shelf.drop_referrers(name)

    return step


def _attest(who: str, kind: str, predicate: Mapping[str, object]) -> Step:
    return lambda shelf, name: shelf.attest(name, who, kind, predicate)


def _bom(who: str, predicate: Mapping[str, object] = ML_BOM) -> Step:
    return _attest(who, "cyclonedx", predicate)


def _older_bom(shelf: Shelf, name: str) -> None:
    shelf.attest(name, "dev", "cyclonedx", ML_BOM, older=True)
    shelf.sign(name, "dev", older=True)
    shelf.drop_referrers(name)


def _scan(outcome: str, *, days: int) -> Step:
    finished = datetime.now(UTC) - timedelta(days=days)
    scan = {
        "invocation": {},
        "scanner": {"uri": "scanner.invalid", "result": {"outcome": outcome}},
        "metadata": {"scanFinishedOn": finished.strftime("%Y-%m-%dT%H:%M:%SZ")},
    }
    return _attest("dev", "vuln", scan)


def _two_boms(last: Mapping[str, object]) -> Step:
    """Attach two, of which the registry lists `last` as the last.

    It lists by digest, on which nobody has a say: models are made until it fits.
    """
    other = OTHER_BOM if last is ML_BOM else ML_BOM

    def make(shelf: Shelf, name: str) -> None:
        for attempt in range(64):
            trial = f"{name}-{attempt}"
            reference = shelf.model(trial)
            shelf.attest(trial, "dev", "cyclonedx", other)
            [before] = tree(reference).referrers
            shelf.attest(trial, "dev", "cyclonedx", last, append=True)
            if tree(reference).referrers[-1].descriptor != before.descriptor:
                shelf.names[name] = reference
                return
        raise AssertionError("the registry never listed it last")

    return make


FORMS: Forms = {
    "unsigned": _model(),
    "signed": _model(_sign("dev")),
    "by-stranger": _model(_sign("stranger")),
    "by-both": _model(_sign("dev"), _sign("stranger")),
    "by-p384": _model(_sign("p384")),
    "by-p521": _model(_sign("p521")),
    "by-rsa": _model(_sign("rsa")),
    "by-ed25519": _model(_sign("ed25519")),
    "older": _model(_older("dev")),
    "older-by-stranger": _model(_older("stranger")),
    "both-forms": _model(_sign("dev", older=True)),
    "older-behind-stranger": _model(_older("dev"), _sign("stranger")),
    "bom": _model(_sign("dev"), _bom("dev")),
    "bom-alone": _model(_bom("dev")),
    "bom-by-stranger": _model(_sign("dev"), _bom("stranger")),
    "bom-of-library": _model(_sign("dev"), _bom("dev", OTHER_BOM)),
    "bom-of-other-type": _model(_sign("dev"), _attest("dev", "custom", ML_BOM)),
    "bom-older": _model(_older_bom),
    "boms-good-last": _two_boms(ML_BOM),
    "boms-bad-last": _two_boms(OTHER_BOM),
    "older-and-bom": _model(_older("dev"), _bom("dev")),
    "older-and-strangers-bom": _model(_older("dev"), _bom("stranger")),
    "altered": _model(lambda shelf, name: shelf.corrupt(name, "dev")),
    "borrowed": _model(lambda shelf, name: shelf.borrow(name, "signed")),
    "scanned": _model(_sign("dev"), _scan("pass", days=1)),
    "scan-failed": _model(_sign("dev"), _scan("fail", days=1)),
    "scan-old": _model(_sign("dev"), _scan("pass", days=400)),
    "elsewhere": _model(_sign("dev"), repository="other"),
}

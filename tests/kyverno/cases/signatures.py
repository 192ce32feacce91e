"""Who signed, in which form, with which kind of key."""

from collections.abc import Iterator

from tests.kyverno.case import Case, Difference, Result
from tests.kyverno.documents import by_key, ivpol, pod

PASS, FAIL = Result.PASS, Result.FAIL

# Whom a policy believes, and for whom each model of the shelf passes then.
_BY: dict[str, set[str]] = {
    "signed": {"dev"},
    "unsigned": set(),
    "by-stranger": {"stranger"},
    "by-both": {"dev", "stranger"},
    "altered": set(),
    "borrowed": set(),
    "older": {"dev"},
    "older-by-stranger": {"stranger"},
    "both-forms": {"dev"},
    # A bundle, whoever made it, hides the older form.
    "older-behind-stranger": {"stranger"},
    # Any statement of the same key counts as a signature.
    "bom": {"dev"},
    "bom-alone": {"dev"},
    "bom-by-stranger": {"dev", "stranger"},
    "older-and-bom": {"dev"},
    "older-and-strangers-bom": {"stranger"},
}

_EACH = "verifyImageSignatures(m, [attestors.{}]) > 0"
_BELIEVED = {
    "dev": _EACH.format("dev"),
    "stranger": _EACH.format("stranger"),
    "either": "verifyImageSignatures(m, [attestors.dev, attestors.stranger]) > 0",
    "both": f"{_EACH.format('dev')} && {_EACH.format('stranger')}",
}


def _passes(signers: set[str], believed: str) -> bool:
    if believed == "either":
        return bool(signers)
    if believed == "both":
        return signers == {"dev", "stranger"}
    return believed in signers


def _who() -> Iterator[Case]:
    for model, signers in _BY.items():
        for believed, expression in _BELIEVED.items():
            rule = {
                "expression": f"images.models.all(m, {expression})",
                "message": "not signed as it should be",
            }
            passes = _passes(signers, believed)
            yield Case(
                name=f"{model}-for-{believed}",
                policies=(
                    ivpol([rule], attestors=[by_key("dev"), by_key("stranger")]),
                ),
                resource=pod(f"${{{model}}}"),
                result=PASS if passes else FAIL,
                message="" if passes else "not signed as it should be",
            )


# The hash that cosign, and modelpack, sign with; None where the key decides alone.
_HASHES = {"dev": "sha256", "p384": "sha384", "p521": "sha512", "rsa": "sha256"}


_HASH = Difference(reason="The hash of a key", result=Result.ERROR)


def _keys() -> Iterator[Case]:
    for who in ("dev", "p384", "p521", "rsa", "ed25519"):
        for hashed in ("", "sha256", "sha384", "sha512", "md5"):
            own = _HASHES.get(who)
            passes = own is None or own == (hashed or "sha256")
            yield Case(
                name=f"key-{who}-with-{hashed or 'default'}",
                policies=(ivpol(attestors=[by_key("dev", of=who, hashed=hashed)]),),
                resource=pod("${signed}" if who == "dev" else f"${{by-{who}}}"),
                result=PASS if passes else FAIL,
                ours=None if passes and hashed != "md5" else _HASH,
            )


CASES = (*_who(), *_keys())

"""A document is not signed as one of another kind."""

import pytest

from modelpack.attestation.forms import check_predicate
from modelpack.attestation.predicates import TYPES
from modelpack.errors import InvalidInput

GOOD: dict[str, dict[str, object]] = {
    "cyclonedx": {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1},
    "spdx": {"spdxVersion": "SPDX-2.3", "SPDXID": "SPDXRef-DOCUMENT"},
    "spdx3": {
        "@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld",
        "@graph": [],
    },
    "slsaprovenance1": {"buildDefinition": {}, "runDetails": {}},
    "slsaprovenance02": {"builder": {"id": "x"}, "buildType": "https://example.com/b"},
    "vsa": {
        "verifier": {"id": "https://example.com"},
        "timeVerified": "2026-11-26T00:00:00Z",
        "resourceUri": "oci://example.com/m",
        "policy": {},
        "verificationResult": "PASSED",
        "verifiedLevels": [],
    },
    "test-result": {"result": "FAILED", "configuration": []},
    "svr": {
        "verifier": {"id": "https://example.com"},
        "timeCreated": "2026-11-26T00:00:00Z",
        "properties": ["ok"],
    },
    "vulns": {"scanner": {"uri": "x"}, "metadata": {}},
    "vuln": {"scanner": {"uri": "x", "result": {}}},
    "openvex": {"@context": "https://openvex.dev/ns/v0.2.0", "statements": []},
}
FREE = ("custom", "link")


@pytest.mark.parametrize("name", GOOD)
def test_one_of_its_own_kind_is_taken(name: str) -> None:
    check_predicate(TYPES[name], GOOD[name])


@pytest.mark.parametrize("name", GOOD)
def test_one_of_any_other_kind_is_refused(name: str) -> None:
    for other, predicate in GOOD.items():
        # cosign's form of a scan has all that in-toto's has, and less.
        if other != name and (other, name) != ("vulns", "vuln"):
            with pytest.raises(InvalidInput, match=r"predicate\."):
                check_predicate(TYPES[name], predicate)


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("value", [None, 7, "", "passed", [], {}])
def test_each_field_has_its_kind(name: str, value: object) -> None:
    for field, kept in GOOD[name].items():
        if type(value) is type(kept) and kept not in ("CycloneDX", "PASSED", "FAILED"):
            continue
        if field in ("version", "configuration", "verifiedLevels"):
            continue  # not looked at
        with pytest.raises(InvalidInput, match=field):
            check_predicate(TYPES[name], {**GOOD[name], field: value})


@pytest.mark.parametrize("kind", [TYPES[name] for name in FREE] + ["urn:example:mine"])
def test_what_is_nobodys_says_what_it_likes(kind: str) -> None:
    check_predicate(kind, {})

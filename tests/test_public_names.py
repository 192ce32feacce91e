"""The names and signatures that others build on: a change here is a decision."""

import dataclasses
import inspect
from typing import Final

import pytest

import modelpack
import modelpack.errors

_VERBS: Final = {
    "describe": "(target, *, allow=(), include=(), exclude=(), beside=None, "
    "settings=None, notify=nobody)",
    "card": "(target, kind=<CardType.MARKDOWN: 'md'>, *, evaluations=(), energy=(), "
    "believe=None, allow=(), include=(), exclude=(), settings=None, notify=nobody)",
    "lineage": "(target, *, believe=None, follow=False, settings=None, notify=nobody)",
    "fetch_documents": "(reference, into, believe=None, *, settings=None, "
    "notify=nobody)",
    "check": "(reference, consumers=(), *, settings=None)",
    "diff": "(before, after, *, settings=None)",
    "draft_declaration": "(source, *, settings=None, notify=nobody)",
    "judge": "(reference, policies, carriage=None, *, settings=None, notify=nobody)",
    "load_policies": "(sources, *, exceptions=(), anchor=None, settings=None)",
    "login": "(host, username, password, *, settings=None)",
    "logout": "(host)",
    "inspect": "(reference, *, headers=False, settings=None)",
    "pull": "(reference, into=None, *, policy=None, carriage=None, include=(), "
    "exclude=(), overwrite=False, settings=None, notify=nobody)",
    "push": "(source, reference, *, include=(), exclude=(), annotations=None, "
    "split=0, mount_from=(), rehash=False, modelcar=False, signer=None, "
    "describe=False, allow=(), settings=None, notify=nobody)",
    "release": "(source, reference, signer, *, provenance, policy=None, "
    "carriage=None, allow=(), include=(), exclude=(), annotations=None, split=0, "
    "modelcar=False, settings=None, notify=nobody)",
    "remove": "(reference, *, settings=None)",
    "tag": "(reference, *names, settings=None)",
    "tags": "(place, *, settings=None)",
    "tree": "(reference, *, settings=None)",
    "attest": "(reference, signer, kind, predicate, *, append=False, "
    "settings=None, notify=nobody)",
    "believe_identity": "(identity, issuer, sigstore, *, "
    "identity_is_regexp=False, issuer_is_regexp=False)",
    "believe_keys": "(keys, *, logs=None, require_log=False)",
    "generate_key": "(prefix, password)",
    "inspect_key": "(key, password)",
    "model_signature": "(reference, verifier=None, *, settings=None, notify=nobody)",
    "read_predicate": "(path)",
    "read_provenance": "(folder='.', *, parameters=None, dependencies=None, "
    "settings=None)",
    "sbom": "(target, *, spec_version='1.6', include=(), exclude=(), beside=None, "
    "settings=None, notify=nobody)",
    "spdx": "(target, *, include=(), exclude=(), beside=None, settings=None, "
    "notify=nobody)",
    "check_sbom": "(file, profile, *, require=())",
    "scan": "(target, *, allow=(), with_others=(), bom=None, include=(), exclude=(), "
    "settings=None, notify=nobody)",
    "sign": "(reference, signer, *, annotations=None, settings=None, notify=nobody)",
    "sign_keyless": "(token, sigstore, *, model_signature=True)",
    "sign_with_key": "(key, password, *, log=None, older=False, model_signature=True)",
    "verify": "(reference, verifier, *, types=(), require=1, "
    "annotations=None, directory=None, settings=None, notify=nobody)",
    "verify_all": "(references, verifier, *, types=(), require=1, "
    "annotations=None, directory=None, settings=None, notify=nobody)",
    "verify_directory": "(directory, signature, verifier, *, settings=None, "
    "notify=nobody)",
}
_ERRORS: Final = set(modelpack.errors.__all__)
_EVENTS: Final = {
    "Began",
    "Done",
    "Event",
    "Listener",
    "Moved",
    "Planned",
    "Restarted",
    "Waiting",
    "Warned",
}
_RESULTS: Final = {
    "Beside": {"energy", "environment", "author"},
    "Description": {"target", "digest", "passes", "predicates", "pages"},
    "CheckResult": {"reference", "digest", "answers"},
    "Carriage": {"carrier", "namespace", "known_as"},
    "Judgement": {"reference", "digest", "verdict"},
    "FetchedDocument": {
        "file",
        "bundle",
        "predicate_type",
        "signer",
        "verified",
    },
    "Inspection": {"reference", "model", "statements"},
    "PullResult": {
        "reference",
        "digest",
        "directory",
        "policy",
        "files",
        "moved",
        "kept",
    },
    "PushResult": {"reference", "digest", "size", "files", "car"},
    "ReleaseResult": {
        "reference",
        "tag",
        "digest",
        "car",
        "size",
        "files",
        "predicates",
        "policy",
    },
    "ScanResult": {"target", "digest", "report", "allow", "started", "finished"},
    "SignResult": {"reference", "digest", "attached"},
    "SignWith": {"signer", "own", "older", "model_signature", "logs"},
    "Sigstore": {"config", "trusted_root", "signing_config"},
    "VerifyResult": {"reference", "verified"},
}
_SETTINGS: Final = {
    "jobs",
    "chunk_size",
    "plain_http",
    "ca_file",
    "client_certificate",
    "client_key",
    "username",
    "password",
    "docker_configs",
    "proxies",
    "cache",
    "state",
    "admission",
    "local_admission",
    "environment",
    "epoch",
    "tries",
    "first_wait",
}


def test_the_public_names_are_these() -> None:
    names = {*_VERBS, *_RESULTS, *_ERRORS, *_EVENTS, "Settings", "__version__"}
    assert set(modelpack.__all__) == names
    assert len(modelpack.__all__) == len(names)


@pytest.mark.parametrize("name", _VERBS)
def test_a_verb_is_called_like_this(name: str) -> None:
    assert _signature(name) == _VERBS[name]


@pytest.mark.parametrize("name", _RESULTS)
def test_a_result_has_these_fields(name: str) -> None:
    assert _fields(name) == _RESULTS[name]


def test_settings_are_these_and_each_has_a_default() -> None:
    assert _fields("Settings") == _SETTINGS
    assert modelpack.Settings() == modelpack.Settings()


def test_a_password_is_not_shown() -> None:
    assert "hunter2" not in repr(modelpack.Settings(password="hunter2"))


# Python keeps no docstring with an alias.
@pytest.mark.parametrize("name", sorted({*modelpack.__all__} - {"Event", "Listener"}))
def test_every_name_is_there_and_says_what_it_does(name: str) -> None:
    assert getattr(modelpack, name).__doc__


def test_there_is_no_other_name() -> None:
    with pytest.raises(AttributeError, match="no attribute 'publish'"):
        modelpack.publish  # noqa: B018 - the attribute is what is tested


def _signature(name: str) -> str:
    parameters = inspect.signature(getattr(modelpack, name)).parameters.values()
    shown: list[str] = []
    for parameter in parameters:
        first_of_keywords = parameter.kind is parameter.KEYWORD_ONLY and not any(
            part.startswith("*") for part in shown
        )
        if first_of_keywords:
            shown.append("*")
        star = "*" if parameter.kind is parameter.VAR_POSITIONAL else ""
        shown.append(f"{star}{parameter.name}{_default(parameter)}")
    return f"({', '.join(shown)})"


def _default(parameter: inspect.Parameter) -> str:
    if parameter.default is parameter.empty:
        return ""
    if callable(parameter.default):
        return f"={parameter.default.__name__}"
    return f"={parameter.default!r}"


def _fields(name: str) -> set[str]:
    return {field.name for field in dataclasses.fields(getattr(modelpack, name))}

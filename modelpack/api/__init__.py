"""What ``import modelpack`` gives: one function a verb, from explicit settings."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from modelpack.api.access import login, logout
    from modelpack.api.ancestry import lineage
    from modelpack.api.beside import Beside
    from modelpack.api.carriage import Carriage
    from modelpack.api.consuming import CheckResult, check
    from modelpack.api.copying import CopyResult, copy
    from modelpack.api.declaring import draft_declaration
    from modelpack.api.describing import (
        Description,
        card,
        check_sbom,
        describe,
        sbom,
        spdx,
    )
    from modelpack.api.documents import FetchedDocument, fetch_documents
    from modelpack.api.fetching import PullResult, pull
    from modelpack.api.inspection import Inspection, diff, inspect
    from modelpack.api.keyless import Sigstore, believe_identity, sign_keyless
    from modelpack.api.keys import (
        generate_key,
        inspect_key,
        sign_with_key,
    )
    from modelpack.api.places import remove, tag, tags, tree
    from modelpack.api.policies import Judgement, judge, load_policies
    from modelpack.api.publishing import PushResult, push
    from modelpack.api.releasing import ReleaseResult, release
    from modelpack.api.scanning import ScanResult, scan
    from modelpack.api.settings import Settings
    from modelpack.api.signing import (
        SignResult,
        SignWith,
        attest,
        read_predicate,
        read_provenance,
        sign,
    )
    from modelpack.api.verifying import (
        VerifyResult,
        believe_keys,
        model_signature,
        verify,
        verify_all,
        verify_directory,
    )

__all__ = [
    "Beside",
    "Carriage",
    "CheckResult",
    "CopyResult",
    "Description",
    "FetchedDocument",
    "Inspection",
    "Judgement",
    "PullResult",
    "PushResult",
    "ReleaseResult",
    "ScanResult",
    "Settings",
    "SignResult",
    "SignWith",
    "Sigstore",
    "VerifyResult",
    "attest",
    "believe_identity",
    "believe_keys",
    "card",
    "check",
    "check_sbom",
    "copy",
    "describe",
    "diff",
    "draft_declaration",
    "fetch_documents",
    "generate_key",
    "inspect",
    "inspect_key",
    "judge",
    "lineage",
    "load_policies",
    "login",
    "logout",
    "model_signature",
    "pull",
    "push",
    "read_predicate",
    "read_provenance",
    "release",
    "remove",
    "sbom",
    "scan",
    "sign",
    "sign_keyless",
    "sign_with_key",
    "spdx",
    "tag",
    "tags",
    "tree",
    "verify",
    "verify_all",
    "verify_directory",
]

_HOMES: Final = {
    "Carriage": "carriage",
    "Judgement": "policies",
    "judge": "policies",
    "load_policies": "policies",
    "Beside": "beside",
    "check_sbom": "describing",
    "spdx": "describing",
    "Inspection": "inspection",
    "PullResult": "fetching",
    "CheckResult": "consuming",
    "CopyResult": "copying",
    "PushResult": "publishing",
    "ReleaseResult": "releasing",
    "ScanResult": "scanning",
    "Settings": "settings",
    "SignResult": "signing",
    "SignWith": "signing",
    "VerifyResult": "verifying",
    "attest": "signing",
    "Sigstore": "keyless",
    "believe_identity": "keyless",
    "believe_keys": "verifying",
    "check": "consuming",
    "copy": "copying",
    "Description": "describing",
    "card": "describing",
    "lineage": "ancestry",
    "FetchedDocument": "documents",
    "fetch_documents": "documents",
    "describe": "describing",
    "diff": "inspection",
    "draft_declaration": "declaring",
    "generate_key": "keys",
    "inspect_key": "keys",
    "inspect": "inspection",
    "login": "access",
    "logout": "access",
    "pull": "fetching",
    "push": "publishing",
    "read_predicate": "signing",
    "read_provenance": "signing",
    "release": "releasing",
    "remove": "places",
    "sbom": "describing",
    "scan": "scanning",
    "sign": "signing",
    "sign_keyless": "keyless",
    "sign_with_key": "keys",
    "tag": "places",
    "tags": "places",
    "tree": "places",
    "verify": "verifying",
    "verify_all": "verifying",
    "verify_directory": "verifying",
    "model_signature": "verifying",
}


def __getattr__(name: str) -> object:
    # A command loads the one verb that it is, not all of them.
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

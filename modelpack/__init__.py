"""Models as OCI artifacts: push, pull and inspect, in any registry.

>>> import modelpack
>>> pushed = modelpack.push("./model", "registry.example.com/team/model:1")
>>> modelpack.pull(pushed.reference, "./copy")

Every verb takes ``settings`` (how to reach a registry) and, where bytes move,
``notify`` (a function that hears each progress event). What they raise is a
``ModelpackError``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

from modelpack.version import __version__

if TYPE_CHECKING:
    from modelpack.api import (
        Beside,
        Carriage,
        CheckResult,
        Description,
        FetchedDocument,
        Inspection,
        Judgement,
        PullResult,
        PushResult,
        ReleaseResult,
        ScanResult,
        Settings,
        SignResult,
        SignWith,
        Sigstore,
        VerifyResult,
        attest,
        believe_identity,
        believe_keys,
        card,
        check,
        check_sbom,
        describe,
        diff,
        draft_declaration,
        fetch_documents,
        generate_key,
        inspect,
        inspect_key,
        judge,
        lineage,
        load_policies,
        login,
        logout,
        model_signature,
        pull,
        push,
        read_predicate,
        read_provenance,
        release,
        remove,
        sbom,
        scan,
        sign,
        sign_keyless,
        sign_with_key,
        spdx,
        tag,
        tags,
        tree,
        verify,
        verify_all,
        verify_directory,
    )
    from modelpack.errors import (
        AuthenticationError,
        ContentError,
        InvalidInput,
        LocalError,
        ModelpackError,
        NotFound,
        PolicyDenied,
        RegistryError,
        UnusableArtifact,
        VerificationError,
    )
    from modelpack.transfer.progress import (
        Began,
        Done,
        Event,
        Listener,
        Moved,
        Planned,
        Restarted,
        Waiting,
        Warned,
    )

__all__ = [
    "AuthenticationError",
    "Began",
    "Beside",
    "Carriage",
    "CheckResult",
    "ContentError",
    "Description",
    "Done",
    "Event",
    "FetchedDocument",
    "Inspection",
    "InvalidInput",
    "Judgement",
    "Listener",
    "LocalError",
    "ModelpackError",
    "Moved",
    "NotFound",
    "Planned",
    "PolicyDenied",
    "PullResult",
    "PushResult",
    "RegistryError",
    "ReleaseResult",
    "Restarted",
    "ScanResult",
    "Settings",
    "SignResult",
    "SignWith",
    "Sigstore",
    "UnusableArtifact",
    "VerificationError",
    "VerifyResult",
    "Waiting",
    "Warned",
    "__version__",
    "attest",
    "believe_identity",
    "believe_keys",
    "card",
    "check",
    "check_sbom",
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

_HOMES: Final = ("modelpack.errors", "modelpack.api", "modelpack.transfer.progress")


def __getattr__(name: str) -> object:
    # Loaded on first use, so that ``modelpack --version`` need not wait for it.
    for home in _HOMES if name in __all__ else ():
        module = importlib.import_module(home)
        if name in module.__all__:
            return getattr(module, name)
    raise AttributeError(f"module 'modelpack' has no attribute {name!r}")

"""What a server in a cluster judges with: policies made ready, and where to look.

Only registries that the configuration names, or a policy by a pattern whose host is
plain text, are contacted; loopback and plain HTTP only where the configuration says so.
"""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from modelpack.api.command import Command
from modelpack.api.files import content_of
from modelpack.api.policies import policy_files, read_policies
from modelpack.api.settings import Settings
from modelpack.api.stores import open_store
from modelpack.errors import InvalidInput, ModelpackError, PolicyDenied
from modelpack.oci.reference import Repository
from modelpack.oci.store import Source
from modelpack.policy.evaluation.house import Policies, Verdict
from modelpack.policy.evaluation.results import Result
from modelpack.policy.glob import Glob
from modelpack.policy.image_reference import ImageReference, registry_of
from modelpack.policy.kyverno.attestor import Attestor
from modelpack.policy.kyverno.documents import Documents
from modelpack.policy.kyverno.namespaces import require_no_namespace_objects
from modelpack.policy.kyverno.policy import ImageValidatingPolicy
from modelpack.policy.objects import model_references
from modelpack.policy.request import Request, Resource
from modelpack.signing.attestors import verifier_of
from modelpack.signing.trust import private_instance
from modelpack.transfer.progress import nobody
from modelpack.workflows.evidence import StoreEvidence
from modelpack.workflows.kept_evidence import AskedEvidence, KeptEvidence

if TYPE_CHECKING:
    from sigstore.models import ClientTrustConfig

LIFETIME: Final = 300.0
REFUSAL_LIFETIME: Final = 10.0
ERROR_LIFETIME: Final = 5.0
TIMED_LIFETIME: Final = 30.0
"""How many seconds a verdict is kept; the last: where a policy asks for the time."""

_MOST_STORES: Final = 1_000
_SPECIAL: Final = re.compile(r"[*?\[\]{}!\\]")
_ASKS_TIME: Final = re.compile(r"\btime\.|\bnow\b|\btimestamp\s*\(|\bduration\s*\(")
# Where a whole object is used, any field of it may be looked at.
_WHOLE: Final = re.compile(
    r"\b(?:metadata|object|oldObject|request)\b"
    r"""(?!["']?\s*:|\s*\??\.\s*\??\w+\b(?!\s*\())"""
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where policies are, what exceptions count, and which trust goes with them.

    ``trusted_root`` is for attestors that name none; without it they are refused, for
    a server fetches no keys.
    """

    policies: tuple[Path, ...]
    exceptions: tuple[Path, ...] = ()
    trusted_root: Path | None = None

    @property
    def paths(self) -> tuple[Path, ...]:
        """Every file whose change changes verdicts."""
        root = () if self.trusted_root is None else (self.trusted_root,)
        return (*self.policies, *self.exceptions, *root)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registries:
    """Which registries may be contacted, beside those that policies name."""

    hosts: frozenset[str] = frozenset()
    plain_http: frozenset[str] = frozenset()
    settings: Settings = field(default_factory=Settings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What policies came to, and for how many seconds it may be kept."""

    verdict: Verdict
    lifetime: float


class ServingPolicies:
    """Policies, ready for many threads; what they find out is kept for minutes."""

    def __init__(self, sources: Sources, registries: Registries) -> None:
        texts = [
            content_of(file)
            for path in (*sources.policies, *sources.exceptions)
            for file in policy_files(path)
        ]
        root = content_of(sources.trusted_root) if sources.trusted_root else b""
        self.fingerprint = hashlib.sha256(
            b"\0".join(hashlib.sha256(each).digest() for each in (*texts, root))
        ).hexdigest()
        self._text = b"\n".join(texts).decode(errors="replace")
        self._documents = read_policies(sources.policies, exceptions=sources.exceptions)
        require_no_namespace_objects(self._documents)
        self._policies = Policies(self._documents, now=lambda: datetime.now(UTC))
        if faults := self._policies.faults:
            raise InvalidInput(faults[0], hint="modelpack policy lint says more")
        self._stores = _Stores.opened(registries, self._documents)
        public = cache(lambda: _public(root))
        verifier = cache(lambda attestor: verifier_of(attestor, public))
        for attestor in _attestors(self._documents):
            # So that the first question need not wait for it; what is wrong with one
            # refuses what asks for it.
            with suppress(ModelpackError):
                verifier(attestor)
        self._evidence = KeptEvidence(
            lambda: StoreEvidence(self._stores.find, verifier), time.monotonic
        )
        self.mentions: Callable[[str], bool] = cache(self._mentions)

    @property
    def names(self) -> str:
        """The policies' names, in one line."""
        return self._policies.names

    def _mentions(self, name: str) -> bool:
        """Whether a policy may look at a field of this name."""
        access = rf"""(?:\.\s*\??\s*|\[\s*\??\s*["']){re.escape(name)}\b"""
        if name == "name":
            # Containers and volumes have one, too.
            access = rf"""\b(?:metadata|request)\s*\??{access}|\bresourceNames\b"""
        return bool(_WHOLE.search(self._text) or re.search(access, self._text))

    def judge(self, document: Mapping[str, object]) -> Judged:
        """Judge an ``AdmissionRequest``; one without models needs no policy's yes."""
        request = _request(document)
        asked = AskedEvidence(self._evidence)
        verdict = self._policies.judge(
            request, asked, allow_uncovered=not model_references(request.object)
        )
        lifetime = 0.0 if asked.by_tag else self._lifetime(verdict)
        return Judged(verdict=verdict, lifetime=lifetime)

    def close(self) -> None:
        """Leave every registry."""
        self._stores.close()

    def _lifetime(self, verdict: Verdict) -> float:
        if any(each.result is Result.ERROR for each in verdict.results):
            return ERROR_LIFETIME
        if not verdict.admitted:
            return REFUSAL_LIFETIME
        longest = TIMED_LIFETIME if _ASKS_TIME.search(self._text) else LIFETIME
        now = datetime.now(UTC)
        ends = [each.expires for each in self._documents.exceptions if each.expires]
        left = [(end - now).total_seconds() for end in ends if end > now]
        return min([longest, *left])


def _public(root: bytes) -> ClientTrustConfig:
    """Return the trust for attestors that name none."""
    if not root:
        raise InvalidInput(
            "an attestor names no trusted root, and the server has none",
            hint="--trusted-root FILE",
        )
    return private_instance(trusted_root=root)


@dataclass(slots=True)
class _Stores:
    """One store for each repository, opened when it is asked for, and kept open."""

    allowed: frozenset[str]
    plain_http: frozenset[str]
    command: Command
    _open: dict[Repository, Source] = field(default_factory=dict)
    _stack: ExitStack = field(default_factory=ExitStack)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def opened(cls, registries: Registries, documents: Documents) -> Self:
        named = _registries(_hosts(documents))
        local = {host for host in named if Repository(host, "x").is_loopback}
        plain_http = _registries(registries.plain_http)
        allowed = _registries(registries.hosts) | plain_http | (named - local)
        if not allowed:
            raise InvalidInput(
                "no policy names a registry that may be contacted",
                hint="--registry HOST does",
            )
        return cls(
            allowed=allowed,
            plain_http=plain_http,
            command=Command(registries.settings, nobody),
        )

    def find(self, reference: ImageReference) -> Source:
        host = reference.registry
        if host not in self.allowed:
            raise PolicyDenied(
                "a registry that neither a policy nor the configuration names",
                where=host,
            )
        place = Repository(host, reference.repository)
        with self._lock:
            if place not in self._open:
                if len(self._open) >= _MOST_STORES:
                    self._leave()
                settings = replace(
                    self.command.settings, plain_http=host in self.plain_http
                )
                self._open[place] = self._stack.enter_context(
                    open_store(place, settings, self.command.patience)
                )
            return self._open[place]

    def close(self) -> None:
        with self._lock:
            self._leave()

    def _leave(self) -> None:
        self._open.clear()
        self._stack.close()
        self._stack = ExitStack()


def _attestors(documents: Documents) -> Iterator[Attestor]:
    for policy, _ in documents.policies:
        if isinstance(policy, ImageValidatingPolicy):
            yield from policy.attestors


def _registries(hosts: Iterable[str]) -> frozenset[str]:
    """Return hosts as parsed references name them."""
    return frozenset(map(registry_of, hosts))


def _hosts(documents: Documents) -> Sequence[str]:
    """Return the hosts that policies name as plain text."""
    found = []
    for policy, _ in documents.policies:
        if isinstance(policy, ImageValidatingPolicy):
            globs = [each.text for each in policy.references if isinstance(each, Glob)]
            hosts = [text.partition("/")[0] for text in globs if "/" in text]
            found += [host for host in hosts if not _SPECIAL.search(host)]
    return found


def _request(document: Mapping[str, object]) -> Request:
    """Return what policies judge, from an ``AdmissionRequest``."""
    wanted = _map(document.get("object"))
    resource, kind = _map(document.get("resource")), _map(document.get("kind"))
    metadata = _map(wanted.get("metadata"))
    return Request(
        object=wanted,
        resource=Resource(
            _text(resource, "group"),
            _text(resource, "version"),
            _text(resource, "resource"),
        ),
        kind=_text(kind, "kind"),
        operation=_text(document, "operation"),
        old_object=_map(document.get("oldObject")),
        subresource=_text(document, "subResource"),
        name=_text(document, "name") or _text(metadata, "name"),
        namespace=_text(document, "namespace"),
        document=document,
    )


def _map(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _text(value: Mapping[str, object], key: str) -> str:
    found = value.get(key)
    return found if isinstance(found, str) else ""

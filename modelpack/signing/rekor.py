"""Rekor v2: a transparency log that takes signatures.

sigstore/rekor-tiles, CLIENTS.md: one request enters a signature over a digest, and the
answer is the entry with its proof of inclusion.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import urllib3
from urllib3.exceptions import HTTPError

from modelpack.attestation.log_entry import LogEntry
from modelpack.attestation.wire import encoded, number
from modelpack.errors import InvalidInput, RegistryError
from modelpack.oci.fields import Fields
from modelpack.oci.public_url import public_url
from modelpack.oci.strict_json import strict_json
from modelpack.signing.log import LogKeys, Signed, check_about, check_entry
from modelpack.signing.validity import Validity

_MAX_ANSWER: Final = 1 << 20
_VERSION: Final = 2
_TIMEOUT: Final = urllib3.Timeout(connect=10, read=60)


def log_url(signing_config: object, now: datetime, where: str) -> str | None:
    """Return the first Rekor v2 that a signing config names and that is valid now.

    None where it names no log at all: then nothing is to be entered.
    """
    config = Fields(signing_config, where)
    services = config.array("rekorTlogUrls") if config.has("rekorTlogUrls") else ()
    for index, value in enumerate(services):
        service = Fields(value, f"{config.path('rekorTlogUrls')}[{index}]")
        if number(service, "majorApiVersion") == _VERSION and Validity.of(
            service
        ).holds(now):
            return service.text("url")
    if services:
        raise InvalidInput("names no Rekor v2 that is valid now", where=where)
    return None


@dataclass(frozen=True, slots=True)
class RekorLog:
    """Implements ``Log``. With ``keys`` an entry is checked before it is believed.

    Without, it is still held to be about the signature that was entered.
    """

    url: str
    keys: LogKeys | None = None

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise InvalidInput("is no URL of HTTP", where="the log")

    def enter(self, signed: Signed) -> LogEntry:
        """Enter a signature; raise ``RegistryError`` where the log will not have it."""
        if signed.key.details == "PKIX_ED25519":
            raise InvalidInput(
                "Rekor v2 takes Ed25519 only prehashed, which no one here verifies",
                where=self._shown,
                hint="an ECDSA key, or no log",
            )
        request = {
            "hashedRekordRequestV002": {
                "digest": encoded(signed.digest),
                "signature": {
                    "content": encoded(signed.signature),
                    "verifier": {
                        "publicKey": {"rawBytes": encoded(signed.key.der)},
                        "keyDetails": signed.key.details,
                    },
                },
            }
        }
        answer = self._post(json.dumps(request).encode())
        try:
            entry = LogEntry.parse(strict_json(answer), "entry")
        except InvalidInput as error:
            raise RegistryError(
                f"answers with no log entry: {error}", where=self._shown
            ) from error
        if self.keys is not None:
            check_entry(entry, self.keys, signed)
        else:
            check_about(entry, signed)
        return entry

    @property
    def _shown(self) -> str:
        return public_url(self.url, "the log")

    def _post(self, body: bytes) -> bytes:
        url = f"{self.url.rstrip('/')}/api/v2/log/entries"
        with urllib3.PoolManager() as pool:
            try:
                response = pool.request(
                    "POST",
                    url,
                    body=body,
                    headers={"Content-Type": "application/json"},
                    timeout=_TIMEOUT,
                    # An entry is entered once more at worst, which does no harm.
                    retries=urllib3.Retry(3, status=0, redirect=0, backoff_factor=0.5),
                    preload_content=False,
                )
                answer = response.read(_MAX_ANSWER + 1)
            except (HTTPError, OSError) as error:
                raise RegistryError(
                    f"no answer: {getattr(error, 'reason', error)}", where=self._shown
                ) from error
        if response.status not in (200, 201) or len(answer) > _MAX_ANSWER:
            said = answer[:200].decode(errors="replace")
            raise RegistryError(
                f"{response.status}: {said}",
                status=response.status,
                where=self._shown,
            )
        return answer

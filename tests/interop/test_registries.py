"""The registries that the other interop tests rely on are what they are said to be."""

import datetime as dt
import hashlib
import re
import ssl
import time
from collections.abc import Iterator
from urllib.parse import urljoin

import pytest
import urllib3

from tests.interop.registries import Running
from tests.interop.tokens import TokenServer

pytestmark = pytest.mark.interop

_BLOB = b"weights"
_DIGEST = f"sha256:{hashlib.sha256(_BLOB).hexdigest()}"
_SCOPE = "repository:team/model:pull,push"


@pytest.fixture
def http() -> Iterator[urllib3.PoolManager]:
    with urllib3.PoolManager(retries=False, timeout=10.0) as manager:
        yield manager


def test_a_plain_registry_takes_a_blob_and_gives_it_back(
    plain_registry: Running, http: urllib3.PoolManager
) -> None:
    assert http.request("GET", f"{plain_registry.url}/v2/").status == 200
    assert _push(http, plain_registry) == 201
    assert http.request("GET", _blob_url(plain_registry)).data == _BLOB
    assert any(
        path.read_bytes() == _BLOB
        for path in plain_registry.storage.rglob("*")
        if path.is_file()
    )


def test_the_referrers_api_is_where_it_is_said_to_be(
    plain_registry: Running, http: urllib3.PoolManager
) -> None:
    _push(http, plain_registry)
    url = f"{plain_registry.url}/v2/team/model/referrers/{_DIGEST}"
    status = http.request("GET", url).status
    assert status == (200 if plain_registry.has_referrers else 404)


def test_a_blob_can_be_deleted(
    plain_registry: Running, http: urllib3.PoolManager
) -> None:
    _push(http, plain_registry)
    assert http.request("DELETE", _blob_url(plain_registry)).status == 202


def test_tls_is_trusted_by_its_own_authority_alone(
    tls_registry: Running, http: urllib3.PoolManager
) -> None:
    with pytest.raises(urllib3.exceptions.SSLError) as refused:
        http.request("GET", f"{tls_registry.url}/v2/")
    assert isinstance(refused.value.args[0], ssl.SSLCertVerificationError)
    with urllib3.PoolManager(ca_certs=str(tls_registry.ca), retries=False) as trusting:
        assert _push(trusting, tls_registry) == 201


def test_htpasswd_wants_the_password(
    htpasswd_registry: Running, http: urllib3.PoolManager
) -> None:
    assert http.request("GET", f"{htpasswd_registry.url}/v2/").status == 401
    assert _push(http, htpasswd_registry, _basic(htpasswd_registry)) == 201


def test_tokens_are_had_from_the_realm_in_the_challenge(
    token_registry: tuple[Running, TokenServer], http: urllib3.PoolManager
) -> None:
    registry, tokens = token_registry
    answer = http.request("GET", f"{registry.url}/v2/")
    assert answer.status == 401
    challenge = dict(re.findall(r'(\w+)="([^"]*)"', answer.headers["WWW-Authenticate"]))
    assert challenge["realm"] == tokens.realm
    fields = {"service": challenge["service"], "scope": _SCOPE}
    assert http.request("GET", tokens.realm, fields=fields).status == 401
    assert _push(http, registry, _bearer(http, registry, tokens)) == 201
    assert tokens.issued == [_SCOPE]


def test_a_token_is_good_for_as_long_as_the_test_says(
    token_registry: tuple[Running, TokenServer], http: urllib3.PoolManager
) -> None:
    registry, tokens = token_registry
    tokens.lifetime = dt.timedelta(seconds=2)
    bearer = _bearer(http, registry, tokens)
    assert _push(http, registry, bearer) == 201
    statuses = set[int]()
    deadline = time.monotonic() + 20
    while 401 not in statuses and time.monotonic() < deadline:
        answer = http.request("GET", _blob_url(registry), headers=bearer)
        statuses.add(answer.status)
        time.sleep(0.1)
    assert statuses == {200, 401}


def _push(
    http: urllib3.PoolManager, registry: Running, headers: dict[str, str] | None = None
) -> int:
    uploads = f"{registry.url}/v2/team/model/blobs/uploads/"
    started = http.request("POST", uploads, headers=headers)
    assert started.status == 202
    location = urljoin(uploads, started.headers["Location"])
    separator = "&" if "?" in location else "?"
    url = f"{location}{separator}digest={_DIGEST}"
    sent = {"Content-Type": "application/octet-stream"} | (headers or {})
    return http.request("PUT", url, body=_BLOB, headers=sent).status


def _blob_url(registry: Running) -> str:
    return f"{registry.url}/v2/team/model/blobs/{_DIGEST}"


def _basic(registry: Running) -> dict[str, str]:
    return urllib3.make_headers(basic_auth=f"{registry.username}:{registry.password}")


def _bearer(
    http: urllib3.PoolManager, registry: Running, tokens: TokenServer
) -> dict[str, str]:
    fields = {"service": "modelpack test registry", "scope": _SCOPE}
    answer = http.request("GET", tokens.realm, fields=fields, headers=_basic(registry))
    assert answer.status == 200
    return {"Authorization": f"Bearer {answer.json()['token']}"}

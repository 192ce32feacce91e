"""Proxies of the environment, over real sockets."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelpack.errors import InvalidInput, RegistryError
from modelpack.oci.descriptor import Descriptor
from modelpack.oci.manifest import EMPTY_JSON, MANIFEST, Manifest
from modelpack.oci.reference import Repository
from modelpack.registry.connections import Connecting, proxy_for
from modelpack.registry.credentials import Login
from modelpack.registry.http import Http
from modelpack.registry.store import RegistryStore
from modelpack.serve.registry import RegistryServer
from tests.faults.scene import content, make_model
from tests.forward_proxy import ForwardProxy
from tests.interop.authority import Authority
from tests.registry.scripted import Asked, Say, Scripted, Serve
from tests.transfer.making import patience

NAME = "registry.test:5000"
REFERENCE = f"{NAME}/team/model:1"
MADE = Manifest.build(
    artifact_type="x/y", config=Descriptor.of(b"{}", EMPTY_JSON), layers=()
)
FOUND = Say(200, {"Content-Type": MANIFEST}, MADE.raw)


def run(
    folder: Path, *arguments: str | Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "modelpack", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **environment},
        timeout=60,
    )


@pytest.fixture
def registry() -> Iterator[RegistryServer]:
    with RegistryServer() as server:
        yield server


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "ALL_PROXY"])
@pytest.mark.parametrize("with_scheme", [True, False])
def test_a_model_goes_through_a_proxy_and_back(
    tmp_path: Path, registry: RegistryServer, variable: str, *, with_scheme: bool
) -> None:
    model = make_model(tmp_path / "model")
    with ForwardProxy({NAME: registry.address}) as proxy:
        told = {variable: proxy.url if with_scheme else proxy.address}
        pushed = run(tmp_path, "push", "--plain-http", model, REFERENCE, **told)
        assert pushed.returncode == 0, pushed.stderr
        pulled = run(tmp_path, "pull", "--plain-http", REFERENCE, "-o", "copy", **told)
        assert pulled.returncode == 0, pulled.stderr
        assert proxy.targets("GET") == proxy.targets("PUT") == {NAME}
    assert content(tmp_path / "copy") == content(model)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.make(tmp_path, names=("registry.test",))


@pytest.fixture
def behind_tls(authority: Authority) -> Iterator[Scripted]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.server_certificate, authority.server_key)
    with Scripted(lambda _: FOUND, context) as server:
        yield server


def manifest_by(proxy: str, ca: Path, no: str = "") -> bytes:
    how = Connecting(ca=ca, proxies={"https": proxy, "no": no})
    place = Repository(NAME, "team/model")
    http = Http(place, how, Login())
    try:
        store = RegistryStore(place, http, patience(tries=1))
        return store.get_manifest("1").raw
    finally:
        http.close()


def test_tls_goes_through_a_tunnel_and_ends_at_the_registry(
    behind_tls: Scripted, authority: Authority
) -> None:
    with ForwardProxy({NAME: behind_tls.host}) as proxy:
        assert manifest_by(proxy.url, authority.certificate) == MADE.raw
        assert [head.method for head in proxy.asked] == ["CONNECT"]
        assert behind_tls.paths() == ["/v2/team/model/manifests/1"]


def test_a_proxy_that_wants_a_login_gets_it_and_the_registry_does_not(
    behind_tls: Scripted, authority: Authority, serve: Serve
) -> None:
    with ForwardProxy({NAME: behind_tls.host}, login="me:p@ss/") as proxy:
        known = f"http://me:p%40ss%2F@{proxy.address}"
        assert manifest_by(known, authority.certificate) == MADE.raw
        assert "proxy-authorization" not in behind_tls.asked[0].headers
    plain = serve(lambda _: FOUND)
    with ForwardProxy({NAME: plain.host}, login="me:p@ss/") as proxy:
        how = Connecting(
            plain_http=True, proxies={"http": f"http://me:p%40ss%2F@{proxy.address}"}
        )
        Http(Repository(NAME, "x"), how, Login()).ping()


@pytest.mark.parametrize("login", ["", "me:wrong@"])
def test_a_proxy_that_refuses_a_login_is_named(
    behind_tls: Scripted, authority: Authority, login: str
) -> None:
    with (
        ForwardProxy({NAME: behind_tls.host}, login="me:secret") as proxy,
        pytest.raises(RegistryError, match=r"proxy.*407") as caught,
    ):
        manifest_by(f"http://{login}{proxy.address}", authority.certificate)
    assert caught.value.status == 407
    assert "NO_PROXY" in caught.value.hint
    assert "wrong" not in f"{caught.value}{caught.value.hint}"


def test_a_proxy_that_is_not_there_is_named(authority: Authority) -> None:
    with ForwardProxy({}) as proxy:
        pass
    with pytest.raises(RegistryError, match="the proxy on the way there"):
        manifest_by(proxy.url, authority.certificate)


def test_a_certificate_is_checked_behind_a_tunnel_too(
    behind_tls: Scripted, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other = Authority.make(tmp_path / "other", names=("registry.test",))
    with (
        ForwardProxy({NAME: behind_tls.host}) as proxy,
        pytest.raises(RegistryError, match="certificate is not trusted"),
    ):
        manifest_by(proxy.url, other.certificate)
    assert behind_tls.asked == []


def test_each_host_of_a_redirect_is_reached_by_its_own_way(serve: Serve) -> None:
    """The registry is near (NO_PROXY); where it keeps its blobs is behind the proxy."""
    storage = serve(lambda _: FOUND)
    moved = Say(307, {"Location": f"http://{NAME}/kept"})
    registry = serve(lambda _: moved)
    with ForwardProxy({NAME: storage.host}) as proxy:
        how = Connecting(plain_http=True, proxies={"http": proxy.url})
        store = registry.store(connecting=how)
        assert store.get_manifest("1").raw == MADE.raw
        assert proxy.targets("GET") == {NAME}
    assert storage.paths() == ["/kept"]


def test_a_token_service_is_asked_through_the_proxy(
    behind_tls: Scripted, authority: Authority
) -> None:
    realm = f'Bearer realm="https://{NAME}/token",service="s"'

    def script(asked: Asked) -> Say:
        if asked.path.startswith("/token"):
            return Say(body=b'{"token": "t0"}')
        if asked.headers.get("authorization") == "Bearer t0":
            return FOUND
        return Say(401, {"WWW-Authenticate": realm})

    behind_tls.script = script
    place = Repository(NAME, "team/model")
    with ForwardProxy({NAME: behind_tls.host}) as proxy:
        proxies = {"https": proxy.url}
        http = Http(
            place,
            Connecting(ca=authority.certificate, proxies=proxies),
            Login(ca=authority.certificate, proxies=proxies),
        )
        store = RegistryStore(place, http, patience(tries=1))
        assert store.get_manifest("1").raw == MADE.raw
        http.close()
        assert proxy.targets("CONNECT") == {NAME}


@pytest.mark.parametrize("no", ["registry.test", ".test", "a,registry.test:5000", "*"])
def test_no_proxy_is_kept_to(no: str) -> None:
    assert proxy_for("http", NAME, {"http": "http://proxy:1", "no": no}) == ""


@pytest.mark.parametrize("no", ["", "other.test,.example.com", "registry.test:5001"])
def test_no_proxy_is_for_whom_it_names(no: str) -> None:
    assert proxy_for("http", NAME, {"http": "http://proxy:1", "no": no})


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:5000", "[::1]:5000"])
def test_loopback_needs_no_proxy(host: str) -> None:
    assert proxy_for("http", host, {"all": "http://proxy:1"}) == ""


@pytest.mark.parametrize(
    "proxy", ["socks5://proxy:1", "ftp://proxy", "http://", "http://me:secret@"]
)
def test_a_proxy_that_cannot_be_used_is_refused(proxy: str) -> None:
    with pytest.raises(InvalidInput, match="HTTPS_PROXY") as caught:
        proxy_for("https", NAME, {"https": proxy})
    assert "secret" not in str(caught.value)

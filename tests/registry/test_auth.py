from __future__ import annotations

import json

import pytest

from modelpack.errors import AuthenticationError, RegistryError
from modelpack.oci.descriptor import Descriptor
from modelpack.oci.digest import Digest
from modelpack.oci.manifest import EMPTY_JSON, MANIFEST, Document, Index, Manifest
from modelpack.oci.memory import MemoryStore
from modelpack.registry import fallback
from modelpack.registry.auth import challenges
from modelpack.registry.credentials import Login
from modelpack.registry.habits import SELF_HOSTED, habits_of
from tests.registry.scripted import (
    BASIC,
    USER,
    Asked,
    Say,
    Script,
    Scripted,
    Serve,
    behind_login,
)
from tests.stores.contract import push

MADE = Manifest.build(
    artifact_type="x/y", config=Descriptor.of(b"{}", EMPTY_JSON), layers=()
)
FOUND = Say(200, {"Content-Type": MANIFEST}, MADE.raw)


@pytest.fixture(autouse=True)
def home(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    # Nobody's real logins take part.
    folder = str(tmp_path_factory.mktemp("home"))
    monkeypatch.setenv("HOME", folder)
    monkeypatch.setenv("DOCKER_CONFIG", folder)


@pytest.mark.parametrize(
    ("header", "schemes"),
    [
        ('Basic realm="x"', {"basic": {"realm": "x"}}),
        ("Negotiate", {"negotiate": {}}),
        ("", {}),
        (
            'Bearer realm="https://a/t",service="s",scope="repository:x:pull,push,delete"',
            {
                "bearer": {
                    "realm": "https://a/t",
                    "service": "s",
                    "scope": "repository:x:pull,push,delete",
                }
            },
        ),
        (
            'Bearer realm="https://a/t",service="s", Basic realm="y"',
            {
                "bearer": {"realm": "https://a/t", "service": "s"},
                "basic": {"realm": "y"},
            },
        ),
        (
            'Negotiate, Basic Realm="a, Bearer realm=b"',
            {"negotiate": {}, "basic": {"realm": "a, Bearer realm=b"}},
        ),
    ],
)
def test_a_challenge_is_taken_apart(
    header: str, schemes: dict[str, dict[str, str]]
) -> None:
    assert challenges(header) == schemes


def test_the_password_is_shown_to_who_asks_for_it_and_only_then(serve: Serve) -> None:
    registry = serve(behind_login(lambda _: FOUND))
    store = registry.store(login=USER)
    store.get_manifest("v1")
    store.get_manifest("v1")
    shown = [a.headers.get("authorization") for a in registry.asked]
    assert shown == [None, BASIC, BASIC]
    open_to_all = serve(lambda _: FOUND)
    open_to_all.store(login=USER).get_manifest("v1")
    assert "authorization" not in open_to_all.asked[0].headers


def test_a_password_that_is_refused_is_not_shown_again(serve: Serve) -> None:
    registry = serve(lambda _: Say(401, {"WWW-Authenticate": 'Basic realm="x"'}))
    with pytest.raises(AuthenticationError, match="refused") as caught:
        registry.store(login=USER).get_manifest("v1")
    assert len(registry.asked) == 2
    assert caught.value.hint == f"modelpack login {registry.host}"


@pytest.mark.parametrize("header", ["", "Negotiate", 'Digest realm="x"', ",,=", '"'])
def test_a_challenge_that_nobody_can_answer_is_refused(
    serve: Serve, header: str
) -> None:
    registry = serve(lambda _: Say(401, {"WWW-Authenticate": header}))
    with pytest.raises(AuthenticationError, match="authentication"):
        registry.store(login=USER).get_manifest("v1")


def test_without_a_login_a_password_cannot_be_given(serve: Serve) -> None:
    registry = serve(behind_login(lambda _: FOUND))
    with pytest.raises(AuthenticationError, match="user name and password"):
        registry.store().get_manifest("v1")


def with_tokens(
    serve: Serve, answer: Script, more: str = ""
) -> tuple[Scripted, Scripted]:
    """Start a registry that wants the token ``t0``, and the service that gives it."""
    service = serve(answer)
    asks = f'Bearer realm="{service.url}/token",service="s",scope="a:b:pull,push"{more}'

    def script(asked: Asked) -> Say:
        if asked.headers.get("authorization") == "Bearer t0":
            return FOUND
        return Say(401, {"WWW-Authenticate": asks})

    return serve(script), service


@pytest.mark.parametrize("key", ["token", "access_token"])
@pytest.mark.parametrize("more", ["", ', Basic realm="here"'])
def test_a_token_is_fetched_with_the_password(
    serve: Serve, key: str, more: str
) -> None:
    body = json.dumps({key: "t0"}).encode()
    registry, service = with_tokens(serve, lambda _: Say(body=body), more)
    assert registry.store(login=USER).get_manifest("v1") == MADE.document
    (asked,) = service.asked
    assert asked.headers["authorization"] == BASIC
    assert asked.path == "/token?service=s&scope=a%3Ab%3Apull%2Cpush"
    # The password itself never went to the registry.
    assert all(a.headers.get("authorization") != BASIC for a in registry.asked)


def test_a_token_may_be_given_to_anybody(serve: Serve) -> None:
    registry, service = with_tokens(serve, lambda _: Say(body=b'{"token": "t0"}'))
    assert registry.store().get_manifest("v1") == MADE.document
    assert "authorization" not in service.asked[0].headers


def test_a_token_service_on_loopback_is_not_asked_through_a_proxy(serve: Serve) -> None:
    proxy = serve(lambda _: Say(body=b'{"token": "t0"}'))
    registry, service = with_tokens(serve, lambda _: Say(body=b'{"token": "t0"}'))
    login = Login(username="me", password="secret", proxies={"http": proxy.url})
    registry.store(login=login).get_manifest("v1")
    assert (len(service.asked), proxy.asked) == (1, [])


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (Say(401), AuthenticationError),
        (Say(body=b"{}"), AuthenticationError),
        (Say(body=b"no JSON"), RegistryError),
        (Say(body=b"[]"), RegistryError),
    ],
)
def test_a_service_that_gives_no_token(
    serve: Serve, said: Say, kind: type[Exception]
) -> None:
    registry, _ = with_tokens(serve, lambda _: said)
    with pytest.raises(kind, match="no token"):
        registry.store(login=USER).get_manifest("v1")


@pytest.mark.parametrize(
    "realm",
    ["http://auth.example.com/token", "ftp://127.0.0.1/token", "/token", "", "//x/t"],
)
def test_a_password_does_not_cross_the_network_in_the_clear(
    serve: Serve, realm: str
) -> None:
    registry = serve(
        lambda _: Say(401, {"WWW-Authenticate": f'Bearer realm="{realm}"'})
    )
    with pytest.raises(AuthenticationError, match="sends credentials to"):
        registry.store(login=USER).get_manifest("v1")


@pytest.mark.parametrize(
    ("host", "name", "chunked"),
    [
        ("ghcr.io", "GHCR", False),
        ("GHCR.io", "GHCR", False),
        ("ghcr.io.example.com", "OCI registry", True),
        ("docker.io", "Docker Hub", False),
        ("registry-1.docker.io", "Docker Hub", False),
        ("notdocker.io", "OCI registry", True),
        ("1234.dkr.ecr.eu-west-1.amazonaws.com", "Amazon ECR", False),
        ("1234.dkr.ecr.cn-north-1.amazonaws.com.cn", "Amazon ECR", False),
        ("europe-docker.pkg.dev", "Google Artifact Registry", False),
        ("eu.gcr.io", "Google Artifact Registry", False),
        ("quay.io:443", "Quay", False),
        ("me.azurecr.io", "Azure Container Registry", True),
        ("harbor.example.com", "OCI registry", True),
        ("localhost:5000", "OCI registry", True),
    ],
)
def test_what_is_known_of_a_registry(host: str, name: str, *, chunked: bool) -> None:
    habits = habits_of(host)
    assert (habits.name, habits.chunked) == (name, chunked)


def test_limits_stand_only_where_they_are_known() -> None:
    assert habits_of("ghcr.io").largest_layer == 10_000_000_000
    assert habits_of("me.azurecr.io").largest_chunk == 20_000_000
    assert (SELF_HOSTED.largest_layer, SELF_HOSTED.largest_chunk) == (0, 0)


class Shared:
    """A shelf on which another writer overwrites the list, ``times`` times."""

    def __init__(self, store: MemoryStore, other: Document, times: int) -> None:
        self.store, self.other, self.left = store, other, times

    def get_manifest(self, selector: str | Digest) -> Document:
        return self.store.get_manifest(selector)

    def put_manifest(self, document: Document, tag: str = "") -> None:
        self.store.put_manifest(document, tag)
        if self.left:
            # It has read the list before we wrote ours, and writes it now.
            self.left -= 1
            entry = fallback.describe(self.other)
            self.store.put_manifest(Index.build((entry,)).document, tag)


@pytest.mark.parametrize("times", [0, 1, 3])
def test_two_writers_of_the_fallback_tag_lose_no_entry(times: int) -> None:
    store = MemoryStore()
    subject = push(store, b"model", "v1").descriptor
    mine, theirs = (push(store, text, subject=subject) for text in (b"mine", b"theirs"))
    shelf = Shared(store, theirs.document, times)
    fallback.enlist(shelf, subject.digest, mine.document)
    listed = {d.digest for d in fallback.listed(store, subject.digest)}
    wanted = [mine, theirs] if times else [mine]
    assert listed == {each.descriptor.digest for each in wanted}
    fallback.enlist(shelf, subject.digest, theirs.document)
    listed = {d.digest for d in fallback.listed(store, subject.digest)}
    assert listed == {each.descriptor.digest for each in (mine, theirs)}


class Slow(Shared):
    """The other writer has read before us, and writes after we have looked."""

    def get_manifest(self, selector: str | Digest) -> Document:
        found = self.store.get_manifest(selector)
        if self.left:
            self.left -= 1
            entry = fallback.describe(self.other)
            self.store.put_manifest(Index.build((entry,)).document, str(selector))
        return found

    def put_manifest(self, document: Document, tag: str = "") -> None:
        self.store.put_manifest(document, tag)


def test_a_writer_that_ends_after_we_have_looked_loses_nothing() -> None:
    store = MemoryStore()
    subject = push(store, b"model", "v1").descriptor
    mine, theirs = (push(store, text, subject=subject) for text in (b"mine", b"theirs"))
    shelf = Slow(store, theirs.document, 1)
    fallback.enlist(shelf, subject.digest, mine.document)
    listed = {d.digest for d in fallback.listed(store, subject.digest)}
    assert listed == {each.descriptor.digest for each in (mine, theirs)}


def test_a_writer_that_is_always_overwritten_gives_up() -> None:
    store = MemoryStore()
    subject = push(store, b"model", "v1").descriptor
    mine, theirs = (push(store, text, subject=subject) for text in (b"mine", b"theirs"))
    shelf = Shared(store, theirs.document, 99)
    with pytest.raises(RegistryError, match="too often"):
        fallback.enlist(shelf, subject.digest, mine.document)


def test_an_artifact_under_the_fallback_tag_makes_room_for_the_list() -> None:
    """As `cosign copy` leaves it."""
    store = MemoryStore()
    subject = push(store, b"model", "v1").descriptor
    push(store, b"model", fallback.tag_of(subject.digest))
    assert fallback.listed(store, subject.digest) == ()
    mine = push(store, b"mine", subject=subject)
    fallback.enlist(store, subject.digest, mine.document)
    (entry,) = fallback.listed(store, subject.digest)
    assert entry.digest == mine.descriptor.digest

from __future__ import annotations

import json

import pytest

from modelpack.errors import (
    AuthenticationError,
    ContentError,
    InvalidInput,
    ModelpackError,
    NotFound,
    RegistryError,
)
from modelpack.oci.descriptor import Descriptor
from modelpack.oci.digest import Digest
from modelpack.oci.manifest import EMPTY_JSON, INDEX, MANIFEST, MAX_BYTES, Manifest
from modelpack.oci.reference import Repository
from modelpack.oci.store import blocks_of, read_whole
from modelpack.registry.connections import Connecting
from modelpack.registry.credentials import Login
from modelpack.registry.http import Http, Request
from tests.registry.scripted import (
    BASIC,
    ROOT,
    USER,
    Asked,
    Say,
    Serve,
    behind_login,
)
from tests.transfer.making import Waits, described, patience

BLOB = described(b"weights")
MADE = Manifest.build(
    artifact_type="x/y", config=Descriptor.of(b"{}", EMPTY_JSON), layers=(BLOB,)
)
HEADERS = {"Content-Type": MANIFEST}


def test_a_redirect_to_another_host_loses_the_credentials(serve: Serve) -> None:
    storage = serve(lambda _: Say(body=b"weights"))
    registry = serve(
        behind_login(lambda _: Say(307, {"Location": f"{storage.url}/signed?key=1"}))
    )
    store = registry.store(login=USER)
    assert read_whole(store, BLOB, limit=10) == b"weights"
    assert registry.asked[-1].headers["authorization"] == BASIC
    assert [a.path for a in storage.asked] == ["/signed?key=1"]
    assert "authorization" not in storage.asked[0].headers


def test_a_redirect_home_again_has_the_credentials_again(serve: Serve) -> None:
    homes: list[str] = []
    storage = serve(lambda _: Say(302, {"Location": f"{homes[0]}/back"}))

    def home(asked: Asked) -> Say:
        if asked.path == "/back":
            return Say(body=b"weights")
        return Say(307, {"Location": f"{storage.url}/away"})

    registry = serve(behind_login(home))
    homes.append(registry.url)
    assert read_whole(registry.store(login=USER), BLOB, limit=10) == b"weights"
    assert "authorization" not in storage.asked[0].headers


def test_redirects_without_end_are_given_up(serve: Serve) -> None:
    registry = serve(lambda _: Say(307, {"Location": "/again"}))
    with pytest.raises(RegistryError, match="redirects"):
        registry.store().open(BLOB)
    assert len(registry.asked) == 6


@pytest.mark.parametrize("location", ["ftp://127.0.0.1/x", "file:///etc/passwd"])
def test_a_redirect_leads_to_http_or_nowhere(serve: Serve, location: str) -> None:
    registry = serve(lambda _: Say(302, {"Location": location}))
    with pytest.raises(RegistryError, match="not HTTPS"):
        registry.store().open(BLOB)


def test_the_body_of_an_answer_that_does_not_matter_is_not_read_for_ever(
    serve: Serve,
) -> None:
    def script(asked: Asked) -> Say:
        if "authorization" not in asked.headers:
            return Say(401, {"WWW-Authenticate": 'Basic realm="x"'}, endless=True)
        if asked.path.startswith(f"{ROOT}/blobs/sha256"):
            return Say(307, {"Location": "/elsewhere"}, endless=True)
        if asked.method == "POST":
            return Say(202, {"Location": "/upload"}, endless=True)
        return Say(body=b"weights")

    store = serve(script).store(login=USER)
    assert read_whole(store, BLOB, limit=10) == b"weights"
    assert store.begin().session.endswith("/upload")


def test_an_upload_on_another_host_gets_no_credentials(serve: Serve) -> None:
    storage = serve(lambda asked: Say(201 if asked.method == "PUT" else 202))
    registry = serve(
        behind_login(lambda _: Say(202, {"Location": f"{storage.url}/up?state=1"}))
    )
    store = registry.store(login=USER)
    upload = store.begin()
    upload.append(blocks_of(b"weights"), 7)
    upload.commit(BLOB.digest)
    store.put_blob(BLOB, blocks_of(b"weights"))
    assert {a.method for a in storage.asked} == {"PATCH", "PUT"}
    assert all("authorization" not in a.headers for a in storage.asked)
    assert all("state=1" in a.path for a in storage.asked)


def test_a_recorded_upload_on_another_host_is_not_asked_for(serve: Serve) -> None:
    other = serve(lambda _: Say(204, {"Range": "0-6"}))
    store = serve(lambda _: Say()).store(login=USER)
    with pytest.raises(NotFound, match="another host"):
        store.begin(f"{other.url}{ROOT}/blobs/uploads/1")
    assert other.asked == []


def test_a_recorded_upload_goes_on_from_what_the_registry_has(serve: Serve) -> None:
    registry = serve(lambda _: Say(204, {"Range": "0-6", "Location": "/up/2"}))
    upload = registry.store().begin(f"{registry.url}/up/1")
    assert (upload.offset, upload.session) == (7, f"{registry.url}/up/2")


@pytest.mark.parametrize("status", [400, 404, 405, 410, 416])
def test_a_registry_that_forgot_an_upload_says_so(serve: Serve, status: int) -> None:
    registry = serve(lambda _: Say(status))
    with pytest.raises(NotFound):
        registry.store().begin(f"{registry.url}/up/1")


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_an_upload_that_cannot_be_cancelled_stops_nothing(
    serve: Serve, status: int
) -> None:
    waits = Waits()

    def script(asked: Asked) -> Say:
        return Say(status if asked.method == "DELETE" else 202, {"Location": "/up"})

    assert serve(script).store(waits=waits).mount(BLOB, "other/model") is False
    assert waits.seconds == []


def test_a_manifest_by_tag_is_what_the_registry_says_it_is(serve: Serve) -> None:
    lying = Say(200, HEADERS | {"Docker-Content-Digest": f"{BLOB.digest}"}, MADE.raw)
    with pytest.raises(ContentError):
        serve(lambda _: lying).store().get_manifest("v1")


def test_a_manifest_by_digest_is_the_one_that_was_asked_for(serve: Serve) -> None:
    digest = Digest.of(b"another")
    # The header agrees with the question, and the body does not.
    lying = Say(200, HEADERS | {"Docker-Content-Digest": str(digest)}, MADE.raw)
    with pytest.raises(ContentError):
        serve(lambda _: lying).store().get_manifest(digest)


def test_a_digest_of_another_kind_in_the_header_is_left_out(serve: Serve) -> None:
    said = Say(200, HEADERS | {"Docker-Content-Digest": "md5:00"}, MADE.raw)
    assert serve(lambda _: said).store().get_manifest("v1") == MADE.document


def test_a_manifest_stored_as_another_is_noticed(serve: Serve) -> None:
    said = Say(201, {"Docker-Content-Digest": str(BLOB.digest)})
    with pytest.raises(ContentError, match="stored the manifest"):
        serve(lambda _: said).store().put_manifest(MADE.document, "v1")


def test_a_manifest_that_is_too_large_is_not_read(serve: Serve) -> None:
    large = Say(200, HEADERS, bytes(MAX_BYTES + 1))
    with pytest.raises(InvalidInput, match="more than 4194304 bytes"):
        serve(lambda _: large).store().get_manifest("v1")
    with pytest.raises(InvalidInput, match="more than 4194304 bytes"):
        serve(lambda _: Say(200, HEADERS, endless=True)).store().get_manifest("v1")


def test_a_manifest_that_breaks_off_is_asked_for_again(serve: Serve) -> None:
    waits = Waits()
    registry = serve(lambda _: Say())

    def script(_: Asked) -> Say:
        if len(registry.asked) == 1:
            promise = {"Content-Length": "9999", "Connection": "close"}
            return Say(200, HEADERS | promise, MADE.raw)
        return Say(200, HEADERS, MADE.raw)

    registry.script = script
    assert registry.store(waits=waits).get_manifest("v1") == MADE.document
    assert waits.seconds == [0.25]


@pytest.mark.parametrize(
    "link",
    ["http://127.0.0.1:1/v2/more", "//elsewhere.example/v2/more", "https:///v2/more"],
)
def test_a_list_that_goes_on_elsewhere_is_not_followed(serve: Serve, link: str) -> None:
    page = Say(200, {"Link": f'<{link}>; rel="next"'}, b'{"tags": ["a"]}')
    with pytest.raises(RegistryError, match="goes on at"):
        serve(lambda _: page).store().tags()


def test_a_list_is_followed_page_by_page(serve: Serve) -> None:
    def script(asked: Asked) -> Say:
        if "last" in asked.path:
            return Say(body=b'{"tags": null}')
        link = f'<{ROOT}/tags/list?last=b>; rel="next"'
        return Say(200, {"Link": link}, b'{"tags": ["b", "a"]}')

    assert serve(script).store().tags() == ["a", "b"]


def test_a_list_without_end_is_given_up(serve: Serve) -> None:
    page = Say(200, {"Link": "</v2/more>; rel=next"}, b'{"tags": []}')
    with pytest.raises(RegistryError, match="pages"):
        serve(lambda _: page).store().tags()


def test_tags_without_end_are_given_up_before_they_fill_the_memory(
    serve: Serve,
) -> None:
    many = json.dumps({"tags": ["x"] * 300_000}).encode()
    registry = serve(lambda _: Say(200, {"Link": "</v2/more>; rel=next"}, many))
    with pytest.raises(RegistryError, match="lists over 500000 tags"):
        registry.store().tags()
    assert len(registry.asked) == 2


@pytest.mark.parametrize("filled", ["<", "<a>;", "a"])
def test_a_link_that_would_take_its_pattern_for_ever_is_refused(
    serve: Serve, filled: str
) -> None:
    link = filled * (60_000 // len(filled))
    with pytest.raises(RegistryError, match="a Link of"):
        serve(lambda _: Say(200, {"Link": link}, b'{"tags": []}')).store().tags()


def test_a_challenge_that_would_take_its_pattern_for_ever_is_refused(
    serve: Serve,
) -> None:
    challenge = "Bearer " + "w" * 60_000
    with pytest.raises(RegistryError, match="a WWW-Authenticate of"):
        serve(lambda _: Say(401, {"WWW-Authenticate": challenge})).store().tags()


@pytest.mark.parametrize("told", [str(BLOB.digest), "yes", ""])
def test_a_subject_that_the_registry_did_not_see_is_listed_by_us(
    serve: Serve, told: str
) -> None:
    """Another digest than the subject's is no promise that it will be listed."""
    about = Manifest.build(
        artifact_type="x/y",
        config=Descriptor.of(b"{}", EMPTY_JSON),
        layers=(BLOB,),
        subject=MADE.document.descriptor,
    )
    put: dict[str, bytes] = {}

    def script(asked: Asked) -> Say:
        if asked.method == "PUT":
            put[asked.path] = asked.body
            return Say(201, {"OCI-Subject": told} if told else {})
        listed = put.get(asked.path)
        return Say(404) if listed is None else Say(200, {"Content-Type": INDEX}, listed)

    serve(script).store().put_manifest(about.document)
    tag = f"{ROOT}/manifests/sha256-{MADE.document.descriptor.digest.hex}"
    assert str(about.document.descriptor.digest).encode() in put[tag]


def test_a_blob_of_another_size_is_refused_before_it_is_read(serve: Serve) -> None:
    store = serve(lambda _: Say(body=b"more weights")).store()
    with pytest.raises(ContentError, match="12 bytes, 7 were promised"):
        store.open(BLOB)


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ("bytes 1-3/7", RegistryError),
        ("bytes 2-3/8", ContentError),
        ("2-3/7", RegistryError),
        ("", RegistryError),
    ],
)
def test_another_range_than_was_asked_for_is_refused(
    serve: Serve, told: str, kind: type[Exception]
) -> None:
    store = serve(lambda _: Say(206, {"Content-Range": told}, b"ig")).store()
    with pytest.raises(kind):
        store.open(BLOB, 2, 4)


def test_a_blob_with_another_size_is_not_there(serve: Serve) -> None:
    assert serve(lambda _: Say(200, {"Content-Length": "7"})).store().has(BLOB)
    assert not serve(lambda _: Say(200, {"Content-Length": "8"})).store().has(BLOB)
    assert not serve(lambda _: Say(404)).store().has(BLOB)


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b'{"errors":[{"code":"DENIED","message":"no room"}]}', "DENIED no room"),
        (b'{"errors":[]}', "507"),
        (b'{"errors":"x"}', "507"),
        (b"[]", "507"),
        (b"<html>proxy</html>", "507"),
        (b"\xff\xfe", "507"),
        (b"", "507"),
        (json.dumps({"errors": [{"message": "x" * 9000}]}).encode(), "x" * 300),
    ],
)
def test_an_error_says_what_the_registry_said(
    serve: Serve, body: bytes, shown: str
) -> None:
    with pytest.raises(RegistryError) as caught:
        serve(lambda _: Say(507, body=body)).store().get_manifest("v1")
    assert shown in str(caught.value)
    assert caught.value.status == 507
    assert len(str(caught.value)) < 600


def test_an_error_without_end_is_not_read_for_ever(serve: Serve) -> None:
    with pytest.raises(RegistryError):
        serve(lambda _: Say(507, endless=True)).store().get_manifest("v1")


@pytest.mark.parametrize(
    ("told", "waited"), [("7", 7.0), ("0", 0.25), ("soon", 0.25), ("\xb2", 0.25)]
)
def test_retry_after_is_kept_to(serve: Serve, told: str, waited: float) -> None:
    waits = Waits()
    registry = serve(lambda _: Say())

    def script(_: Asked) -> Say:
        if len(registry.asked) == 1:
            return Say(429, {"Retry-After": told})
        return Say(200, HEADERS, MADE.raw)

    registry.script = script
    registry.store(waits=waits).get_manifest("v1")
    assert waits.seconds == [waited]


@pytest.mark.parametrize("told", ["\xb2", "9" * 5000, "-1", "many"])
def test_a_number_that_is_none_is_no_fault_of_ours(serve: Serve, told: str) -> None:
    begun = Say(202, {"Location": "/up", "OCI-Chunk-Min-Length": told})
    assert serve(lambda _: begun).store().begin().smallest_chunk == 0


def test_a_forbidden_request_is_a_matter_of_the_account(serve: Serve) -> None:
    with pytest.raises(AuthenticationError, match="403"):
        serve(lambda _: Say(403)).store().get_manifest("v1")


def test_an_upload_address_that_names_a_digest_is_refused(serve: Serve) -> None:
    said = Say(202, {"Location": "/up?digest=sha256:00"})
    with pytest.raises(RegistryError, match="already names a digest"):
        serve(lambda _: said).store().put_blob(BLOB, blocks_of(b"weights"))


def test_other_bytes_in_the_registry_are_a_matter_of_content(serve: Serve) -> None:
    def script(asked: Asked) -> Say:
        if asked.method == "POST":
            return Say(202, {"Location": "/up"})
        return Say(400, body=b'{"errors":[{"code":"DIGEST_INVALID"}]}')

    store = serve(script).store()
    with pytest.raises(ContentError):
        store.put_blob(BLOB, blocks_of(b"weights"))
    with pytest.raises(ContentError):
        store.begin().commit(BLOB.digest)


@pytest.mark.parametrize(
    ("detail", "kind"),
    [
        (f"invalid digest, expected: {Digest.of(b'received')}", ContentError),
        (f"unfinished: {BLOB.digest}", RegistryError),
        ("the session is out of step", RegistryError),
        ({"digest": str(Digest.of(b"received"))}, RegistryError),
    ],
)
def test_an_invalid_upload_has_other_bytes_where_it_names_their_digest(
    serve: Serve, detail: object, kind: type[ModelpackError]
) -> None:
    """As olareg does; the same code may mean anything else."""
    error = {"code": "BLOB_UPLOAD_INVALID", "detail": detail}

    def script(asked: Asked) -> Say:
        if asked.method == "POST":
            return Say(202, {"Location": "/up"})
        return Say(400, body=json.dumps({"errors": [error]}).encode())

    store = serve(script).store()
    with pytest.raises(kind):
        store.put_blob(BLOB, blocks_of(b"weights"))
    with pytest.raises(kind):
        store.begin().commit(BLOB.digest)


def test_only_an_unknown_repository_has_no_tags(serve: Serve) -> None:
    unknown = Say(404, body=b'{"errors":[{"code":"NAME_UNKNOWN"}]}')
    assert serve(lambda _: unknown).store().tags() == []
    with pytest.raises(NotFound):
        serve(lambda _: Say(404)).store().tags()


def test_a_list_of_referrers_is_no_tag(serve: Serve) -> None:
    fallback = f"sha256-{BLOB.digest.hex}"
    listed = ["v1", fallback, f"{fallback}.sig", "sha256-short"]
    page = Say(body=json.dumps({"tags": listed}).encode())
    found = serve(lambda _: page).store().tags()
    assert found == sorted({*listed} - {fallback})


def test_on_loopback_https_is_tried_first_then_http(serve: Serve) -> None:
    registry = serve(lambda _: Say())
    http = Http(Repository(registry.host, "x"), Connecting(), Login())
    assert http.base == registry.url
    http.ping()
    assert registry.paths() == ["/v2/"]


def test_elsewhere_there_is_no_http_without_the_flag() -> None:
    place = Repository("registry.example.com", "x")
    assert Http(place, Connecting(), Login()).base == "https://registry.example.com"
    plain = Http(place, Connecting(plain_http=True), Login())
    assert plain.base == "http://registry.example.com"


def test_the_program_says_who_it_is_and_no_more(serve: Serve) -> None:
    registry = serve(lambda _: Say())
    Http(
        Repository(registry.host, "x"),
        Connecting(plain_http=True, user_agent="modelpack/0"),
        Login(),
    ).call(Request(method="GET", url="/v2/"))
    assert set(registry.asked[0].headers) == {"host", "user-agent", "accept-encoding"}
    assert registry.asked[0].headers["user-agent"] == "modelpack/0"


def test_a_name_that_does_not_resolve_is_not_waited_for() -> None:
    # RFC 6761, 6.4: "invalid" names do not exist, which needs no network to know;
    # a resolver that cannot be reached may say that it does not know now.
    place = Repository("registry.invalid", "x")
    with pytest.raises(RegistryError) as failed:
        Http(place, Connecting(), Login()).ping()
    if "resolve" not in failed.value.message:
        pytest.skip("the resolver of this machine does not answer")
    waits = Waits()
    with pytest.raises(RegistryError, match="does not resolve"):
        patience(waits=waits).run(Http(place, Connecting(), Login()).ping)
    assert not waits.seconds

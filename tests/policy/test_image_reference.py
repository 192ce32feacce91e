"""References of images are read as go-containerregistry's `pkg/name` reads them."""

import re

import pytest

from modelpack.errors import InvalidInput
from modelpack.policy.image_reference import ImageReference

HEX = "a" * 64


@pytest.mark.parametrize(
    ("text", "registry", "repository", "tag", "digest"),
    [
        ("nginx", "index.docker.io", "library/nginx", "latest", None),
        ("docker.io/nginx:1", "index.docker.io", "library/nginx", "1", None),
        ("ghcr.io/a/b:v1", "ghcr.io", "a/b", "v1", None),
        ("localhost/ab", "localhost", "ab", "latest", None),
        ("127.0.0.1:5000/ab/c:x", "127.0.0.1:5000", "ab/c", "x", None),
        ("[::1]:5000/ab", "[::1]:5000", "ab", "latest", None),
        ("org/model", "index.docker.io", "org/model", "latest", None),
        (f"ghcr.io/a/b@sha256:{HEX}", "ghcr.io", "a/b", "", f"sha256:{HEX}"),
        (f"ghcr.io/a/b:v1@sha256:{HEX}", "ghcr.io", "a/b", "", f"sha256:{HEX}"),
        (f"r.io:5000/a/b@sha256:{HEX}", "r.io:5000", "a/b", "", f"sha256:{HEX}"),
        ("a.b/c/d/e_f--g", "a.b", "c/d/e_f--g", "latest", None),
    ],
)
def test_parts_of_a_reference(
    text: str, registry: str, repository: str, tag: str, digest: str | None
) -> None:
    found = ImageReference.parse(text)
    assert (found.registry, found.repository, found.tag) == (registry, repository, tag)
    assert found.identifier == (digest or tag)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "1 to 1024 characters"),
        ("x" * 1025, "1 to 1024 characters"),
        ("ghcr.io/x:1", "names no image"),
        ("x", "names no image"),
        ("ghcr.io/A/b", "names no image"),
        ("ghcr.io/a/b:", "no tag behind the colon"),
        ("ghcr.io/a/b:v1:v2", "names no image"),
        ("ghcr.io/a/b:sp ace", "no tag"),
        (f"ghcr.io/a/b:{'t' * 129}", "no tag"),
        ("ghcr.io/a/b@sha256:abc", "not a digest"),
        (f"ghcr.io/a/b@sha512:{HEX}{HEX}", "only digests of SHA-256"),
        (f"ghcr.io/a/b@sha256:{HEX}@sha256:{HEX}", "not a digest"),
        ("user@host/a/b", "not a digest"),
        ("gh cr.io/a/b", "no registry's host"),
    ],
)
def test_what_names_no_image_is_refused(text: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(reason)):
        ImageReference.parse(text)

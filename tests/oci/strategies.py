"""Values of the vocabulary, as hypothesis draws them."""

from __future__ import annotations

import string

from hypothesis import strategies as st

from modelpack.oci.descriptor import Descriptor
from modelpack.oci.digest import Digest

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)

digests = st.builds(Digest.of, st.binary(max_size=64)) | st.builds(
    lambda text: Digest("sha512", text),
    st.text(alphabet="0123456789abcdef", min_size=128, max_size=128),
)

media_types = st.from_regex(r"[a-z]{1,12}/[a-z0-9][a-z0-9.+-]{0,30}", fullmatch=True)

annotation_maps = st.dictionaries(
    st.text(max_size=12), st.text(max_size=12), max_size=3
)

descriptors = st.builds(
    Descriptor,
    media_type=media_types,
    digest=digests,
    size=st.integers(0, (1 << 63) - 1),
    artifact_type=st.just("") | media_types,
    annotations=annotation_maps,
)

tags = st.from_regex(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}", fullmatch=True)

_parts = st.from_regex(
    r"[a-z0-9]{1,8}((\.|_|__|-{1,3})[a-z0-9]{1,8}){0,2}", fullmatch=True
)
names = st.lists(_parts, min_size=1, max_size=4).map("/".join)

hosts = st.sampled_from(
    [
        "localhost",
        "localhost:5000",
        "127.0.0.1:5000",
        "[::1]:5000",
        "registry.example.com",
        "registry.example.com:8443",
        "a:1",
    ]
)

paths = st.text(
    alphabet=string.ascii_letters + string.digits + "/._- ", min_size=1, max_size=30
)

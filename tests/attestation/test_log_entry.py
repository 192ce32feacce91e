"""Proofs of inclusion, held to an independent implementation of RFC 6962."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpack.attestation.log_entry import Checkpoint, InclusionProof, check_inclusion
from modelpack.errors import InvalidInput, VerificationError
from tests.sigstore.log import leaf, path_of, root_of

MOST = 70


def proof(index: int, size: int) -> tuple[bytes, InclusionProof]:
    bodies = [f"entry {number}".encode() for number in range(size)]
    leaves = [leaf(body) for body in bodies]
    return bodies[index], InclusionProof(
        index=index,
        size=size,
        root=root_of(leaves),
        hashes=tuple(path_of(index, leaves)),
        checkpoint="",
    )


@pytest.mark.parametrize("size", range(1, MOST))
def test_every_entry_of_a_tree_is_in_it(size: int) -> None:
    for index in range(size):
        check_inclusion(*proof(index, size))


@st.composite
def spoiled(draw: st.DrawFn) -> tuple[bytes, InclusionProof]:
    """A true proof with one thing in it changed."""
    size = draw(st.integers(2, MOST))
    index = draw(st.integers(0, size - 1))
    body, good = proof(index, size)
    what = draw(st.sampled_from(["body", "root", "hash", "index", "short", "long"]))
    hashes, root = list(good.hashes), good.root
    flip = draw(st.integers(0, 255))
    if what == "body":
        body += b"x"
    elif what == "root":
        root = _flipped(root, flip)
    elif what == "hash":
        at = draw(st.integers(0, len(hashes) - 1))
        hashes[at] = _flipped(hashes[at], flip)
    elif what == "index":
        index = draw(st.integers(0, size + 2).filter(lambda other: other != index))
    elif what == "short":
        hashes.pop()
    else:
        hashes.append(bytes(32))
    return body, InclusionProof(
        index=index, size=size, root=root, hashes=tuple(hashes), checkpoint=""
    )


def _flipped(content: bytes, bit: int) -> bytes:
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@given(spoiled())
def test_a_changed_proof_proves_nothing(case: tuple[bytes, InclusionProof]) -> None:
    with pytest.raises(VerificationError):
        check_inclusion(*case)


def test_a_hash_of_another_length_is_refused() -> None:
    body, good = proof(0, 2)
    short = InclusionProof(
        index=0, size=2, root=good.root, hashes=(b"short",), checkpoint=""
    )
    with pytest.raises(VerificationError, match="32 bytes"):
        check_inclusion(body, short)


NOTE = "log.test\n7\nAAAA\n\n\u2014 log.test AQIDBAUG\n"


def test_a_checkpoint_is_taken_apart() -> None:
    found = Checkpoint.parse(NOTE)
    assert (found.origin, found.size, found.root) == ("log.test", 7, b"\0\0\0")
    assert found.signed == b"log.test\n7\nAAAA\n"
    assert found.signatures == ((b"\1\2\3\4", b"\5\6"),)


BROKEN = {
    "empty": "",
    "no signature part": "log.test\n7\nAAAA\n",
    "too few lines": "log.test\n7\n\n\u2014 log.test AQIDBAUG\n",
    "a size that is none": NOTE.replace("\n7\n", "\nseven\n"),
    "a negative size": NOTE.replace("\n7\n", "\n-7\n"),
    "a root that is not base64": NOTE.replace("AAAA", "A!AA"),
    "another dash": NOTE.replace("\u2014", "-"),
    "a signature that is not base64": NOTE.replace("AQIDBAUG", "A!"),
    "too many signatures": NOTE + "\u2014 log.test AQIDBAUG\n" * 100,
}


@pytest.mark.parametrize("note", BROKEN.values(), ids=BROKEN.keys())
def test_a_checkpoint_that_is_none_is_refused(note: str) -> None:
    with pytest.raises(InvalidInput):
        Checkpoint.parse(note)

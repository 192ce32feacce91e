"""NaCl's secretbox: XSalsa20 and Poly1305, for key files of a few hundred bytes.

D. J. Bernstein, "Extending the Salsa20 nonce" and "Cryptography in NaCl". Poly1305
is ``cryptography``'s. The stream is computed in plain Python, whose time may depend
on what it computes; it runs where the password is typed, on a key read from a file.
"""

from __future__ import annotations

import struct
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.poly1305 import Poly1305

from modelpack.errors import VerificationError

NONCE: Final = 24
KEY: Final = 32
_TAG: Final = 16
_BLOCK: Final = 64
_WORD: Final = 0xFFFFFFFF
_CONSTANT: Final = struct.unpack("<4I", b"expand 32-byte k")
_QUARTERS: Final = (
    *((0, 4, 8, 12), (5, 9, 13, 1), (10, 14, 2, 6), (15, 3, 7, 11)),  # columns
    *((0, 1, 2, 3), (5, 6, 7, 4), (10, 11, 8, 9), (15, 12, 13, 14)),  # rows
)
_HSALSA_WORDS: Final = (0, 5, 10, 15, 6, 7, 8, 9)


def seal(key: bytes, nonce: bytes, message: bytes) -> bytes:
    """Encrypt and authenticate; the nonce may be used only once with a key."""
    stream = _stream(key, nonce, KEY + len(message))
    box = _xor(message, stream[KEY:])
    return Poly1305.generate_tag(stream[:KEY], box) + box


def unseal(key: bytes, nonce: bytes, sealed: bytes) -> bytes:
    """Check and decrypt; ``VerificationError`` if the key is not the right one."""
    tag, box = sealed[:_TAG], sealed[_TAG:]
    stream = _stream(key, nonce, KEY + len(box))
    try:
        Poly1305.verify_tag(stream[:KEY], box, tag)
    except InvalidSignature as error:
        raise VerificationError("the box was sealed with another key") from error
    return _xor(box, stream[KEY:])


def _stream(key: bytes, nonce: bytes, length: int) -> bytes:
    mixed = _rounds(_state(key, nonce[:16]))
    subkey = struct.pack("<8I", *(mixed[i] for i in _HSALSA_WORDS))
    out = bytearray()
    for counter in range(-(-length // _BLOCK)):
        state = _state(subkey, nonce[16:] + struct.pack("<Q", counter))
        pairs = zip(_rounds(state), state, strict=True)
        out += struct.pack("<16I", *((a + b) & _WORD for a, b in pairs))
    return bytes(out[:length])


def _state(key: bytes, block: bytes) -> list[int]:
    words, inner = struct.unpack("<8I", key), struct.unpack("<4I", block)
    a, b, c, d = _CONSTANT
    return [a, *words[:4], b, *inner, c, *words[4:], d]


def _rounds(state: list[int]) -> list[int]:
    x = list(state)
    for _ in range(10):
        for a, b, c, d in _QUARTERS:
            x[b] ^= _turned(x[a] + x[d], 7)
            x[c] ^= _turned(x[b] + x[a], 9)
            x[d] ^= _turned(x[c] + x[b], 13)
            x[a] ^= _turned(x[d] + x[c], 18)
    return x


def _turned(value: int, bits: int) -> int:
    value &= _WORD
    return ((value << bits) & _WORD) | (value >> (32 - bits))


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))

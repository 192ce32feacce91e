"""References of images, and what they are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from modelpack.errors import InvalidInput
from modelpack.policy.cel.errors import CelError
from modelpack.policy.cel.functions import Function, function, member
from modelpack.policy.cel.types import BOOL, STRING, opaque
from modelpack.policy.cel.values import Opaque
from modelpack.policy.image_reference import ImageReference

__all__ = ["FUNCTIONS"]

IMAGE: Final = opaque("kyverno.image")


def _parse(text: str) -> ImageReference:
    try:
        return ImageReference.parse(text)
    except InvalidInput as error:
        raise CelError(f"could not parse reference: {error.message}") from error


def _image(text: str) -> Opaque:
    _parse(text)
    return Opaque(IMAGE.name, text)


def _is_image(text: str) -> bool:
    try:
        ImageReference.parse(text)
    except InvalidInput:
        return False
    return True


def _part(read: Callable[[ImageReference], str]) -> Callable[[Opaque], str]:
    return lambda image: read(_parse(image.text))


FUNCTIONS: Final[tuple[Function, ...]] = (
    function("parseImageReference", (STRING,), IMAGE, _image),
    # Its name before 1.18.
    function("image", (STRING,), IMAGE, _image),
    function("isImage", (STRING,), BOOL, _is_image),
    member("registry", (IMAGE,), STRING, _part(lambda image: image.registry)),
    member("repository", (IMAGE,), STRING, _part(lambda image: image.repository)),
    member("identifier", (IMAGE,), STRING, _part(lambda image: image.identifier)),
    member("tag", (IMAGE,), STRING, _part(lambda image: image.tag)),
    member(
        "digest",
        (IMAGE,),
        STRING,
        _part(lambda image: str(image.digest) if image.digest else ""),
    ),
    member(
        "containsDigest",
        (IMAGE,),
        BOOL,
        lambda image: _parse(image.text).digest is not None,
    ),
)

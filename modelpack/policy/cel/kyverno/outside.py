"""What Kyverno offers and modelpack refuses: by name, before anything is evaluated."""

from __future__ import annotations

from typing import Final

from modelpack.policy.cel.functions import Function, refused

__all__ = ["CERTIFICATES", "FUNCTIONS"]

_CALLS: Final = "a verdict here calls no other service"
_CLUSTER: Final = "there is no cluster to ask where a model is pulled"
_CHANCE: Final = "two looks at one model must come to one verdict"
_ZEROS: Final = "the CEL library cuts bytes at a zero"
_RSA: Final = "write the certificate's fields into a signed statement instead"

FUNCTIONS: Final[tuple[Function, ...]] = (
    *(refused(f"http.{name}", _CALLS, most=2) for name in ("Get", "get")),
    *(refused(f"http.{name}", _CALLS, most=3) for name in ("Post", "post")),
    *(refused(f"http.{name}", _CALLS, most=1) for name in ("Client", "client")),
    *(
        refused(f"resource.{name}", _CLUSTER, most=4)
        for name in ("Get", "get", "List", "list", "Post", "post")
    ),
    *(refused(f"resource.{name}", _CLUSTER, most=2) for name in ("ToGVR", "toGVR")),
    *(refused(f"globalContext.{name}", _CLUSTER, most=2) for name in ("Get", "get")),
    *(refused(name, _CHANCE, most=1) for name in ("random", "random.random")),
    *(refused(f"gzip.{name}", _ZEROS, most=1) for name in ("compress", "decompress")),
)
CERTIFICATES: Final[tuple[Function, ...]] = (refused("x509.decode", _RSA, most=1),)

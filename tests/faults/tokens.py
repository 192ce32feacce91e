"""Bearer tokens that soon expire: who gives them, and the fault that asks for them."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tests.faults.faults import Answer, Fault, Head
from tests.token_server import Asked, token_server

USER, PASSWORD = "someone", "secret"


class Tokens(Fault):
    """Asks for a token with every request; each is good for ``uses`` of them."""

    def __init__(self, uses: int, *, revoked: bool = False) -> None:
        self.issued = 0
        self.revoked = revoked
        self.realm = ""
        self._uses = uses
        self._left: dict[str, int] = {}
        self._lock = threading.Lock()

    def before(self, request: Head) -> Answer | None:
        with self._lock:
            shown = request.get("Authorization").removeprefix("Bearer ")
            left = self._left.get(shown, 0)
            if left:
                self._left[shown] = left - 1
                return None
        challenge = f'Bearer realm="{self.realm}",service="test",scope="any"'
        return Answer(401, {"WWW-Authenticate": challenge})

    def issue(self, asked: Asked) -> Mapping[str, str | int] | None:
        """Give a new token to who shows the right password."""
        with self._lock:
            known = asked.shows(USER, PASSWORD)
            if not known or (self.revoked and self.issued):
                return None
            self.issued += 1
            token = f"token-{self.issued}"
            self._left[token] = self._uses
            return {"token": token}


@contextmanager
def tokens(uses: int, *, revoked: bool = False) -> Iterator[Tokens]:
    """Serve tokens; when ``revoked``, only the first."""
    made = Tokens(uses, revoked=revoked)
    with token_server(made) as made.realm:
        yield made

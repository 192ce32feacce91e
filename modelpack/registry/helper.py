"""Docker's credential helpers: programs that keep logins, named in its config."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping

from modelpack.errors import InvalidInput, LocalError
from modelpack.oci.fields import Fields

# docker-credential-helpers, credentials/error.go: how each helper says "none".
_NOT_FOUND = b"credentials not found"


class Helper:
    """One credential helper: ``docker-credential-NAME``."""

    def __init__(self, name: str) -> None:
        self.program = f"docker-credential-{name}"

    @classmethod
    def of(cls, config: Mapping[str, object], host: str) -> Helper | None:
        """Return the helper that a config names for a host, if it names one."""
        helpers = config.get("credHelpers")
        own = helpers.get(host) if isinstance(helpers, dict) else None
        found = own or config.get("credsStore") or ""
        if not isinstance(found, str) or (
            found and not found.replace("-", "").replace("_", "").isalnum()
        ):
            raise InvalidInput(f"not the name of a credential helper: {found!r}")
        return cls(found) if found else None

    def store(self, host: str, username: str, password: str) -> None:
        secret = {"ServerURL": host, "Username": username, "Secret": password}
        self._ask("store", json.dumps(secret))

    def erase(self, host: str) -> None:
        self._ask("erase", host)

    def get(self, host: str) -> tuple[str, str] | None:
        """Return a name and a secret; None if it keeps none for this host."""
        try:
            answer = Fields.of_json(self._ask("get", host), where=self.program)
        except _Nothing:
            return None
        return answer.text("Username"), answer.text("Secret")

    def _ask(self, verb: str, text: str) -> bytes:
        try:
            ran = subprocess.run(  # noqa: S603 - the program that the user's config names
                [self.program, verb],
                input=text.encode(),
                check=False,
                capture_output=True,
            )
        except OSError as error:
            raise LocalError(
                f"could not {verb} the login: {error.strerror}",
                where=self.program,
                hint="docker's config names this helper: install it, or take it out",
            ) from error
        if ran.returncode:
            if verb == "get" and _NOT_FOUND in ran.stdout + ran.stderr:
                raise _Nothing
            raise LocalError(
                f"could not {verb} the login: exit {ran.returncode}", where=self.program
            )
        return ran.stdout


class _Nothing(Exception):
    """The helper keeps no login for the host."""

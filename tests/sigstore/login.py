"""How a person logs in: OAuth 2.0 with a code, bound to whoever asked (RFC 7636)."""

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlencode, urlsplit


@dataclass
class Login:
    """Lets everybody be ``person``. ``refuses`` and ``forgets`` are its faults."""

    person: str = "anna@example.com"
    refuses: bool = False
    forgets: bool = False
    """Answers with a state that is not the one that was asked with."""
    _challenges: dict[str, str] = field(default_factory=dict)

    def answer(self, path: str) -> str:
        """Return where the browser is sent: back to whoever wants to know."""
        asked = {key: value for key, (value,) in parse_qs(urlsplit(path).query).items()}
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        if self.refuses:
            return f"{asked['redirect_uri']}?error=access_denied"
        code = secrets.token_urlsafe()
        self._challenges[code] = asked["code_challenge"]
        state = "of another" if self.forgets else asked["state"]
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': state})}"

    def exchange(self, body: bytes) -> str:
        """Return who it is, to whoever knows the secret behind the challenge."""
        sent = {key: value for key, (value,) in parse_qs(body.decode()).items()}
        digest = hashlib.sha256(sent["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        assert self._challenges.pop(sent["code"]) == challenge
        return self.person

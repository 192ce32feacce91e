"""An OpenID Connect issuer: it vouches for people, and for the workflows of a CI."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT = "sigstore"
_KEY_ID = "1"
_LIFETIME = 600  # seconds
_DISCOVERY = "/.well-known/openid-configuration"
_NO_COMMIT = "0" * 40


@dataclass(frozen=True, slots=True)
class Issuer:
    """Two issuers below one address, since Fulcio has one kind of identity for each.

    Tokens are signed with RS256: `cosign --identity-token` takes a token with any
    other algorithm for the name of a file.
    """

    url: str
    _key: rsa.RSAPrivateKey = field(repr=False)

    @classmethod
    def make(cls, url: str) -> Self:
        return cls(url, rsa.generate_private_key(public_exponent=65537, key_size=2048))

    @property
    def people(self) -> str:
        """The issuer of mail addresses."""
        return f"{self.url}/people"

    @property
    def workflows(self) -> str:
        """The issuer of workflows, with the claims of GitHub's."""
        return f"{self.url}/workflows"

    def token(self, email: str) -> str:
        """Vouch for an address; Fulcio refuses one that is not marked as verified."""
        claims = {"sub": email, "email": email, "email_verified": True}
        return self._signed(self.people, claims)

    def ci_token(self, repository: str) -> str:
        """Vouch for a workflow. Fulcio wants every one of these claims, as a string."""
        reference = "refs/heads/main"
        workflow = f"{repository}/.github/workflows/train.yml@{reference}"
        claims = {
            "sub": f"repo:{repository}:ref:{reference}",
            "job_workflow_ref": workflow,
            "job_workflow_sha": _NO_COMMIT,
            "workflow_ref": workflow,
            "workflow_sha": _NO_COMMIT,
            "workflow": "train.yml",
            "sha": _NO_COMMIT,
            "ref": reference,
            "event_name": "push",
            "repository": repository,
            "repository_id": "1",
            "repository_owner": repository.partition("/")[0],
            "repository_owner_id": "2",
            "repository_visibility": "private",
            "runner_environment": "self-hosted",
            "run_id": "3",
            "run_attempt": "1",
        }
        return self._signed(self.workflows, claims)

    def ci_identity(self, repository: str) -> str:
        """Return the identity that Fulcio makes of a token for `repository`."""
        workflow = f"{repository}/.github/workflows/train.yml"
        return f"https://github.com/{workflow}@refs/heads/main"

    def answer(self, path: str) -> object:
        """Answer what Fulcio asks before it trusts a token; None for anything else."""
        if path == "/keys":
            key = jwt.algorithms.RSAAlgorithm.to_jwk(
                self._key.public_key(), as_dict=True
            )
            return {"keys": [{**key, "kid": _KEY_ID, "alg": "RS256", "use": "sig"}]}
        issuer = f"{self.url}{path.removesuffix(_DISCOVERY)}"
        if not path.endswith(_DISCOVERY) or issuer not in (self.people, self.workflows):
            return None
        return {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/auth",
            "token_endpoint": f"{issuer}/token",
            "jwks_uri": f"{self.url}/keys",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def _signed(self, issuer: str, claims: Mapping[str, object]) -> str:
        now = int(time.time())
        about = {"iss": issuer, "aud": CLIENT, "iat": now, "exp": now + _LIFETIME}
        return jwt.encode({**about, **claims}, self._key, "RS256", {"kid": _KEY_ID})

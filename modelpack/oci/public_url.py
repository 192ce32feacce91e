"""Addresses as they may be shown: without a login, a token, or anything behind them."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from modelpack.errors import InvalidInput

__all__ = ["public_url"]


def public_url(url: str, where: str) -> str:
    """Return a URL, or git's ``user@host:path``, without what could be a secret.

    User, password, query and fragment are left out. Raises ``InvalidInput``, which
    does not repeat it, where it cannot be told what is a secret.
    """
    if "://" not in url:
        if "::" in url:
            raise InvalidInput("is a command of git's, not a URL", where=where)
        user, at, rest = url.rpartition("@")
        return rest if ":" in user else f"{user}{at}{rest}"
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        _ = parts.port  # a password with a slash in it looks like a port
    except ValueError as error:
        raise InvalidInput("is no URL", where=where) from error
    if "@" in parts.path and "@" not in parts.netloc:
        raise InvalidInput("has a login that cannot be told apart", where=where)
    return urlunsplit((parts.scheme, host, parts.path, "", ""))

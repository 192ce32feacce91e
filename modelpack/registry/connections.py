"""Connections: kept open, by TLS or not, straight or through a proxy."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]

import urllib3

from modelpack.errors import InvalidInput
from modelpack.oci.public_url import public_url
from modelpack.oci.reference import Repository
from modelpack.registry.tls import ReadAheadContext

_CONNECT_SECONDS: Final = 3
_SHAKE_SECONDS: Final = 10
_HTTPS: Final = 443
_PROXIES: Final = ("http", "https")  # the kinds of proxy that are spoken to


@dataclass(frozen=True, slots=True, kw_only=True)
class Connecting:
    """How to reach a registry: what the command line and the environment say.

    ``proxies`` maps a scheme to a proxy's URL, and ``no`` to hosts without one.
    """

    plain_http: bool = False
    ca: Path | None = None
    client_certificate: Path | None = None
    client_key: Path | None = None
    proxies: Mapping[str, str] = field(default_factory=dict)
    user_agent: str = "modelpack"
    connections: int = 16


class Connections:
    """Hands out the pool of connections that leads to an address."""

    def __init__(self, connecting: Connecting) -> None:
        self._connecting = connecting
        self._pools: dict[tuple[str, str], urllib3.PoolManager] = {}

    def to(self, url: str) -> urllib3.PoolManager:
        """Return the pool for an address: through a proxy, if one is on the way."""
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        proxy = proxy_for(parts.scheme, host, self._connecting.proxies)
        way = (proxy, parts.scheme)
        if way not in self._pools:
            self._pools[way] = self._pool(*way)
        return self._pools[way]

    def close(self) -> None:
        """Close every idle connection."""
        for pool in self._pools.values():
            pool.clear()

    def _pool(self, proxy: str, scheme: str) -> urllib3.PoolManager:
        most = self._connecting.connections
        # Not where there is no TLS: to load the system's authorities takes 25 ms.
        encrypted = "https" in (scheme, urlsplit(proxy).scheme)
        context = self._trusting if encrypted else None
        if not proxy:
            return urllib3.PoolManager(maxsize=most, ssl_context=context, block=False)
        parts = urlsplit(proxy)
        login = ":".join(map(unquote, (parts.username or "", parts.password or "")))
        return urllib3.ProxyManager(
            parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl(),
            proxy_headers=urllib3.make_headers(
                proxy_basic_auth=login if parts.username else None
            ),
            maxsize=most,
            ssl_context=context,
            block=False,
        )

    @cached_property
    def _trusting(self) -> ssl.SSLContext:
        context = ReadAheadContext.default()
        ca, mine = self._connecting.ca, self._connecting.client_certificate
        try:
            if ca:
                context.load_verify_locations(cafile=str(ca))
            if mine:
                context.load_cert_chain(mine, self._connecting.client_key)
        except OSError as error:  # an SSLError is one
            where = ", ".join(str(file) for file in (ca, mine) if file)
            raise InvalidInput(f"not certificates: {error}", where=where) from error
        return context


def speaks_tls(host: str) -> bool:
    """Whether a server on this machine answers to TLS. Nothing is sent to it.

    Nothing is believed of it either: whoever goes on checks its certificate.
    """
    parts = urlsplit(f"https://{host}")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        address = (parts.hostname or "", parts.port or _HTTPS)
        with socket.create_connection(address, timeout=_CONNECT_SECONDS) as plain:
            # A server without TLS may wait for the rest of a request line.
            plain.settimeout(_SHAKE_SECONDS)
            context.wrap_socket(plain, server_hostname=parts.hostname).close()
    except OSError:  # an SSLError is one
        return False
    return True


def proxy_for(scheme: str, host: str, proxies: Mapping[str, str]) -> str:
    """Return the URL of the proxy on the way to ``host[:port]``; "" for none."""
    proxy = proxies.get(scheme) or proxies.get("all") or ""
    if not proxy or _bypasses(host, proxies):
        return ""
    if "://" not in proxy:
        proxy = f"http://{proxy}"  # as curl takes it
    parts = urlsplit(proxy)
    if parts.scheme not in _PROXIES or not parts.hostname:
        named = f"{scheme.upper()}_PROXY"
        raise InvalidInput(
            f"{public_url(proxy, named)!r} is no proxy that modelpack can use",
            where=named,
            hint="http://HOST:PORT or https://HOST:PORT",
        )
    return proxy


def _bypasses(host: str, proxies: Mapping[str, str]) -> bool:
    """Whether ``host[:port]`` is reached without a proxy: NO_PROXY, or loopback."""
    return Repository(host, "x").is_loopback or bool(
        proxy_bypass_environment(host, dict(proxies))
    )

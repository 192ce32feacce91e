"""Addresses and networks of IP, as Go's net/netip reads them."""

from __future__ import annotations

import ipaddress
import re
from typing import Final, TypeAlias

from modelpack.policy.cel.errors import CelError
from modelpack.policy.cel.functions import Function, function, member
from modelpack.policy.cel.types import BOOL, INT, STRING, opaque
from modelpack.policy.cel.values import Opaque

__all__ = ["FUNCTIONS"]

IP: Final = opaque("net.IP")
CIDR: Final = opaque("net.CIDR")

_Address: TypeAlias = "ipaddress.IPv4Address | ipaddress.IPv6Address"
_Interface: TypeAlias = "ipaddress.IPv4Interface | ipaddress.IPv6Interface"

_LENGTH: Final = re.compile(r"0|[1-9][0-9]{0,2}", re.ASCII)
_BROADCAST: Final = ipaddress.ip_address("255.255.255.255")
_LOCAL_MULTICAST: Final = ipaddress.ip_network("224.0.0.0/24")


def _address(text: str) -> _Address:
    try:
        address = ipaddress.ip_address(text)
    except ValueError as error:
        raise CelError(f"{text[:100]!r} is no IP address") from error
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None or "%" in text:
            raise CelError(f"IP address {text[:100]!r} with zone value is not allowed")
        if address.ipv4_mapped is not None:
            raise CelError(f"IPv4-mapped IPv6 address {text[:100]!r} is not allowed")
    return address


def _interface(text: str) -> _Interface:
    address, slash, length = text.rpartition("/")
    if not slash or not _LENGTH.fullmatch(length):
        raise CelError(f"{text[:100]!r} is no network address")
    found = _address(address)
    if int(length) > found.max_prefixlen:
        raise CelError(f"{text[:100]!r}: the prefix is too long")
    return ipaddress.ip_interface(f"{found}/{length}")


def _ip(text: str) -> Opaque:
    return Opaque(IP.name, str(_address(text)))


def _cidr(text: str) -> Opaque:
    return Opaque(CIDR.name, str(_interface(text)))


def _is_ip(text: str) -> bool:
    try:
        _address(text)
    except CelError:
        return False
    return True


def _is_cidr(text: str) -> bool:
    try:
        _interface(text)
    except CelError:
        return False
    return True


def _is_canonical(text: str) -> bool:
    return str(_address(text)) == text


def _is_local_multicast(ip: Opaque) -> bool:
    address = _address(ip.text)
    if isinstance(address, ipaddress.IPv4Address):
        return address in _LOCAL_MULTICAST
    return address.packed[0] == 0xFF and address.packed[1] & 0x0F == 0x02  # noqa: PLR2004


def _is_global_unicast(ip: Opaque) -> bool:
    address = _address(ip.text)
    return not (
        address == _BROADCAST
        or address.is_unspecified
        or address.is_loopback
        or address.is_multicast
        or address.is_link_local
    )


def _contains_address(cidr: Opaque, address: _Address) -> bool:
    return address in _interface(cidr.text).network


def _contains_network(cidr: Opaque, other: str) -> bool:
    outer, inner = _interface(cidr.text).network, _interface(other).network
    return (
        outer.version == inner.version
        and outer.prefixlen <= inner.prefixlen
        and inner.network_address in outer
    )


FUNCTIONS: Final[tuple[Function, ...]] = (
    function("ip", (STRING,), IP, _ip),
    function("isIP", (STRING,), BOOL, _is_ip),
    function("ip.isCanonical", (STRING,), BOOL, _is_canonical),
    function("string", (IP,), STRING, lambda ip: ip.text),
    member("family", (IP,), INT, lambda ip: _address(ip.text).version),
    member("isUnspecified", (IP,), BOOL, lambda ip: _address(ip.text).is_unspecified),
    member("isLoopback", (IP,), BOOL, lambda ip: _address(ip.text).is_loopback),
    member("isLinkLocalMulticast", (IP,), BOOL, _is_local_multicast),
    member(
        "isLinkLocalUnicast", (IP,), BOOL, lambda ip: _address(ip.text).is_link_local
    ),
    member("isGlobalUnicast", (IP,), BOOL, _is_global_unicast),
    function("cidr", (STRING,), CIDR, _cidr),
    function("isCIDR", (STRING,), BOOL, _is_cidr),
    function("string", (CIDR,), STRING, lambda cidr: cidr.text),
    member(
        "containsIP",
        (CIDR, STRING),
        BOOL,
        lambda cidr, text: _contains_address(cidr, _address(text)),
    ),
    member(
        "containsIP",
        (CIDR, IP),
        BOOL,
        lambda cidr, ip: _contains_address(cidr, _address(ip.text)),
    ),
    member("containsCIDR", (CIDR, STRING), BOOL, _contains_network),
    member(
        "containsCIDR",
        (CIDR, CIDR),
        BOOL,
        lambda cidr, other: _contains_network(cidr, other.text),
    ),
    member("ip", (CIDR,), IP, lambda cidr: _ip(str(_interface(cidr.text).ip))),
    member(
        "prefixLength",
        (CIDR,),
        INT,
        lambda cidr: _interface(cidr.text).network.prefixlen,
    ),
    member(
        "masked", (CIDR,), CIDR, lambda cidr: _cidr(str(_interface(cidr.text).network))
    ),
)

"""Which addresses the hub connects to when somebody else names them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
"""RFC 6052 §2.1 and RFC 8215: the last 32 bits are an IPv4 address, where it is a /96 of the second one as well."""
_COMPATIBLE = IPv6Network("::/96")
"""RFC 4291 §2.5.5.1."""


def networks_of(names: Iterable[str]) -> Sequence[Network]:
    """Raises `ValueError` for what names no network."""
    return [ip_network(name) for name in names]


def is_open(text: str, allowed: Sequence[Network], *, public: bool) -> bool:
    """Whether to connect to this address: to allowed networks, and where `public` to public addresses.

    An IPv4 address inside an IPv6 one has to be open itself: that is where it leads.
    """
    address = ip_address(text.partition("%")[0])
    within: list[Address] = [*_inside(address)] or [address]
    return all(_is_allowed(each, allowed) or (public and _is_public(each)) for each in within)


def _is_allowed(address: Address, allowed: Sequence[Network]) -> bool:
    return any(address.version == network.version and address in network for network in allowed)


def _is_public(address: Address) -> bool:
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not address.is_unspecified
        and not address.is_loopback
        and not address.is_link_local
    )


def _inside(address: Address) -> Iterable[IPv4Address]:
    """The IPv4 addresses that an IPv6 address carries."""
    if isinstance(address, IPv4Address):
        return
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    elif address.sixtofour is not None:
        yield address.sixtofour
    elif address.teredo is not None:
        yield from address.teredo
    elif any(address in network for network in (*_NAT64, _COMPATIBLE)) and int(address) > 1:
        yield IPv4Address(int(address) & 0xFFFF_FFFF)

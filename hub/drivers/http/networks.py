"""Which addresses the hub connects to when somebody else names them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NAT64 = IPv6Network("64:ff9b::/96")
"""RFC 6052 §2.1: the last 32 bits are an IPv4 address."""
_NEVER_PUBLIC = (IPv6Network("fec0::/10"), IPv6Network("64:ff9b:1::/48"), IPv6Network("3fff::/20"))
"""Site-local (RFC 3879), local NAT64 (RFC 8215; where the IPv4 address stands is known there alone), documentation
(RFC 9637)."""
_ISATAP = frozenset({0x0000_5EFE, 0x0200_5EFE})
"""RFC 5214 §6.1: before the last 32 bits, which are an IPv4 address of somebody's own network."""
_COMPATIBLE = IPv6Network("::/96")
"""RFC 4291 §2.5.5.1."""


def networks_of(names: Iterable[str]) -> Sequence[Network]:
    """Raises `ValueError` for what names no network."""
    return [ip_network(name) for name in names]


def is_open(text: str, allowed: Sequence[Network], *, public: bool) -> bool:
    """Whether to connect to this address: to allowed networks, and where `public` to public addresses.

    An IPv4 address inside an IPv6 one has to be open itself: that is where it leads. So has the one around it, but
    for a form that is nothing else than the address inside.
    """
    address = ip_address(text.partition("%")[0])
    inside = [*_inside(address)]
    through: list[Address] = [*inside] if inside and _is_form(address) else [address, *inside]
    return all(_is_allowed(each, allowed) or (public and _is_public(each)) for each in through)


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
        and not any(address.version == network.version and address in network for network in _NEVER_PUBLIC)
        and not (isinstance(address, IPv6Address) and int(address) >> 32 & 0xFFFF_FFFF in _ISATAP)
    )


def _is_form(address: Address) -> bool:
    """Whether it only writes an IPv4 address down, or leads to a relay that anybody may use."""
    return isinstance(address, IPv6Address) and (
        address.ipv4_mapped is not None or any(address in network for network in (_NAT64, _COMPATIBLE))
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
    elif any(address in network for network in (_NAT64, _COMPATIBLE)) and int(address) > 1:
        yield IPv4Address(int(address) & 0xFFFF_FFFF)

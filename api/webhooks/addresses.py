"""Where endpoints may be: the public internet, unless the installation allows its own network.

A name is resolved once per connection and the connection is made to the very address that was looked at, so that a
name whose answer changes between the look and the call (DNS rebinding) leads nowhere.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from core.errors import OstinatoError, gettext_noop

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class AddressRefused(OSError):
    """The name leads into a private network."""


class AddressNotPublic(OstinatoError):
    code = "url_invalid"
    param = "url"
    message_id = gettext_noop("Invalid URL: endpoints in private networks are not reached from here.")


def is_public(text: str) -> bool:
    """Whether an IP address belongs to the public internet, also one that hides in another."""
    try:
        address: Address = ipaddress.ip_address(text.split("%", 1)[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64:
            return is_public(str(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)))
        for inner in (address.ipv4_mapped, address.sixtofour, address.teredo[1] if address.teredo else None):
            if inner is not None:
                return is_public(str(inner))
    return address.is_global and not address.is_multicast and not address.is_reserved


def check_host(host: str) -> None:
    """What can be said of a host without asking anybody. Raises `AddressNotPublic`."""
    bare = host.rstrip(".").lower()
    try:
        literal = str(ipaddress.ip_address(bare))
    except ValueError:
        literal = _odd_literal(bare)
    if (
        (literal and not is_public(literal))
        or bare == "localhost"
        or bare.endswith((".localhost", ".local", ".internal"))
    ):
        raise AddressNotPublic


def _odd_literal(host: str) -> str:
    """127.1, 0x7f.1 and 2130706433 are addresses too; "" for a name."""
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except (OSError, UnicodeEncodeError):
        return ""


class PinnedResolver(AbstractResolver):
    """Gives the connection only addresses that were looked at. Raises `AddressRefused`."""

    def __init__(self, *, allow_private: bool) -> None:
        self._inner = ThreadedResolver()
        self._allow_private = allow_private

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        good = [one for one in found if self._allow_private or is_public(one["host"])]
        if not good:
            raise AddressRefused(f"{host} is not a public address")
        return good

    async def close(self, *_: Any) -> None:
        await self._inner.close()

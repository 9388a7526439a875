"""Fetches pictures by https URL, only from hosts that an operator allows; off until a host is configured.

A host name is resolved once per connection, and every address is checked. The connection uses exactly the checked
addresses, so a later change of the name's addresses (DNS rebinding) has no effect.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Collection
from typing import TypeAlias

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from streams.errors import InvalidEvent
from streams.objects.errors import ObjectMissing, ObjectsUnavailable
from streams.uploads.references import PICTURE, Kind

TIMEOUT_S = 10.0
_CHUNK = 1 << 16
_HTTPS_PORT = 443
#: All allocated IPv6 unicast addresses; mapped, translated and local addresses lie outside.
_IPV6_UNICAST = ipaddress.ip_network("2000::/3")
#: No compressed content, and no details about this machine.
_HEADERS = {"Accept-Encoding": "identity", "User-Agent": "sightline"}

IpAddress: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
#: Resolves a host name to its addresses; raises OSError.
Resolve: TypeAlias = Callable[[str], Awaitable[Collection[str]]]


def is_public(address: IpAddress) -> bool:
    """Return whether an address belongs to one machine on the internet: not local, private or cloud metadata.

    >>> [is_public(ipaddress.ip_address(text)) for text in ("93.184.215.14", "169.254.169.254", "::ffff:127.0.0.1")]
    [True, False, False]
    """
    if isinstance(address, ipaddress.IPv6Address):
        return address in _IPV6_UNICAST and address.is_global and address.sixtofour is None
    return address.is_global and not (address.is_multicast or address.is_reserved)


async def resolve(host: str) -> list[str]:
    """Return all addresses of a host from the system resolver."""
    address_infos = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in address_infos]


class Fetcher:
    """Reads pictures from allowed hosts, `name` or `name:port`. Create it in a running event loop."""

    def __init__(
        self,
        hosts: Collection[str],
        *,
        resolve: Resolve = resolve,
        is_allowed: Callable[[IpAddress], bool] = is_public,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._hosts = frozenset(hosts)
        self._session = _session(_CheckedResolver(resolve, is_allowed), tls) if hosts else None

    async def read(self, address: str, kind: Kind = PICTURE) -> bytes:
        """Return the content at a URL, as much as its kind may have.

        Raises InvalidEvent, ObjectMissing or ObjectsUnavailable.
        """
        if self._session is None:
            raise _refused("is a URL, and URLs are off: send an object key, or set SIGHTLINE_IMAGE_HOSTS")
        url = self._validated_url(address)
        try:
            async with self._session.get(url, allow_redirects=False) as response:
                return await _content(response, kind)
        except (ClientError, TimeoutError, OSError) as error:
            raise ObjectsUnavailable(f"{url.host} does not return the picture: {error}") from error

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    def _validated_url(self, address: str) -> URL:
        try:
            url = URL(address)
            host, port = url.raw_host, url.port
        except ValueError as error:
            raise _refused(f"is not a valid URL: {error}") from None
        if url.scheme != "https":
            raise _refused("does not start with https://")
        if url.raw_user is not None or url.raw_password is not None:
            raise _refused("contains a login: leave out the part before the @")
        if (host if port == _HTTPS_PORT else f"{host}:{port}") not in self._hosts:
            raise _refused(f"names the host {host!r}, port {port}, which SIGHTLINE_IMAGE_HOSTS does not")
        return url


class _CheckedResolver(AbstractResolver):
    """Gives aiohttp the addresses to connect to; raises InvalidEvent if any address of a host is not allowed."""

    def __init__(self, resolve: Resolve, is_allowed: Callable[[IpAddress], bool]) -> None:
        self._resolve = resolve
        self._is_allowed = is_allowed

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002 (aiohttp's signature; both are accepted)
    ) -> list[ResolveResult]:
        addresses = [ipaddress.ip_address(text) for text in dict.fromkeys(await self._resolve(host))]
        if not addresses:
            raise OSError(f"{host!r} has no address")
        if not all(map(self._is_allowed, addresses)):
            raise _refused(f"names the host {host!r}, which has an address that is not public")
        return [
            ResolveResult(
                hostname=host,
                host=str(address),
                port=port,
                family=socket.AF_INET if address.version == 4 else socket.AF_INET6,
                proto=0,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in addresses
        ]

    async def close(self) -> None:
        """Do nothing: the resolver holds no resources."""


def _session(resolver: AbstractResolver, tls: ssl.SSLContext | None) -> ClientSession:
    """Return a client that contacts only the host: no proxy, no cookies; each connection resolves and checks again."""
    return ClientSession(
        connector=TCPConnector(resolver=resolver, use_dns_cache=False, ssl=True if tls is None else tls),
        cookie_jar=DummyCookieJar(),
        headers=_HEADERS,
        timeout=ClientTimeout(TIMEOUT_S),
        auto_decompress=False,
        trust_env=False,
    )


async def _content(response: ClientResponse, kind: Kind) -> bytes:
    host = response.url.host
    if response.status in (404, 410):
        raise ObjectMissing(f"{host} has no such picture")
    if response.status == 429 or response.status >= 500:
        raise ObjectsUnavailable(f"{host} answers {response.status}")
    if response.status != 200:
        raise _refused(f"is answered with {response.status}; redirects are not followed")
    content = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        content += chunk
        if len(content) > kind.most_bytes:
            raise InvalidEvent(kind.reason, f"{host} sends more than {kind.most_bytes} bytes")
    return bytes(content)


def _refused(reason: str) -> InvalidEvent:
    return InvalidEvent("bad_image_url", f"the address {reason}")

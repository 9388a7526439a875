"""Pictures by https address, from hosts that an operator has named and from nowhere else; off until one is named.

A name is resolved once, each address that it has is checked, and the connection goes to these very addresses: what the
name resolves to a moment later (DNS rebinding) does not matter.
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

from features.vision.decode import MAX_BYTES
from streams.errors import InvalidEvent
from streams.uploads.object_store import ObjectMissing, ObjectsUnavailable

TIMEOUT_S = 10.0
_CHUNK = 1 << 16
_HTTPS_PORT = 443
#: All of IPv6 that is given out; outside are mapped, translated and local addresses.
_IPV6_UNICAST = ipaddress.ip_network("2000::/3")
#: Nothing that would have to be unpacked, and nothing of us.
_HEADERS = {"Accept-Encoding": "identity", "User-Agent": "sightline"}

IpAddress: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
#: A host's name to its addresses; raises OSError.
Resolve: TypeAlias = Callable[[str], Awaitable[Collection[str]]]


def is_public(address: IpAddress) -> bool:
    """Whether an address is one machine's on the internet: not ours, not this network's, not a cloud's metadata.

    >>> [is_public(ipaddress.ip_address(text)) for text in ("93.184.215.14", "169.254.169.254", "::ffff:127.0.0.1")]
    [True, False, False]
    """
    if isinstance(address, ipaddress.IPv6Address):
        return address in _IPV6_UNICAST and address.is_global and address.sixtofour is None
    return address.is_global and not (address.is_multicast or address.is_reserved)


async def resolve(host: str) -> list[str]:
    """All addresses of a host, as the machine's resolver gives them."""
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class Fetcher:
    """Reads pictures from allowed hosts, `name` or `name:port`; make it in a running loop."""

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

    async def read(self, address: str) -> bytes:
        """The content at an address, at most MAX_BYTES; raises InvalidEvent, ObjectMissing or ObjectsUnavailable."""
        if self._session is None:
            raise _refused("is an address, and those are off: send an object key, or set SIGHTLINE_IMAGE_HOSTS")
        url = self._checked(address)
        try:
            async with self._session.get(url, allow_redirects=False) as response:
                return await _content(response)
        except (ClientError, TimeoutError, OSError) as error:
            raise ObjectsUnavailable(f"{url.host} does not give the picture: {error}") from error

    async def close(self) -> None:
        """End all connections."""
        if self._session is not None:
            await self._session.close()

    def _checked(self, address: str) -> URL:
        try:
            url = URL(address)
            host, port = url.raw_host, url.port
        except ValueError as error:
            raise _refused(f"is no address: {error}") from None
        if url.scheme != "https":
            raise _refused("does not begin with https://")
        if url.raw_user is not None or url.raw_password is not None:
            raise _refused("holds a login: leave out what is before the @")
        if (host if port == _HTTPS_PORT else f"{host}:{port}") not in self._hosts:
            raise _refused(f"names the host {host!r}, port {port}, which SIGHTLINE_IMAGE_HOSTS does not")
        return url


class _CheckedResolver(AbstractResolver):
    """Gives aiohttp the addresses to connect to, or InvalidEvent if any of a name's addresses is not allowed."""

    def __init__(self, resolve: Resolve, is_allowed: Callable[[IpAddress], bool]) -> None:
        self._resolve = resolve
        self._is_allowed = is_allowed

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002 (aiohttp's signature; both are welcome)
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
        """Nothing is held."""


def _session(resolver: AbstractResolver, tls: ssl.SSLContext | None) -> ClientSession:
    """A client that asks nobody but the host: no proxy, no cookies, and each connection resolved and checked anew."""
    return ClientSession(
        connector=TCPConnector(resolver=resolver, use_dns_cache=False, ssl=True if tls is None else tls),
        cookie_jar=DummyCookieJar(),
        headers=_HEADERS,
        timeout=ClientTimeout(TIMEOUT_S),
        auto_decompress=False,
        trust_env=False,
    )


async def _content(response: ClientResponse) -> bytes:
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
        if len(content) > MAX_BYTES:
            raise InvalidEvent("bad_image", f"{host} sends more than {MAX_BYTES} bytes")
    return bytes(content)


def _refused(why: str) -> InvalidEvent:
    return InvalidEvent("bad_image_url", f"image_ref {why}")

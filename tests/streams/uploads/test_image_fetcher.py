"""A web server with TLS on this machine, under a name that only the tests' resolver knows."""

import gzip
import ipaddress
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from features.vision.formats import MAX_BYTES
from streams.errors import InvalidEvent
from streams.objects.errors import ObjectMissing, ObjectsUnavailable
from streams.uploads.image_fetcher import Fetcher, is_public
from tests.harness.certificates import Authority

NAME = "cdn.example.com"
PICTURE = b"\xff\xd8picture"


class Site:
    """Counts who came; `answers` by path."""

    def __init__(self, authority: Authority) -> None:
        self.requests: list[web.BaseRequest] = []
        self.port = 0
        self.trust = ssl.create_default_context(cafile=authority.ca)
        self.authority = authority

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.requests.append(request)
        match request.path:
            case "/shoe.jpg":
                return web.Response(body=PICTURE)
            case "/moved":
                return web.Response(status=302, headers={"Location": "/shoe.jpg"})
            case "/zipped":
                body = gzip.compress(bytes(10_000))
                return web.Response(body=body, headers={"Content-Encoding": "gzip", "Set-Cookie": "seen=1"})
            case "/endless":
                return await self.endless(request)
            case path if path.strip("/").isdigit():
                return web.Response(status=int(path.strip("/")))
        return web.Response(status=404)

    async def endless(self, request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        sent = 0
        try:
            while sent < 10 * MAX_BYTES:
                await response.write(bytes(1 << 20))
                sent += 1 << 20
        except ConnectionError:
            pass
        assert sent < 2 * MAX_BYTES
        return response

    def url(self, path: str) -> str:
        return f"https://{NAME}:{self.port}{path}"


class Resolver:
    """Answers one after the other, the last one again and again."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str) -> list[str]:
        self.asked.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    authority = Authority(tmp_path)
    site = Site(authority)
    certificate = authority.issue(NAME)
    server_tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server_tls.load_cert_chain(certificate.cert, certificate.key)
    runner = web.ServerRunner(web.Server(site.handle))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=server_tls).start()
    site.port = runner.addresses[0][1]
    yield site
    await runner.cleanup()


def fetcher_of(site: Site, resolve: Resolver | None = None) -> Fetcher:
    """One that may go to 127.0.0.1, and nowhere else."""
    here = Resolver(["127.0.0.1"]) if resolve is None else resolve
    return Fetcher(
        [f"{NAME}:{site.port}"],
        resolve=here,
        is_allowed=lambda address: str(address) == "127.0.0.1",
        tls=site.trust,
    )


@pytest.fixture
async def fetcher(site: Site) -> AsyncIterator[Fetcher]:
    fetcher = fetcher_of(site)
    yield fetcher
    await fetcher.close()


async def refusal(fetcher: Fetcher, address: str) -> str:
    with pytest.raises(InvalidEvent) as caught:
        await fetcher.read(address)
    assert caught.value.reason == "bad_image_url"
    return str(caught.value)


# What is read


async def test_a_picture_of_an_allowed_host_is_read(site: Site, fetcher: Fetcher) -> None:
    assert await fetcher.read(site.url("/shoe.jpg")) == PICTURE
    assert await fetcher.read(site.url("/shoe.jpg?width=600")) == PICTURE


async def test_a_request_says_nothing_of_us(site: Site, fetcher: Fetcher) -> None:
    await fetcher.read(site.url("/zipped"))
    await fetcher.read(site.url("/shoe.jpg"))
    headers = site.requests[-1].headers
    assert set(headers) == {"Host", "Accept", "Accept-Encoding", "User-Agent"}


async def test_nothing_is_unpacked(site: Site, fetcher: Fetcher) -> None:
    assert (await fetcher.read(site.url("/zipped")))[:2] == b"\x1f\x8b"


# The address


@pytest.mark.parametrize(
    "address",
    [
        "https://169.254.169.254/latest/meta-data/",
        "https://127.0.0.1/x",
        "https://[::1]/x",
        "https://[::ffff:127.0.0.1]/x",
        "https://10.0.0.1/x",
        "https://0.0.0.0/x",
        "https://2130706433/x",
        "https://0177.0.0.1/x",
        "https://0x7f.0.0.1/x",
        "https://localhost/x",
        "https://evil.example/x",
        "https://cdn.example.com.evil.example/x",
        "https://evil.example/cdn.example.com",
        "https://cdn.example.com:8443/x",
        "https://cdn.example.com./x",
        "https://user@cdn.example.com/x",
        "https://user:password@cdn.example.com/x",
        "https://cdn.example.com@evil.example/x",
        "https://cdn.example.com\\@evil.example/x",
        "https://evil.example#cdn.example.com",
        "http://cdn.example.com/x",
        "ftp://cdn.example.com/x",
        "file:///etc/passwd",
        "file://cdn.example.com/etc/passwd",
        "gopher://cdn.example.com/_x",
        "//cdn.example.com/x",
        "cdn.example.com/x",
        "https://",
        "https:///x",
        "https://[x",
        "https://cdn.example.com:99999/x",
        "https://cdn.example.com:x/x",
    ],
)
async def test_an_address_that_is_not_of_an_allowed_host_is_refused_unresolved(address: str) -> None:
    resolver = Resolver(["93.184.215.14"])
    fetcher = Fetcher([NAME], resolve=resolver)
    await refusal(fetcher, address)
    assert resolver.asked == []
    await fetcher.close()


async def test_without_a_host_every_address_is_refused_with_what_to_set() -> None:
    fetcher = Fetcher([])
    assert "SIGHTLINE_IMAGE_HOSTS" in await refusal(fetcher, f"https://{NAME}/shoe.jpg")
    await fetcher.close()


# Where the name leads

PRIVATE = [
    "127.0.0.1",
    "127.1.2.3",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.0.1",
    "100.64.0.1",
    "169.254.169.254",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:93.184.215.14",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "2001:0:7f00:1::",
    "2001:db8::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_of_no_machine_on_the_internet_is_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["93.184.215.14", "1.1.1.1", "2606:4700:4700::1111"])
def test_an_address_on_the_internet_is_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["::1"], ["169.254.169.254"], ["93.184.215.14", "10.0.0.1"]])
async def test_an_allowed_name_that_leads_inside_is_refused(site: Site, addresses: list[str]) -> None:
    fetcher = Fetcher([f"{NAME}:{site.port}"], resolve=Resolver(addresses), tls=site.trust)
    assert "not public" in await refusal(fetcher, site.url("/shoe.jpg"))
    assert site.requests == []
    await fetcher.close()


async def test_a_name_is_resolved_once_and_what_was_checked_is_connected_to(site: Site) -> None:
    resolver = Resolver(["127.0.0.1"], ["127.0.0.2"])
    fetcher = fetcher_of(site, resolver)
    assert await fetcher.read(site.url("/shoe.jpg")) == PICTURE
    assert resolver.asked == [NAME]
    await fetcher.close()


async def test_a_name_that_leads_elsewhere_later_is_refused_then(site: Site) -> None:
    resolver = Resolver(["127.0.0.1"], ["127.0.0.2"])
    first, later = fetcher_of(site, resolver), fetcher_of(site, resolver)
    await first.read(site.url("/shoe.jpg"))
    await refusal(later, site.url("/shoe.jpg"))
    await first.close()
    await later.close()


async def test_a_server_with_the_certificate_of_another_name_is_not_used(site: Site) -> None:
    other = f"other.example.com:{site.port}"
    fetcher = Fetcher([other], resolve=Resolver(["127.0.0.1"]), is_allowed=lambda _: True, tls=site.trust)
    with pytest.raises(ObjectsUnavailable, match=r"other\.example\.com"):
        await fetcher.read(f"https://{other}/shoe.jpg")
    assert site.requests == []
    await fetcher.close()


async def test_a_server_that_nobody_vouches_for_is_not_used(site: Site) -> None:
    fetcher = Fetcher([f"{NAME}:{site.port}"], resolve=Resolver(["127.0.0.1"]), is_allowed=lambda _: True)
    with pytest.raises(ObjectsUnavailable, match="certificate"):
        await fetcher.read(site.url("/shoe.jpg"))
    await fetcher.close()


# The answer


async def test_a_redirect_is_not_followed(site: Site, fetcher: Fetcher) -> None:
    assert "302; redirects are not followed" in await refusal(fetcher, site.url("/moved"))
    assert len(site.requests) == 1


async def test_a_picture_without_end_is_cut_off(site: Site, fetcher: Fetcher) -> None:
    with pytest.raises(InvalidEvent, match=f"more than {MAX_BYTES} bytes") as caught:
        await fetcher.read(site.url("/endless"))
    assert caught.value.reason == "bad_image"


@pytest.mark.parametrize("status", [404, 410])
async def test_a_picture_that_is_not_there_is_missing(site: Site, fetcher: Fetcher, status: int) -> None:
    with pytest.raises(ObjectMissing):
        await fetcher.read(site.url(f"/{status}"))


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_server_that_cannot_answer_now_is_unavailable(site: Site, fetcher: Fetcher, status: int) -> None:
    with pytest.raises(ObjectsUnavailable, match=str(status)):
        await fetcher.read(site.url(f"/{status}"))


@pytest.mark.parametrize("status", [204, 206, 301, 307, 308, 400, 401, 403])
async def test_any_other_answer_is_refused(site: Site, fetcher: Fetcher, status: int) -> None:
    assert str(status) in await refusal(fetcher, site.url(f"/{status}"))


async def test_a_name_without_an_address_and_a_port_where_nobody_listens_are_unavailable(site: Site) -> None:
    async def unknown(host: str) -> list[str]:
        raise OSError("name not known")

    for fetcher in (
        Fetcher([NAME], resolve=unknown),
        Fetcher([NAME], resolve=Resolver([])),
        Fetcher([NAME], resolve=Resolver(["127.0.0.1"]), is_allowed=lambda _: True),
    ):
        with pytest.raises(ObjectsUnavailable):
            await fetcher.read(f"https://{NAME}/shoe.jpg")
        await fetcher.close()

"""Serves the page: its files are read once, and cached for ever under the hash of them all (docs/adr/0049)."""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from litestar import Request, Response, get
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

FOLDER: Final = Path(__file__).parent / "static"
#: What index.html writes where the hash of all files belongs.
_PLACE: Final = b"@version@"
_TYPES: Final = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}
_IMMUTABLE: Final = "public, max-age=31536000, immutable"
#: Kept, and asked for again each time: a new release is seen with the next visit.
_ASKED_AGAIN: Final = "no-cache"


@dataclass(frozen=True, slots=True)
class PageFile:
    """One file: its bytes as they are and as gzip, its type, and the ETag of its content."""

    body: bytes
    gzipped: bytes
    media_type: str
    etag: str


@dataclass(frozen=True, slots=True)
class PageFiles:
    """All files by their path below the folder; `version` is the hash of them all."""

    version: str
    files: Mapping[str, PageFile]


def read_page(folder: Path = FOLDER) -> PageFiles:
    """Read all files of the page; raises OSError, and KeyError for a type of file that the page does not have."""
    paths = {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*.*"))}
    bodies = {name: path.read_bytes() for name, path in paths.items()}
    version = sha256(b"".join(sha256(name.encode() + b"\n" + body).digest() for name, body in bodies.items()))
    place = version.hexdigest()[:16]
    bodies["index.html"] = bodies["index.html"].replace(_PLACE, place.encode())
    return PageFiles(place, {name: _file(body, _TYPES[paths[name].suffix]) for name, body in bodies.items()})


def _file(body: bytes, media_type: str) -> PageFile:
    return PageFile(body, gzip.compress(body, mtime=0), media_type, sha256(body).hexdigest()[:32])


def page_handlers(page: PageFiles | None = None) -> list[HTTPRouteHandler]:
    """The handlers of `/` and of what it loads; the files are read here, once."""
    found = page or read_page()

    @get("/", include_in_schema=False, sync_to_thread=False)
    def index(request: Request[Any, Any, Any]) -> Response[bytes]:
        return _answer(request, found.files["index.html"], _ASKED_AGAIN)

    @get("/page/{version:str}/{name:path}", include_in_schema=False, sync_to_thread=False)
    def part(request: Request[Any, Any, Any], version: FromPath[str], name: FromPath[Path]) -> Response[bytes]:
        file = found.files.get(str(name).lstrip("/"))
        if file is None or version != found.version:
            raise NotFoundException(f"the page has no file {name} of version {version}: load the page again")
        return _answer(request, file, _IMMUTABLE)

    return [index, part]


def _answer(request: Request[Any, Any, Any], file: PageFile, cached: str) -> Response[bytes]:
    """The file as the browser takes it, or 304 where the browser has it."""
    zipped = "gzip" in request.headers.get("accept-encoding", "")
    # A strong ETag names one representation.
    etag = f'"{file.etag}{"-gzip" if zipped else ""}"'
    headers = {"etag": etag, "cache-control": cached, "vary": "accept-encoding"}
    if etag in request.headers.get("if-none-match", ""):
        return Response(b"", status_code=304, headers=headers, media_type=file.media_type)
    if zipped:
        headers["content-encoding"] = "gzip"
    return Response(file.gzipped if zipped else file.body, headers=headers, media_type=file.media_type)

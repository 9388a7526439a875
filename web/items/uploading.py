"""What comes with a picture or clip: read from a form or a raw body, and made an event of events.uploads.

Nothing is decoded here: the first bytes say what a file is, and an uploads worker looks at the rest in a process of
its own.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from litestar import Request
from litestar.datastructures import State, UploadFile

from features.vision.clips import containers
from features.vision.formats import HEAD_BYTES, MAX_BYTES, BadImage, sniff
from sightline_client.errors import InvalidEvent
from sightline_client.events import IMAGE_LIMIT, Upload
from sightline_client.parsing import from_fields
from streams.pictures.incoming import Incoming
from web.documented import FILE
from web.problems import Problem

#: What may be said of the item beside its picture, in a form or in the address.
TEXTS: Final = ("title", "description", "category", "currency", "user_id")
_PRICE: Final = "price"
_FILE: Final = "picture"
_MULTIPART: Final = "multipart/form-data"
#: The schema of a form.
FORM: Final = {
    "type": "object",
    "properties": {_FILE: FILE} | {name: {"type": "string"} for name in TEXTS} | {_PRICE: {"type": "number"}},
    "required": [_FILE],
}


@dataclass(frozen=True, slots=True)
class Given:
    """A file with its Content-Type, and what is said of the item."""

    data: bytes
    media_type: str
    fields: Mapping[str, Any]


async def read_upload(request: Request[Any, Any, State], incoming: Incoming | None) -> Given:
    """The file of a request and its fields; raises Problem for a form that cannot be read, or has no file."""
    media_type, _ = request.content_type
    said = dict(request.query_params)
    if media_type != _MULTIPART:
        if request.content_length is not None and request.content_length > IMAGE_LIMIT and incoming is None:
            raise too_large(request.content_length)
        return Given(await request.body(), media_type, _fields(said))
    try:
        form = await request.form()
    except (UnicodeDecodeError, LookupError) as error:
        raise Problem(400, "The form cannot be read", f"a field is not in its character set: {error}") from None
    try:
        file = form.get(_FILE)
        if not isinstance(file, UploadFile):
            raise Problem(422, "The form has no picture", f"send the file as the field {_FILE!r}, with a file name")
        return Given(await file.read(), file.content_type, _fields(said | dict(form)))
    finally:
        await form.close()


def make_upload(given: Given, item_id: str, event_id: str, user_id: str | None) -> Upload:
    """The event without its file's place yet, as if the file were small; raises Problem.

    `user_id` is the user whom the caller may act for alone, who then owns the item.
    """
    is_clip = _is_clip(given)
    fields = {**given.fields} if user_id is None else {**given.fields, "user_id": user_id, "as_owner": True}
    if fields.get("user_id") is None:
        raise Problem(422, "The upload has no user_id", "say whose item it is: `user_id`, in the form or the address")
    # Its bytes come later: here they would be checked against the limit for what travels within an event.
    shown_by = {"video_ref" if is_clip else "image_ref": "later"}
    ids = {"event_id": event_id, "item_id": item_id, "occurred_at_ms": time.time_ns() // 1_000_000}
    try:
        return from_fields(fields | shown_by | ids, Upload)
    except InvalidEvent as error:
        raise Problem(422, "The upload cannot be used", str(error), reason=error.reason) from None


async def with_file(upload: Upload, data: bytes, incoming: Incoming | None) -> Upload:
    """The event with its file: within it where it is small, else by its key in the object store.

    Raises Problem where there is no such store, and ObjectsUnavailable.
    """
    is_clip = upload.video_ref is not None
    if len(data) <= IMAGE_LIMIT:
        within = {"video" if is_clip else "image": data}
        return msgspec.structs.replace(upload, **within, image_ref=None, video_ref=None)
    if incoming is None:
        raise too_large(len(data))
    key = await incoming.write(data)
    return msgspec.structs.replace(upload, **{"video_ref" if is_clip else "image_ref": key})


def too_large(size: int) -> Problem:
    """Why a file is refused that does not fit into its event, where there is no store for it."""
    return Problem(
        413,
        "The file is too large for this deployment",
        f"it has {size:,} bytes; without an object store {IMAGE_LIMIT:,} are accepted",
        remedy="send a smaller one, or set SIGHTLINE_OBJECT_STORE for the web door and the uploads workers",
    )


def _is_clip(given: Given) -> bool:
    """Whether the file is a clip, by its first bytes; raises Problem for what is neither that nor a picture."""
    head = given.data[:HEAD_BYTES]
    try:
        # A GIF is taken for a picture, unless its sender says otherwise.
        is_clip = containers.is_clip(head) or (sniff(head) == "GIF" and given.media_type.startswith("video/"))
    except BadImage as error:
        raise Problem(422, "The file is no picture", f"{error}, or send MP4 or WebM", reason=error.reason) from None
    limit = containers.MAX_BYTES if is_clip else MAX_BYTES
    if len(given.data) > limit:
        raise Problem(413, "The file is too large", f"it has {len(given.data):,} bytes: send at most {limit:,}")
    return is_clip


def _fields(said: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an upload in texts, and its price as the number that it is; raises Problem."""
    fields: dict[str, Any] = {}
    for name in (*TEXTS, _PRICE):
        value = said.get(name)
        if value is None or value == "":
            continue
        if not isinstance(value, str) or not _is_unicode(value):
            raise Problem(422, "The upload cannot be used", f"`{name}` must be one text in Unicode")
        fields[name] = value
    if _PRICE in fields:
        fields[_PRICE] = _number(fields[_PRICE])
    return fields


def _is_unicode(text: str) -> bool:
    """Whether a text can be written: some character sets of forms give halves of characters."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _number(text: str) -> float:
    try:
        return msgspec.json.decode(text, type=float)
    except msgspec.DecodeError:
        raise Problem(422, "The upload cannot be used", f"`price` is no number: {text!r:.100}") from None

"""Takes off what serializers put before an event's JSON: a byte order mark, or the prefix of a schema registry."""

import zlib
from typing import Final

from sightline_client.errors import InvalidEvent

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
#: Confluent: a zero byte and the schema's number, 4 bytes.
#: https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/index.html#wire-format
_CONFLUENT_BYTES: Final = 5
#: AWS Glue: the version of the header, the compression, and the schema version's UUID, 16 bytes.
#: https://docs.aws.amazon.com/glue/latest/dg/schema-registry.html
_GLUE_BYTES: Final = 18
_GLUE_PLAIN: Final = 0
_GLUE_ZLIB: Final = 5


def unframed(value: bytes, limit: int) -> bytes:
    """The JSON behind a byte order mark or a registry's prefix, of at most `limit` bytes; else the value itself.

    Raises InvalidEvent: `schema_registry_framing` where what follows the prefix is no JSON object, such as Avro.
    """
    match value[:1]:
        case b"\0" if len(value) > _CONFLUENT_BYTES:
            number = int.from_bytes(value[1:_CONFLUENT_BYTES])
            return _json(value[_CONFLUENT_BYTES:], f"Confluent's prefix with the schema {number}")
        case b"\3" if len(value) > _GLUE_BYTES and value[1] in (_GLUE_PLAIN, _GLUE_ZLIB):
            payload = value[_GLUE_BYTES:]
            name = f"AWS Glue's prefix with the schema version {value[2:_GLUE_BYTES].hex()}"
            return _json(_unpacked(payload, limit, name) if value[1] == _GLUE_ZLIB else payload, name)
    return value.removeprefix(BYTE_ORDER_MARK)


def _json(payload: bytes, prefix: str) -> bytes:
    payload = payload.removeprefix(BYTE_ORDER_MARK)
    if payload.lstrip()[:1] not in (b"{", b"["):
        raise _refusal(prefix, "not followed by JSON")
    return payload


def _unpacked(payload: bytes, limit: int, prefix: str) -> bytes:
    """Decompress, but never more than `limit` bytes: a few kilobytes may stand for gigabytes."""
    stream = zlib.decompressobj()
    try:
        unpacked = stream.decompress(payload, limit + 1)
    except zlib.error as error:
        raise _refusal(prefix, f"not followed by zlib data ({error})") from None
    if len(unpacked) > limit:
        raise InvalidEvent("too_large", f"the message is over {limit} bytes once it is unpacked; no more are accepted")
    if not stream.eof:
        raise _refusal(prefix, "followed by zlib data without an end")
    return unpacked


def _refusal(prefix: str, what: str) -> InvalidEvent:
    return InvalidEvent(
        "schema_registry_framing",
        f"the message begins with {prefix}, {what}: use the registry's JSON Schema serializer, or none",
    )

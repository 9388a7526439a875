"""What an upload may refer to instead of holding it: a picture or a clip, each with its limit and its refusal."""

from dataclasses import dataclass
from typing import Final, Literal

from features.vision.clips.containers import MAX_BYTES as MAX_CLIP_BYTES
from features.vision.formats import MAX_BYTES


@dataclass(frozen=True, slots=True)
class Kind:
    """The field that has the reference, the bytes that are read at most, and the reason of a refusal."""

    field: Literal["image_ref", "video_ref"]
    most_bytes: int
    reason: Literal["bad_image", "bad_clip"]


PICTURE: Final = Kind("image_ref", MAX_BYTES, "bad_image")
CLIP: Final = Kind("video_ref", MAX_CLIP_BYTES, "bad_clip")

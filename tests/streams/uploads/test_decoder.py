"""Real processes and real pictures; where one must fail, it is given a small limit, or a program that fails."""

import asyncio
import csv
import os
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

import features
import sightline_client
from benchmarks.world.heic import HEIC
from features.vision.clips.clip import MOST_FRAMES
from features.vision.decode import STRIP, Wanted, decode
from features.vision.descriptors.packed import PACKED_BYTES, describe
from features.vision.formats import BadImage
from features.vision.gate.judge import NOT_JUDGED
from features.vision.gate.picture_hash import HASH_BYTES
from features.vision.kept import KeptFiles, strip
from features.vision.kept_picture import Keep
from sightline_client.events import BOXES_LIMIT, Box
from streams.uploads.decoder import MEMORY_BYTES, Decoder
from streams.uploads.decoder_process import SIDE, SQUARE_BYTES, Decoded, Refused, frame
from streams.uploads.process_pool import DecoderUnavailable
from tests.harness.fakes import until
from tests.harness.paths import ODD_IMAGES
from tests.harness.profiles import LINEAR, SWAPPED, encoded, linear_grey, press_of_red_cyan

MANIFEST = ODD_IMAGES / "manifest.csv"
ROWS = list(csv.DictReader(MANIFEST.read_text().splitlines())) if MANIFEST.exists() else []
#: Answers with this program after it has said that it is ready.
READY = "import os, sys; os.write(1, bytes(4)); "


NOISE = Image.effect_noise((96, 80), 90).convert("RGB")
SMALL = encoded(Image.new("RGB", (64, 48), (205, 30, 40)))


def large() -> Image.Image:
    """Half of it is transparent."""
    image = Image.new("P", (8_000, 5_000))
    image.paste(1, (0, 0, 4_000, 5_000))
    return image


#: The most pixels that are accepted, in 40 kB and with transparency: 0.3 s and 350 MB to decode.
LARGE = encoded(large(), transparency=0, compress_level=1)


@pytest.fixture
async def decoder() -> AsyncIterator[Decoder]:
    decoder = Decoder(processes=1)
    await decoder.start()
    yield decoder
    await decoder.close()


def child(program: str, **limits: float) -> Decoder:
    """A decoder whose one process is this program."""
    return Decoder(processes=1, command=(sys.executable, "-c", program), **limits)  # type: ignore[arg-type]


def of_this_checkout(**limits: float) -> Decoder:
    """A decoder with the code of this checkout, wherever the installed one is from."""
    paths = [str(Path(features.__file__).parents[1]), str(Path(sightline_client.__file__).parents[1])]
    program = f"import sys; sys.path[:0] = {paths}; from streams.uploads import decoder_process as d; d.main()"
    return child(program, **limits)


async def refusal(decoder: Decoder, data: bytes) -> BadImage:
    try:
        with pytest.raises(BadImage) as caught:
            await decoder.decode(data)
    finally:
        await decoder.close()
    return caught.value


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def peak_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


# Pictures


async def test_a_picture_is_what_decoding_it_here_gives(decoder: Decoder) -> None:
    found, here = await decoder.decode(SMALL), decode(SMALL)
    assert (found.width, found.height, found.format) == (here.width, here.height, here.format)
    assert (found.pixels == here.pixels).all()


async def test_the_pixels_alone_are_those_of_the_picture_and_nothing_is_said_of_them(decoder: Decoder) -> None:
    found, whole = await decoder.decode(SMALL, Wanted(described=False)), await decoder.decode(SMALL)
    assert (found.pixels == whole.pixels).all()
    assert (found.descriptors, found.judged) == ((None,), NOT_JUDGED)
    assert whole.descriptors == (describe(whole.pixels),)


@pytest.mark.parametrize("keep", ["none", "preview", "full"])
@pytest.mark.parametrize("data", [encoded(NOISE.resize((700, 500)), "JPEG"), HEIC], ids=["JPEG", "HEIC"])
async def test_what_is_kept_is_what_is_made_here(decoder: Decoder, data: bytes, keep: Keep) -> None:
    found, here = await decoder.decode(data, Wanted(keep)), decode(data, Wanted(keep))
    assert (found.kept, found.kept is None) == (here.kept, keep == "none")
    assert (found.pixels == here.pixels).all()


async def test_views_and_tiles_are_what_is_made_here(decoder: Decoder) -> None:
    data, box = encoded(NOISE, "JPEG"), Box(x=0.1, y=0.2, width=0.5, height=0.5)
    for wanted in (Wanted(views=(box, "squeezed", None)), Wanted("preview", tiles=True)):
        found, here = await decoder.decode(data, wanted), decode(data, wanted)
        assert (found.views == here.views).all()
        assert found.descriptors == tuple(map(describe, here.views))
        assert (found.tiles is None) == (here.tiles is None)
        assert found.tiles is None or (found.tiles == here.tiles).all()


async def test_the_process_gives_all_key_frames_of_a_strip() -> None:
    decoder = Decoder(processes=1)
    frames = np.stack([np.full((224, 224, 3), 15 * number, np.uint8) for number in range(MOST_FRAMES)])
    found = (await decoder.decode(strip(frames), STRIP)).views
    assert [round(float(each.mean()) / 15) for each in found] == list(range(MOST_FRAMES))
    with pytest.raises(BadImage, match="cannot be decoded"):
        await decoder.decode(strip(frames)[:-20], STRIP)
    await decoder.close()


async def test_the_largest_picture_fits_into_the_memory_with_as_many_boxes_as_there_may_be() -> None:
    decoder, box = Decoder(processes=1, deadline_s=20), Box(x=0, y=0, width=1, height=1)
    assert len((await decoder.decode(LARGE, Wanted(views=(box,) * BOXES_LIMIT))).views) == BOXES_LIMIT
    await decoder.decode(LARGE, Wanted("full", tiles=True))
    assert peak_bytes(decoder.pids[0]) < MEMORY_BYTES
    await decoder.close()


@pytest.mark.parametrize("alpha", [90, 0], ids=["seen through", "clear"])
async def test_near_whole_boxes_of_the_largest_picture_are_no_copies_of_it(alpha: int) -> None:
    picture = Image.new("RGBA", (8_000, 5_000), (200, 30, 40, 255))
    picture.paste((20, 90, 200, alpha), (1_000, 400, 7_000, 4_600))
    boxes = tuple(Box(x=0.001 * number, y=0.002 * number, width=0.99, height=0.98) for number in range(BOXES_LIMIT))
    here = of_this_checkout(deadline_s=20)
    try:
        found = await here.decode(encoded(picture, compress_level=1), Wanted(views=boxes))
        assert (len(found.views), found.refused) == (BOXES_LIMIT, {})
        assert peak_bytes(here.pids[0]) < MEMORY_BYTES
    finally:
        await here.close()


@pytest.mark.parametrize(
    ("views", "tiles", "descriptors"),
    [(2, 0, 2), (1, 0, 0), (1.5, 0, 1), (1, 0.5, 1), (9, 0, 9)],
    ids=["more", "not described", "a part", "a part of a tile", "too many"],
)
async def test_a_process_that_gives_other_squares_than_those_asked_for_is_not_believed(
    views: float, tiles: float, descriptors: int
) -> None:
    counts = bytes(int(views * SQUARE_BYTES)), bytes(int(tiles * SQUARE_BYTES))
    decoded = Decoded(*counts, 9, 9, "JPEG", None, (bytes(PACKED_BYTES),) * descriptors, (), bytes(HASH_BYTES))
    packed = zlib.compress(frame(msgspec.msgpack.encode(decoded)))
    says = f"import zlib; sys.stdout.buffer.write(zlib.decompress({packed!r})); sys.stdout.flush()"
    assert (
        await refusal(child(READY + f"sys.stdin.buffer.read(4); {says}; sys.stdin.buffer.read()"), SMALL)
    ).reason == "crash"


@pytest.mark.parametrize("file", [b"<script>", b"RIFF\x04\0\0\0WEBP<script>", b""])
async def test_a_process_that_gives_anything_but_webp_files_is_not_believed(file: bytes) -> None:
    pixels = bytes(3 * SIDE**2)
    decoded = Decoded(
        pixels, b"", 9, 9, "JPEG", KeptFiles(file, None, 9, 9), (bytes(PACKED_BYTES),), (), bytes(HASH_BYTES)
    )
    answer = frame(msgspec.msgpack.encode(decoded))
    before, after = answer.split(pixels)
    says = f"sys.stdout.buffer.write({before!r} + bytes({len(pixels)}) + {after!r}); sys.stdout.flush()"
    program = READY + f"sys.stdin.buffer.read(4); {says}; sys.stdin.buffer.read()"
    assert (await refusal(child(program), SMALL)).reason == "crash"


async def test_the_descriptors_come_from_the_process() -> None:
    here = of_this_checkout()
    try:
        assert (await here.decode(SMALL)).descriptors == (describe(decode(SMALL).pixels),)
    finally:
        await here.close()


async def test_why_a_view_is_refused_comes_from_the_process() -> None:
    here, box, tiny = of_this_checkout(), Box(x=0, y=0, width=1, height=0.9), Box(x=0, y=0, width=0.01, height=1)
    try:
        found = await here.decode(SMALL, Wanted(views=(box, tiny, None)))
        assert len(found.views) == len(found.descriptors) == 2
        assert [(at, why.reason, str(why)[:33]) for at, why in found.refused.items()] == [
            (1, "box", "the box 0,0,0.01,1 is 1×48 pixels")
        ]
        with pytest.raises(BadImage, match=r"the box 0,0,0\.01,1 is 1×48 pixels"):
            await here.decode(SMALL, Wanted(views=(tiny,)))
    finally:
        await here.close()


@pytest.mark.parametrize(
    ("views", "place"), [(0, 0), (1, 0), (1, 8)], ids=["nothing is left", "it is there", "too many"]
)
async def test_a_process_that_refuses_what_it_may_not_is_not_believed(views: int, place: int) -> None:
    squares, said = bytes(views * SQUARE_BYTES), {place: Refused("blank", "no")}
    described = (bytes(PACKED_BYTES),) * views
    decoded = Decoded(squares, b"", 9, 9, "JPEG", None, described, (), bytes(HASH_BYTES), said)
    packed = zlib.compress(frame(msgspec.msgpack.encode(decoded)))
    says = f"import zlib; sys.stdout.buffer.write(zlib.decompress({packed!r})); sys.stdout.flush()"
    program = READY + f"sys.stdin.buffer.read(4); {says}; sys.stdin.buffer.read()"
    assert (await refusal(child(program), SMALL)).reason == "crash"


async def test_what_is_no_picture_is_refused_with_the_reason_and_the_process_goes_on(decoder: Decoder) -> None:
    before = decoder.pids
    with pytest.raises(BadImage, match="not JPEG, PNG") as caught:
        await decoder.decode(b"hello, I am a text")
    assert caught.value.reason == "not_an_image"
    assert (await decoder.decode(SMALL)).width == 64
    assert decoder.pids == before


@pytest.mark.parametrize(
    "data",
    [
        HEIC,
        encoded(NOISE, "AVIF", speed=10),
        encoded(NOISE, "JPEG", icc_profile=SWAPPED),
        encoded(NOISE.convert("CMYK"), "JPEG", icc_profile=press_of_red_cyan()),
        encoded(NOISE.convert("L"), "JPEG", icc_profile=linear_grey()),
        encoded(NOISE, "PNG", icc_profile=LINEAR),
        encoded(NOISE, "JPEG")[:-2],
        encoded(Image.new("RGB", (60, 60)), "GIF", save_all=True, append_images=[NOISE]),
        encoded(Image.new("RGB", (60, 60)), "WEBP", save_all=True, append_images=[NOISE.resize((60, 60))]),
    ],
    ids=["HEIC", "AVIF", "RGB", "CMYK", "grey", "PNG", "no end", "GIF", "WebP"],
)
async def test_all_that_a_picture_may_need_is_loaded_before_files_are_out_of_reach(
    decoder: Decoder, data: bytes
) -> None:
    before = decoder.pids
    assert ((await decoder.decode(data)).pixels == decode(data).pixels).all()
    assert decoder.pids == before


async def test_many_at_once_each_get_their_own_picture(decoder: Decoder) -> None:
    pictures = [encoded(Image.new("RGB", (30 + n, 30))) for n in range(20)]
    found = await asyncio.gather(*map(decoder.decode, pictures))
    assert [picture.width for picture in found] == [30 + n for n in range(20)]


@pytest.mark.skipif(not ROWS, reason="../shared/data/odd-images is not on this machine")
async def test_every_odd_file_has_the_outcome_it_has_here_and_the_process_stays_small(decoder: Decoder) -> None:
    before = decoder.pids
    for row in ROWS:
        data = (ODD_IMAGES / row["file"]).read_bytes()
        assert await outcome_of(decoder, data) == outcome_here(data), row["file"]
    assert decoder.pids == before
    assert peak_bytes(before[0]) < MEMORY_BYTES


async def outcome_of(decoder: Decoder, data: bytes) -> bytes | str:
    try:
        return (await decoder.decode(data)).pixels.tobytes()
    except BadImage as error:
        return error.reason


def outcome_here(data: bytes) -> bytes | str:
    try:
        return decode(data).pixels.tobytes()
    except BadImage as error:
        return error.reason


async def test_the_largest_picture_that_is_accepted_fits_into_the_memory(decoder: Decoder) -> None:
    assert (await decoder.decode(LARGE)).width == 8_000
    assert peak_bytes(decoder.pids[0]) < MEMORY_BYTES


async def test_the_largest_pictures_fit_into_the_memory_with_what_is_kept_of_them() -> None:
    decoder = Decoder(processes=1, deadline_s=20)
    progressive = encoded(Image.effect_noise((7_000, 5_700), 60).convert("RGB"), "JPEG", quality=40, progressive=True)
    for data, size in ((LARGE, (1024, 640)), (progressive, (875, 713))):
        kept = (await decoder.decode(data, Wanted("full"))).kept
        assert kept is not None
        assert (kept.width, kept.height) == size
    assert peak_bytes(decoder.pids[0]) < MEMORY_BYTES
    await decoder.close()


async def test_after_a_heic_the_largest_picture_still_fits() -> None:
    decoder = Decoder(processes=1, deadline_s=20)
    await decoder.decode(SMALL)
    before = address_space(decoder.pids[0])
    await decoder.decode(HEIC)
    assert address_space(decoder.pids[0]) - before < 20_000_000
    assert (await decoder.decode(LARGE)).width == 8_000
    await decoder.close()


def address_space(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmPeak"))


# Limits


async def test_a_picture_that_takes_too_long_is_refused_and_the_next_one_is_decoded() -> None:
    decoder = Decoder(processes=1, deadline_s=0.05)
    with pytest.raises(BadImage, match=r"over 0\.05 s") as caught:
        await decoder.decode(LARGE)
    assert caught.value.reason == "too_slow"
    assert (await decoder.decode(SMALL)).width == 64
    await decoder.close()


async def test_a_picture_that_takes_too_much_memory_is_refused() -> None:
    error = await refusal(Decoder(processes=1, memory_bytes=250_000_000), LARGE)
    assert error.reason == "too_much_memory"


@pytest.mark.parametrize(
    "program",
    ["import os; os.fork()", "import os; os.execv('/bin/true', ['true'])", "import subprocess; subprocess.run('true')"],
    ids=["fork", "exec", "subprocess"],
)
def test_a_process_can_start_no_other_process(program: str) -> None:
    confined = "from streams.uploads.no_new_processes import forbid_new_processes as forbid; assert forbid(); "
    done = subprocess.run([sys.executable, "-c", confined + program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "PermissionError" in done.stderr


def test_a_confined_process_may_start_threads() -> None:
    program = (
        "from streams.uploads.no_new_processes import forbid_new_processes; import threading\n"
        "assert forbid_new_processes()\n"
        "thread = threading.Thread(target=print, args=('done',)); thread.start(); thread.join()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "done\n"


async def test_the_process_can_open_no_file_and_knows_nothing_of_our_environment(decoder: Decoder) -> None:
    limits, files, environment = confinement(decoder.pids[0])
    assert [line.split()[3:5] for line in limits.splitlines() if "open files" in line] == [["3", "3"]]
    assert files == {"0", "1", "2"}
    assert environment == (b"OPENBLAS_NUM_THREADS=1\0MALLOC_MMAP_THRESHOLD_=4194304\0MALLOC_TRIM_THRESHOLD_=16777216\0")


def confinement(pid: int) -> tuple[str, set[str], bytes]:
    process = Path(f"/proc/{pid}")
    open_files = {file.name for file in (process / "fd").iterdir()}
    return (process / "limits").read_text(), open_files, (process / "environ").read_bytes()


# A process that ends, or worse


async def test_a_picture_that_crashes_two_processes_is_refused() -> None:
    error = await refusal(child(READY + "sys.stdin.buffer.read(4); os.abort()"), SMALL)
    assert (error.reason, "2 times" in str(error)) == ("crash", True)


async def test_a_process_killed_from_outside_costs_no_picture(decoder: Decoder) -> None:
    (before,) = decoder.pids
    os.kill(before, signal.SIGKILL)
    assert (await decoder.decode(SMALL)).width == 64
    assert decoder.pids != [before]


async def test_a_stopped_process_is_replaced() -> None:
    decoder = Decoder(processes=1, deadline_s=0.1)
    await decoder.start()
    (before,) = decoder.pids
    os.kill(before, signal.SIGSTOP)
    assert (await decoder.decode(SMALL)).width == 64
    assert gone(before)
    await decoder.close()


@pytest.mark.parametrize(
    "answer",
    [b"\x00\x00\x00\x01\xc1", b"\xff\xff\xff\xff", b"\x00\x00\x00\x02", b"\x00\x00\x00\x00"],
    ids=["no MessagePack", "too long", "cut off", "empty"],
)
async def test_an_answer_that_is_none_is_a_crash(answer: bytes) -> None:
    error = await refusal(child(READY + f"sys.stdin.buffer.read(4); os.write(1, {answer!r})"), SMALL)
    assert error.reason == "crash"


async def test_a_decoder_that_cannot_be_started_is_unavailable() -> None:
    for decoder in (child("raise SystemExit(1)"), Decoder(processes=1, command=("/no/such/program",))):
        with pytest.raises(DecoderUnavailable, match="can be started"):
            await decoder.decode(SMALL)
        await decoder.close()


async def test_a_cancelled_picture_does_not_answer_for_the_next_one(decoder: Decoder) -> None:
    task = asyncio.create_task(decoder.decode(LARGE))
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.wait({task})
    assert (await decoder.decode(SMALL)).width == 64


# The end


async def test_closing_ends_the_processes() -> None:
    decoder = Decoder()
    await decoder.start()
    pids = decoder.pids
    assert len(pids) == 2
    await decoder.close()
    assert decoder.pids == []
    assert all(gone(pid) for pid in pids)


OWNER = """
import asyncio, os, signal
from streams.uploads.decoder import Decoder
async def main():
    decoder = Decoder()
    await decoder.start()
    print(*decoder.pids, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""


async def test_the_processes_of_a_killed_worker_end_by_themselves() -> None:
    found = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", OWNER], stdout=subprocess.PIPE, check=False)
    pids = [int(pid) for pid in found.stdout.split()]
    assert len(pids) == 2
    await until(lambda: all(gone(pid) for pid in pids))


async def test_decoding_elsewhere_starts_no_process_for_each_picture(decoder: Decoder) -> None:
    picture = encoded(Image.effect_noise((640, 480), 60).convert("RGB"), "JPEG")

    async def here() -> None:
        await asyncio.to_thread(decode, picture)

    async def there() -> None:
        await decoder.decode(picture)

    # The best of many, taken in turns: what others do on this machine at the time does not count.
    fastest = {here: 60.0, there: 60.0}
    for _ in range(20):
        for way in fastest:
            began = time.perf_counter()
            await way()
            fastest[way] = min(fastest[way], time.perf_counter() - began)
    # A process takes ten times as long to start; how little it costs beyond that is no matter of a test.
    assert fastest[there] - fastest[here] < 0.05

"""TritonEncoder against a server that speaks Triton's gRPC and answers what a test tells it to."""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Self

import grpc.aio  # type: ignore[import-untyped]  # it has no types
import numpy as np
import pytest
from numpy.typing import NDArray
from tritonclient.grpc import service_pb2, service_pb2_grpc  # type: ignore[import-untyped]

from inference.encoders.encoder import Encoding
from inference.encoders.triton import TritonEncoder
from inference.errors import BadEmbedding, EncoderMismatch, EncoderUnavailable
from tests.harness.fakes import until

PIXELS = np.zeros((224, 224, 3), dtype=np.uint8)
UNIT = np.eye(256, dtype=np.float32)[:1]
JERSEY = [b"0.7:610:jersey", b"0.2:834:suit", b"0.03:9:ostrich", b"0.01:1:goldfish", b"0.01:2:shark"]


@dataclass
class Answer:
    """What the server does next."""

    embedding: bytes = UNIT.tobytes()
    shape: tuple[int, ...] = (1, 256)
    datatype: str = "FP32"
    classes: list[bytes] = field(default_factory=lambda: list(JERSEY))
    model_version: str = "1"
    #: None: the model has no such output.
    salience: NDArray[np.float32] | None = None
    status: grpc.StatusCode | None = None
    delay_s: float = 0.0

    @classmethod
    def of(cls, embeddings: NDArray[np.float32]) -> Self:
        """One that has a row for each of several pictures, all of the same classes."""
        return cls(embedding=embeddings.tobytes(), shape=embeddings.shape, classes=JERSEY * len(embeddings))


class Server(service_pb2_grpc.GRPCInferenceServiceServicer):  # type: ignore[misc]  # generated without types
    """A visual encoder of one version, with the answers of a script."""

    def __init__(self) -> None:
        self.answer = Answer()
        self.dimensions = 256
        self.outputs = ["embedding", "probabilities"]
        self.batch = 0
        self.pictures: list[int] = []
        self.running = 0
        self.most_running = 0

    async def ModelMetadata(self, request, context):  # type: ignore[no-untyped-def]  # noqa: N802
        if request.name != "visual_encoder":
            await context.abort(grpc.StatusCode.NOT_FOUND, f"unknown model {request.name}")
        output = service_pb2.ModelMetadataResponse.TensorMetadata
        shape = [-1, self.dimensions]
        outputs = [output(name=name, datatype="FP32", shape=shape) for name in self.outputs]
        return service_pb2.ModelMetadataResponse(versions=["1"], outputs=outputs)

    async def ModelConfig(self, request, context):  # type: ignore[no-untyped-def]  # noqa: N802
        response = service_pb2.ModelConfigResponse()
        response.config.parameters["encoder"].string_value = "efficientnet-lite0"
        response.config.max_batch_size = self.batch
        return response

    async def ModelReady(self, request, context):  # type: ignore[no-untyped-def]  # noqa: N802
        return service_pb2.ModelReadyResponse(ready=self.answer.status is None)

    async def ModelInfer(self, request, context):  # type: ignore[no-untyped-def]  # noqa: N802
        answer = self.answer
        self.pictures.append(request.inputs[0].shape[0])
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        await asyncio.sleep(answer.delay_s)
        self.running -= 1
        if answer.status is not None:
            await context.abort(answer.status, "as the test said")
        response = service_pb2.ModelInferResponse(model_version=answer.model_version)
        if [output.name for output in request.outputs] == ["salience"]:
            if (salience := answer.salience) is None:
                message = "unexpected inference output 'salience' for model 'visual_encoder'"
                return await context.abort(grpc.StatusCode.INVALID_ARGUMENT, message)
            response.outputs.add(name="salience", datatype="FP32", shape=salience.shape)
            response.raw_output_contents.append(salience.tobytes())
            return response
        response.outputs.add(name="embedding", datatype=answer.datatype, shape=answer.shape)
        rows = answer.shape[0]
        if "probabilities" not in [output.name for output in request.outputs]:
            response.raw_output_contents.append(answer.embedding)
            return response
        response.outputs.add(name="probabilities", datatype="BYTES", shape=[rows, len(answer.classes) // rows])
        packed = b"".join(struct.pack("<I", len(entry)) + entry for entry in answer.classes)
        response.raw_output_contents.extend([answer.embedding, packed])
        return response


@dataclass
class Rig:
    server: Server
    address: str
    stop: Callable[[], object]


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    server = Server()
    listener = grpc.aio.server()
    service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(server, listener)
    port = listener.add_insecure_port("127.0.0.1:0")
    await listener.start()
    yield Rig(server, f"127.0.0.1:{port}", listener.stop)
    await listener.stop(None)


async def test_a_model_that_is_no_classifier_gives_no_tags(rig: Rig) -> None:
    rig.server.outputs = ["embedding"]
    async with await TritonEncoder.connect(rig.address) as encoder:
        encoding = await encoder.encode(PIXELS)
        no_map = await encoder.salience(PIXELS)

    np.testing.assert_array_equal(encoding.embedding, UNIT[0])
    assert (encoding.tags, no_map) == ((), None)


async def test_an_answer_becomes_an_embedding_its_likely_tags_and_the_version(rig: Rig) -> None:
    async with await TritonEncoder.connect(rig.address) as encoder:
        encoding = await encoder.encode(PIXELS)

    np.testing.assert_array_equal(encoding.embedding, UNIT[0])
    assert encoding.tags == (("jersey", 0.7), ("suit", 0.2))
    assert encoding.version == "efficientnet-lite0@1"


async def test_of_two_classes_with_one_name_the_likelier_counts(rig: Rig) -> None:
    rig.server.answer.classes = [b"0.6:134:crane", b"0.3:517:crane"]
    async with await TritonEncoder.connect(rig.address) as encoder:
        assert (await encoder.encode(PIXELS)).tags == (("crane", 0.6),)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Answer(embedding=np.full((1, 256), np.nan, np.float32).tobytes()), "NaN"),
        (Answer(embedding=np.full((1, 256), np.inf, np.float32).tobytes()), "Inf"),
        (Answer(embedding=bytes(1024)), "length 0"),
        (Answer(embedding=(UNIT * 2).tobytes()), "length 2"),
        (Answer(embedding=UNIT[:, :128].tobytes(), shape=(1, 128)), r"float32 \(1, 128\)"),
        (Answer(embedding=np.tile(UNIT, (2, 1)).tobytes(), shape=(2, 256)), r"\(2, 256\)"),
        (Answer(embedding=UNIT.astype(np.float64).tobytes(), datatype="FP64"), "float64"),
        (Answer(embedding=b""), "cannot be read"),
        (Answer(model_version="2"), "version '2'"),
        (Answer(classes=[b"610:jersey"]), "probability:index:name"),
        (Answer(classes=[b"\xff:610:jersey"]), "probability:index:name"),
        (Answer(classes=[b"7:610:jersey"]), r"outside 0\.\.1"),
        (Answer(classes=[b"nan:610:jersey"]), r"outside 0\.\.1"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_an_unusable_answer_is_refused_for_good(rig: Rig, answer: Answer, message: str) -> None:
    rig.server.answer = answer
    async with await TritonEncoder.connect(rig.address) as encoder:
        with pytest.raises(BadEmbedding, match=message):
            await encoder.encode(PIXELS)


@pytest.mark.parametrize(
    "status",
    [
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.NOT_FOUND,
    ],
)
async def test_a_server_that_cannot_answer_is_unavailable(rig: Rig, status: grpc.StatusCode) -> None:
    async with await TritonEncoder.connect(rig.address) as encoder:
        rig.server.answer.status = status
        with pytest.raises(EncoderUnavailable, match=status.name):
            await encoder.encode(PIXELS)
        assert not await encoder.ready()


async def test_a_call_past_its_deadline_is_unavailable(rig: Rig) -> None:
    async with await TritonEncoder.connect(rig.address, timeout_s=0.2) as encoder:
        rig.server.answer.delay_s = 5
        with pytest.raises(EncoderUnavailable, match="DEADLINE_EXCEEDED"):
            await encoder.encode(PIXELS)


async def test_the_salience_of_a_picture_is_asked_for_alone(rig: Rig) -> None:
    known = rig.server.answer.salience = np.arange(196, dtype=np.float32).reshape(1, 14, 14)
    async with await TritonEncoder.connect(rig.address) as encoder:
        found = await encoder.salience(PIXELS)

    assert found is not None
    np.testing.assert_array_equal(found, known[0])


async def test_a_model_of_a_release_before_has_no_salience_and_still_encodes(rig: Rig) -> None:
    async with await TritonEncoder.connect(rig.address) as encoder:
        assert await encoder.salience(PIXELS) is None
        assert (await encoder.encode(PIXELS)).version == "efficientnet-lite0@1"


@pytest.mark.parametrize(
    ("salience", "message"),
    [
        (np.full((1, 14, 14), np.nan, np.float32), "NaN"),
        (np.zeros((1, 14, 7), np.float32), "not square"),
        (np.zeros((1, 0, 0), np.float32), "not square"),
        (np.zeros((2, 14, 14), np.float32), "no salience map"),
        (np.zeros((1, 196), np.float32), "no salience map"),
    ],
    ids=["NaN", "not square", "empty", "of two pictures", "flat"],
)
async def test_an_unusable_map_is_refused_for_good(rig: Rig, salience: NDArray[np.float32], message: str) -> None:
    rig.server.answer.salience = salience
    async with await TritonEncoder.connect(rig.address) as encoder:
        with pytest.raises(BadEmbedding, match=message):
            await encoder.salience(PIXELS)


async def test_without_a_server_there_is_no_salience_yet(rig: Rig) -> None:
    async with await TritonEncoder.connect(rig.address) as encoder:
        rig.server.answer.status = grpc.StatusCode.UNAVAILABLE
        with pytest.raises(EncoderUnavailable, match="UNAVAILABLE"):
            await encoder.salience(PIXELS)


async def test_no_more_calls_run_at_once_than_allowed(rig: Rig) -> None:
    rig.server.answer.delay_s = 0.02
    async with await TritonEncoder.connect(rig.address, inflight=3) as encoder:
        await asyncio.gather(*(encoder.encode(PIXELS) for _ in range(12)))

        assert rig.server.most_running == 3
        assert encoder.inflight == 0


async def test_pictures_that_wait_go_together_in_the_next_call(rig: Rig) -> None:
    rig.server.batch, rig.server.answer = 8, Answer(delay_s=0.2)
    async with await TritonEncoder.connect(rig.address, inflight=1) as encoder:
        first = asyncio.create_task(encoder.encode(PIXELS))
        await until(lambda: rig.server.running == 1)
        vectors = np.eye(256, dtype=np.float32)[:3]
        rest = [asyncio.create_task(encoder.encode(PIXELS)) for _ in vectors]
        rig.server.answer = Answer.of(vectors)
        await first
        found = await asyncio.gather(*rest)

    assert rig.server.pictures == [1, 3]
    np.testing.assert_array_equal([encoding.embedding for encoding in found], vectors)


async def test_of_pictures_in_one_call_only_the_one_is_refused_whose_answer_cannot_be_used(rig: Rig) -> None:
    rig.server.batch, rig.server.answer = 8, Answer(delay_s=0.2)
    async with await TritonEncoder.connect(rig.address, inflight=1) as encoder:
        first = asyncio.create_task(encoder.encode(PIXELS))
        await until(lambda: rig.server.running == 1)
        rest = [asyncio.create_task(encoder.encode(PIXELS)) for _ in range(2)]
        rig.server.answer = Answer.of(np.concatenate([2 * UNIT, UNIT]))
        await first
        refused, encoded = await asyncio.gather(*rest, return_exceptions=True)

    assert isinstance(refused, BadEmbedding)
    assert isinstance(encoded, Encoding)


async def test_a_server_that_ended_is_unavailable(rig: Rig) -> None:
    async with await TritonEncoder.connect(rig.address) as encoder:
        await rig.stop(None)  # type: ignore[call-arg,misc]  # grpc's stop takes a grace

        assert not await encoder.ready()
        with pytest.raises(EncoderUnavailable, match="visual_encoder"):
            await encoder.encode(PIXELS)


async def test_every_call_is_observed_with_its_outcome(rig: Rig) -> None:
    seen: list[tuple[str, float]] = []
    answers = {"ok": Answer(), "invalid": Answer(embedding=bytes(1024))}
    answers["unavailable"] = Answer(status=grpc.StatusCode.UNAVAILABLE)
    connect = TritonEncoder.connect(rig.address, observe=lambda outcome, s: seen.append((outcome, s)))
    async with await connect as encoder:
        for rig.server.answer in answers.values():
            with contextlib.suppress(BadEmbedding, EncoderUnavailable):
                await encoder.encode(PIXELS)

    assert [outcome for outcome, _ in seen] == ["ok", "invalid", "unavailable"]
    assert all(seconds > 0 for _, seconds in seen)


async def test_other_dimensions_than_the_settings_say_stop_at_the_start(rig: Rig) -> None:
    rig.server.dimensions = 512
    with pytest.raises(EncoderMismatch, match=r"SIGHTLINE_DIMENSIONS is 256 .* gives \[-1, 512\]"):
        await TritonEncoder.connect(rig.address)


async def test_an_unknown_model_is_unavailable_by_name(rig: Rig) -> None:
    with pytest.raises(EncoderUnavailable, match=r"'nothing' .*NOT_FOUND.*run `sightline export-model --name nothing`"):
        await TritonEncoder.connect(rig.address, model="nothing")


async def test_nobody_listening_is_unavailable_by_address() -> None:
    with pytest.raises(EncoderUnavailable, match=r"127\.0\.0\.1:1 "):
        await TritonEncoder.connect("127.0.0.1:1", timeout_s=2)

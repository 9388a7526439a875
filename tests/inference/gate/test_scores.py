"""TritonScores against a server that speaks Triton's gRPC, and answers what a test tells it to."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import grpc.aio  # type: ignore[import-untyped]  # it has no types
import numpy as np
import pytest
from tritonclient.grpc import service_pb2, service_pb2_grpc  # type: ignore[import-untyped]

from inference.errors import BadScore, EncoderUnavailable
from inference.gate.scores import TritonScores

PICTURES = np.zeros((3, 224, 224, 3), np.uint8)


class Server(service_pb2_grpc.GRPCInferenceServiceServicer):  # type: ignore[misc]  # generated without types
    """A safety model with the scores and the tensors of a script."""

    def __init__(self) -> None:
        self.scores = [0.1, 0.9, 0.5]
        self.answered = "FP32"
        self.pixels: tuple[str, list[int]] = ("UINT8", [-1, 224, 224, 3])
        self.output: tuple[str, str, list[int]] = ("unsafe", "FP32", [-1, 1])
        self.batch = 8
        self.is_away = False

    async def ModelMetadata(self, request, context):  # type: ignore[no-untyped-def]  # noqa: N802
        if self.is_away or request.name != "safety":
            await context.abort(grpc.StatusCode.NOT_FOUND, f"unknown model {request.name}")
        tensor = service_pb2.ModelMetadataResponse.TensorMetadata
        (datatype, shape), (name, of, to) = self.pixels, self.output
        return service_pb2.ModelMetadataResponse(
            versions=["1"],
            inputs=[tensor(name="pixels", datatype=datatype, shape=shape)],
            outputs=[tensor(name=name, datatype=of, shape=to)],
        )

    async def ModelConfig(self, request, context):  # type: ignore[no-untyped-def]  # noqa: N802
        response = service_pb2.ModelConfigResponse()
        response.config.max_batch_size = self.batch
        return response

    async def ModelInfer(self, request, context):  # type: ignore[no-untyped-def]  # noqa: N802
        if self.is_away:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the model is not loaded")
        count = request.inputs[0].shape[0]
        response = service_pb2.ModelInferResponse(model_version="1")
        response.outputs.add(name=self.output[0], datatype=self.answered, shape=[count, 1])
        response.raw_output_contents.append(np.array(self.scores[:count], np.float32).tobytes())
        return response


@dataclass
class Rig:
    server: Server
    safety: TritonScores
    outcomes: list[str]


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    server, outcomes = Server(), list[str]()
    listener = grpc.aio.server()
    service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(server, listener)
    port = listener.add_insecure_port("127.0.0.1:0")
    await listener.start()
    safety = TritonScores(
        f"127.0.0.1:{port}", "unsafe", timeout_s=20, observe=lambda outcome, _: outcomes.append(outcome)
    )
    yield Rig(server, safety, outcomes)
    await safety.close()
    await listener.stop(None)


async def test_each_picture_has_its_score(rig: Rig) -> None:
    np.testing.assert_allclose(await rig.safety.score(PICTURES), [0.1, 0.9, 0.5], rtol=1e-6)
    assert rig.outcomes == ["ok"] * 3


@pytest.mark.parametrize("score", [float("nan"), float("inf"), -0.1, 1.5])
async def test_a_score_that_is_none_is_that_of_its_picture_alone(rig: Rig, score: float) -> None:
    rig.server.scores = [score]
    with pytest.raises(BadScore, match="not between 0 and 1"):
        await rig.safety.score(PICTURES[:1])
    assert rig.outcomes == ["invalid"]


async def test_a_model_that_is_away_is_unavailable_and_found_again(rig: Rig) -> None:
    rig.server.is_away = True
    with pytest.raises(EncoderUnavailable, match="unknown model safety"):
        await rig.safety.score(PICTURES)
    assert rig.outcomes == ["unavailable"] * 3
    rig.server.is_away = False
    assert len(await rig.safety.score(PICTURES)) == 3


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"pixels": ("FP32", [-1, 3, 224, 224])}, "FP32"),
        ({"output": ("nsfw", "FP32", [-1, 1])}, "nsfw"),
        ({"output": ("unsafe", "FP32", [-1, 2])}, r"\[-1, 2\]"),
        ({"output": ("unsafe", "FP64", [-1, 1])}, "FP64"),
        ({"batch": 4}, "batches of 4"),
        ({"batch": 0}, "batches of 0"),
    ],
)
async def test_another_contract_is_refused_by_name_until_it_is_mended(
    rig: Rig, changed: dict[str, object], named: str
) -> None:
    good = {name: getattr(rig.server, name) for name in changed}
    for name, value in changed.items():
        setattr(rig.server, name, value)
    with pytest.raises(EncoderUnavailable, match=f"{named}.*sightline export-model --safety"):
        await rig.safety.check()
    with pytest.raises(EncoderUnavailable):
        await rig.safety.score(PICTURES)
    for name, value in good.items():
        setattr(rig.server, name, value)
    await rig.safety.check()
    assert len(await rig.safety.score(PICTURES)) == 3


async def test_a_model_that_comes_back_as_another_one_is_looked_at_again(rig: Rig) -> None:
    await rig.safety.score(PICTURES)
    rig.server.is_away = True
    with pytest.raises(EncoderUnavailable, match="not loaded"):
        await rig.safety.score(PICTURES)
    rig.server.is_away, rig.server.batch = False, 2
    with pytest.raises(EncoderUnavailable, match="batches of 2"):
        await rig.safety.score(PICTURES)


async def test_an_answer_of_another_type_than_promised_is_unavailable(rig: Rig) -> None:
    rig.server.answered = "INT32"
    with pytest.raises(EncoderUnavailable, match="answers as 'safety' with something else"):
        await rig.safety.score(PICTURES)


async def test_nobody_listening_is_unavailable_by_address() -> None:
    safety = TritonScores("127.0.0.1:1", "unsafe", timeout_s=0.5)
    with pytest.raises(EncoderUnavailable, match=r"127\.0\.0\.1:1 did not run model 'safety'"):
        await safety.check()
    await safety.close()

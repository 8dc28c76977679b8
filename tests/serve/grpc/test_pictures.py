"""PNG and JPEG over gRPC: tensors of BYTES that say what they hold, as over REST."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import numpy as np
import pytest
from tests.serve.conftest import serving
from tests.serve.test_images import PIXELS, VALUE, packed, write_brightness

from aimass.serve.grpc.messages import CLASSES

Ask = Callable[[Any], Any]
SERVICE = "/inference.GRPCInferenceService/"


@pytest.fixture(scope="module")
def channel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[grpc.Channel]:
    folder = write_brightness(tmp_path_factory.mktemp("pictures") / "m")
    with (
        serving(str(folder), "--name", "brightness") as server,
        grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        yield channel


@pytest.fixture
def ask(channel: grpc.Channel) -> Ask:
    reads = CLASSES["ModelInferResponse"].FromString
    method = channel.unary_unary(SERVICE + "ModelInfer", lambda sent: sent.SerializeToString(), reads)
    return lambda asked: method(asked, timeout=30)


def request(pictures: list[bytes], *, raw: bool, kind: str = "image/png", **said: bool) -> Any:
    asked = CLASSES["ModelInferRequest"](model_name="brightness")
    tensor = asked.inputs.add(name="image", datatype="BYTES", shape=[len(pictures)])
    tensor.parameters["content_type"].string_param = kind
    for name, value in said.items():
        tensor.parameters[name].bool_param = value
    if raw:
        asked.raw_input_contents.append(b"".join(struct.pack("<I", len(one)) + one for one in pictures))
    else:
        tensor.contents.bytes_contents.extend(pictures)
    return asked


def values(answer: Any) -> list[float]:
    raw = answer.raw_output_contents
    return np.frombuffer(raw[0], np.float32).tolist() if raw else list(answer.outputs[0].contents.fp32_contents)


@pytest.mark.parametrize("raw", [True, False])
def test_rows_of_pictures_are_answered_one_by_one(raw: bool, ask: Ask) -> None:
    for more in (10, 20):  # nothing of the first is taken for the second
        pictures = [packed(), packed(PIXELS + more), packed()]
        answer = ask(request(pictures, raw=raw))
        assert values(answer) == [VALUE, VALUE + more, VALUE]
        assert bool(answer.raw_output_contents) is raw


def test_pixels_and_pictures_are_told_apart(ask: Ask) -> None:
    pixels = CLASSES["ModelInferRequest"](model_name="brightness", raw_input_contents=[PIXELS.tobytes()])
    pixels.inputs.add(name="image", datatype="UINT8", shape=[1, *PIXELS.shape])
    for _ in range(3):
        assert values(ask(pixels)) == values(ask(request([packed()], raw=True))) == [VALUE]


def test_another_size_is_refused_unless_it_is_to_be_scaled(ask: Ask) -> None:
    large = [packed(np.full((40, 30, 1), 80, np.uint8), "JPEG")]
    assert values(ask(request(large, raw=True, kind="image/jpeg", resize=True))) == pytest.approx([80], abs=2)
    with pytest.raises(grpc.RpcError, match="40 x 30, the model takes 4 x 3"):
        ask(request(large, raw=True, kind="image/jpeg"))


@pytest.mark.parametrize("raw", [True, False])
@pytest.mark.parametrize(
    ("pictures", "kind", "says"),
    [
        ([packed()], "", "content_type ''"),
        ([packed()], "image/gif", "image/gif"),
        ([packed(), packed()[:40]], "image/png", "record 1: field 'image' is a damaged picture"),
        ([b"text"], "image/png", "not a picture"),
    ],
)
def test_what_is_wrong_with_a_picture_is_told(pictures: list[bytes], kind: str, says: str, raw: bool, ask: Ask) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        ask(request(pictures, raw=raw, kind=kind))
    assert caught.value.code().name == "INVALID_ARGUMENT" and says in caught.value.details()


def test_pictures_of_a_stream_are_answered(channel: grpc.Channel) -> None:
    reads = CLASSES["ModelStreamInferResponse"].FromString
    method = channel.stream_stream(SERVICE + "ModelStreamInfer", lambda sent: sent.SerializeToString(), reads)
    wrong = request([b"text"], raw=True)
    asked = [request([packed()], raw=True), wrong, request([packed(PIXELS + 10)] * 2, raw=True)]
    found = list(method(iter(asked), timeout=30))
    assert sorted(values(one.infer_response) for one in found if not one.error_message) == [[VALUE], [VALUE + 10] * 2]
    assert sum("not a picture" in one.error_message for one in found) == 1


def test_what_a_tensor_asks_for_and_cannot_have_is_refused(ask: Ask) -> None:
    asked = request([packed()], raw=True)
    asked.inputs[0].parameters["shared_memory_region"].string_param = "mine"
    with pytest.raises(grpc.RpcError, match="shared_memory_region"):
        ask(asked)

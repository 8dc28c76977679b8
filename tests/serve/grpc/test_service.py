"""The gRPC service of a real server, asked by grpcio."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from tests.serve.conftest import SEEN, WORD, running

from aimass.serve.grpc.messages import CLASSES

Ask = Callable[..., Any]
SIZES = (0.5, -2.0)
COLOURS = ("red", "é")


@pytest.fixture(scope="module")
def ask(folder: Path) -> Iterator[Ask]:
    """Calls a method with a message."""
    with running(folder, "--version", "3") as server, grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:

        def call(method: str, message: Any = None, timeout: float = 30, **fields: Any) -> Any:
            path = f"/inference.GRPCInferenceService/{method}"
            reads = CLASSES[f"{method}Response"].FromString
            method_of = channel.unary_unary(path, lambda sent: sent.SerializeToString(), reads)
            return method_of(message or CLASSES[f"{method}Request"](**fields), timeout=timeout)

        yield call


def request(*, raw: bool, sizes: tuple[float, ...] = SIZES, **fields: Any) -> Any:
    asked = CLASSES["ModelInferRequest"](model_name="flights", **fields)
    rows = len(sizes)
    for name, kind in (("size", "FP64"), (WORD, "BYTES"), ("seen", "INT64")):
        asked.inputs.add(name=name, datatype=kind, shape=[rows])
    texts = [colour.encode() for colour in COLOURS[:rows]]
    if raw:
        packed = b"".join(struct.pack("<I", len(text)) + text for text in texts)
        seen = np.arange(SEEN, SEEN + rows).tobytes()
        asked.raw_input_contents.extend([np.array(sizes).tobytes(), packed, seen])
    else:
        asked.inputs[0].contents.fp64_contents.extend(sizes)
        asked.inputs[1].contents.bytes_contents.extend(texts)
        asked.inputs[2].contents.int64_contents.extend(range(SEEN, SEEN + rows))
    return asked


def expected(engine: Callable[..., dict[str, np.ndarray]], sizes: tuple[float, ...] = SIZES) -> dict[str, np.ndarray]:
    rows = len(sizes)
    return engine(list(sizes), list(COLOURS[:rows]), list(range(SEEN, SEEN + rows)))


def test_raw_values_are_answered_raw(ask: Ask, engine: Any) -> None:
    for _ in range(3):  # the second time it is known
        answer = ask("ModelInfer", request(raw=True))
        assert (answer.model_name, answer.model_version) == ("flights", "3")
        assert [(output.name, list(output.shape)) for output in answer.outputs] == [
            ("label", [2]),
            ("probabilities", [2, 2]),
        ]
        found = np.frombuffer(answer.raw_output_contents[1], np.float32).reshape(2, 2)
        np.testing.assert_array_equal(found, expected(engine)["probabilities"])


def test_typed_values_are_answered_typed_and_outputs_are_chosen(ask: Ask, engine: Any) -> None:
    asked = request(raw=False, id="mine")
    asked.outputs.add(name="probabilities")
    answer = ask("ModelInfer", asked)
    assert answer.id == "mine" and not answer.raw_output_contents and len(answer.outputs) == 1
    found = np.array(answer.outputs[0].contents.fp32_contents, np.float32).reshape(2, 2)
    np.testing.assert_array_equal(found, expected(engine)["probabilities"])


def test_every_caller_gets_its_own_rows(ask: Ask, engine: Any) -> None:
    def one(i: int) -> bool:
        sizes = (i / 100,)
        answer = ask("ModelInfer", request(raw=i % 2 == 0, sizes=sizes))
        raw = answer.raw_output_contents
        found = np.frombuffer(raw[1], np.float32) if raw else answer.outputs[1].contents.fp32_contents
        return bool(np.allclose(found, expected(engine, sizes)["probabilities"].ravel()))

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(one, range(200)))


def test_what_the_server_and_its_models_are(ask: Ask) -> None:
    assert ask("ServerLive").live and ask("ServerReady").ready and ask("ModelReady", name="flights").ready
    assert ask("ServerMetadata").name == "aimass"
    facts = ask("ModelMetadata", name="flights", version="3")
    size = facts.inputs[0]
    assert (size.name, size.datatype, list(size.shape)) == ("size", "FP64", [-1])
    assert list(ask("ModelConfig", name="flights").config.input[1].dims) == [-1]
    assert [model.name for model in ask("RepositoryIndex").models] == ["flights"]
    ask("ModelInfer", request(raw=True))
    stats = ask("ModelStatistics", name="flights").model_stats[0]
    assert stats.inference_count >= 2 and stats.inference_stats.success.count >= stats.inference_stats.queue.count > 0
    assert stats.inference_stats.compute_infer.ns > 0 and stats.last_inference > 1_700_000_000_000
    assert sum(size.batch_size * size.compute_infer.count for size in stats.batch_stats) == stats.inference_count


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        (lambda asked: setattr(asked, "model_name", "flight"), "NOT_FOUND", "did you mean 'flights'"),
        (lambda asked: setattr(asked, "model_version", "9"), "NOT_FOUND", "version '9'"),
        (lambda asked: asked.inputs.pop(), "INVALID_ARGUMENT", "raw values"),
        (lambda asked: setattr(asked.inputs[0], "datatype", "FP32"), "INVALID_ARGUMENT", "FP64"),
        (lambda asked: asked.raw_input_contents.append(b"more"), "INVALID_ARGUMENT", "raw values"),
        (lambda asked: asked.outputs.add(name="nothing"), "INVALID_ARGUMENT", "nothing"),
        (lambda asked: setattr(asked.parameters["explain"], "bool_param", True), "INVALID_ARGUMENT", "over gRPC"),
    ],
)
def test_a_wrong_request_is_told_what_is_wrong(change: Any, code: str, says: str, ask: Ask) -> None:
    asked = request(raw=True)
    change(asked)
    with pytest.raises(grpc.RpcError) as caught:
        ask("ModelInfer", asked)
    assert caught.value.code().name == code and says in caught.value.details()
    assert ask("ServerLive").live

"""grpc.health.v1.Health of a real server, asked by grpcio; and calls that are open when the server ends."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from tests.serve.conftest import Running, running
from tests.serve.grpc.test_service import request

from aimass.serve.grpc.health import MESSAGES, NOT_SERVING, SERVICE_UNKNOWN, SERVING
from aimass.serve.grpc.messages import CLASSES

Channel = Any


def serialized(message: Any) -> bytes:
    return bytes(message.SerializeToString())


def ask(channel: Channel, method: str, service: str = "") -> Any:
    make = channel.unary_stream if method == "Watch" else channel.unary_unary
    call = make(f"/grpc.health.v1.Health/{method}", serialized, MESSAGES["HealthCheckResponse"].FromString)
    return call(MESSAGES["HealthCheckRequest"](service=service), timeout=30)


@pytest.fixture
def served(folder: Path) -> Iterator[tuple[Running, Channel]]:
    with running(folder) as server, grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield server, channel


def test_the_server_is_checked(served: tuple[Running, Channel]) -> None:
    _, channel = served
    for service in ("", "inference.GRPCInferenceService"):
        assert ask(channel, "Check", service).status == SERVING
    with pytest.raises(grpc.RpcError) as caught:
        ask(channel, "Check", "flights")
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND


def test_open_calls_end_with_the_server_and_do_not_hold_it_up(served: tuple[Running, Channel]) -> None:
    server, channel = served
    watched, unknown = ask(channel, "Watch"), ask(channel, "Watch", "flights")
    assert next(watched).status == SERVING and next(unknown).status == SERVICE_UNKNOWN

    def requests() -> Iterator[Any]:
        yield request(raw=True)
        time.sleep(60)  # the caller has nothing to say and does not end

    path = "/inference.GRPCInferenceService/ModelStreamInfer"
    stream = channel.stream_stream(path, serialized, CLASSES["ModelStreamInferResponse"].FromString)(requests())
    assert next(stream).infer_response.raw_output_contents
    begun = time.monotonic()
    code, said = server.end()
    assert code == 0 and not said
    assert time.monotonic() - begun < 15  # far under the time that requests under way are given
    assert next(watched).status == NOT_SERVING
    for call in (watched, stream):
        with pytest.raises(grpc.RpcError) as caught:
            next(call)
        assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
    stream.cancel()

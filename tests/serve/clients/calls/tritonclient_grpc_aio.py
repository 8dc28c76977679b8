"""The same over gRPC with asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import tritonclient.grpc.aio as grpc
from tritonclient.utils import InferenceServerException
from tritonclient_grpc import A, B, _inputs, _same


async def the_server_and_its_models_say_what_they_are(url: str) -> None:
    async with grpc.InferenceServerClient(url) as client:
        assert (
            await client.is_server_live() and await client.is_server_ready() and await client.is_model_ready("simple")
        )
        assert (await client.get_server_metadata()).name == "aimass"
        assert (await client.get_model_metadata("simple")).outputs[0].datatype == "INT32"
        assert (await client.get_model_config("simple")).config.name == "simple"
        assert (await client.get_model_repository_index()).models
        assert (await client.get_inference_statistics("simple")).model_stats


async def many_ask_at_once(url: str) -> None:
    async with grpc.InferenceServerClient(url) as client:
        asked = [client.infer("simple", _inputs(A + i, B * i)) for i in range(64)]
        for i, result in enumerate(await asyncio.gather(*asked)):
            _same(result, A + i, B * i)


async def a_model_nobody_knows_is_refused(url: str) -> None:
    async with grpc.InferenceServerClient(url) as client:
        try:
            await client.infer("wrong_model_name", _inputs())
        except InferenceServerException as error:
            assert error.message().startswith("Request for unknown model") and "NOT_FOUND" in error.status()
        else:
            raise AssertionError("it was answered")


async def a_stream_answers_every_request_and_ends_with_the_last(url: str) -> None:
    async def requests() -> AsyncIterator[dict[str, Any]]:
        for i in range(200):
            name = "wrong_model_name" if i == 100 else "simple"
            yield {"model_name": name, "inputs": _inputs(A + i, B), "request_id": str(i)}

    good = bad = 0
    async with grpc.InferenceServerClient(url) as client:
        async for result, error in client.stream_infer(requests()):
            if error is not None:
                assert "unknown model" in error.message()
                bad += 1
                continue
            _same(result, A + int(result.get_response().id), B)
            good += 1
    assert (good, bad) == (199, 1)

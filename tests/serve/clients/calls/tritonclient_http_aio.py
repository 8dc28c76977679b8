"""The same over HTTP with asyncio."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import tritonclient.http.aio as http
from tritonclient.utils import InferenceServerException
from tritonclient_http import A, B, _inputs, _same, _wanted


async def the_server_and_its_models_say_what_they_are(url: str) -> None:
    async with http.InferenceServerClient(url) as client:
        assert (
            await client.is_server_live() and await client.is_server_ready() and await client.is_model_ready("simple")
        )
        assert (await client.get_server_metadata())["name"] == "aimass"
        assert (await client.get_model_metadata("simple"))["outputs"][0]["datatype"] == "INT32"
        assert (await client.get_model_config("simple"))["name"] == "simple"
        assert any(one["name"] == "simple" for one in await client.get_model_repository_index())
        assert (await client.get_inference_statistics("simple"))["model_stats"]


async def many_ask_at_once(url: str) -> None:
    async with http.InferenceServerClient(url) as client:
        asked = [client.infer("simple", _inputs(A + i, B * i)) for i in range(64)]
        for i, result in enumerate(await asyncio.gather(*asked)):
            _same(result, A + i, B * i)


async def bodies_are_packed_on_both_ways(url: str) -> None:
    a, b = np.random.default_rng(1).integers(0, 9, (2, 300, 16), dtype=np.int32)
    async with http.InferenceServerClient(url) as client:
        for how in ("gzip", "deflate"):
            for binary in (True, False):
                options: dict[str, Any] = {"outputs": _wanted(binary_data=binary)}
                options |= {"request_compression_algorithm": how, "response_compression_algorithm": how}
                _same(await client.infer("simple", _inputs(a, b, binary_data=binary), **options), a, b)


async def a_model_nobody_knows_is_refused(url: str) -> None:
    async with http.InferenceServerClient(url) as client:
        try:
            await client.infer("wrong_model_name", _inputs())
        except InferenceServerException as error:
            assert error.message().startswith("Request for unknown model") and error.status() == "404"
        else:
            raise AssertionError("it was answered")

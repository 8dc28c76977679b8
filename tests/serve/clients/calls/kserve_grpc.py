"""What programs do with KServe's InferenceGRPCClient."""

from __future__ import annotations

import grpc
import numpy as np
from kserve import InferenceGRPCClient, InferInput, InferRequest
from kserve_rest import A, B, _request


async def the_server_and_its_models_are_ready(url: str) -> None:
    async with InferenceGRPCClient(url) as client:
        assert (
            await client.is_server_live() and await client.is_server_ready() and await client.is_model_ready("simple")
        )


async def raw_tensors_are_answered(url: str) -> None:
    async with InferenceGRPCClient(url) as client:
        for headers in (None, [("x-request-id", "mine")]):
            answer = await client.infer(_request(binary=True), headers=headers)
            found = {output.name: output.as_numpy() for output in answer.outputs}
            np.testing.assert_array_equal(found["OUTPUT0"], A + B)
            np.testing.assert_array_equal(found["OUTPUT1"], A - B)


async def typed_tensors_are_answered(url: str) -> None:
    inputs = [
        InferInput(name, [2, 16], "INT32", array.ravel().tolist()) for name, array in (("INPUT0", A), ("INPUT1", B))
    ]
    async with InferenceGRPCClient(url) as client:
        answer = await client.infer(InferRequest(model_name="simple", infer_inputs=inputs, request_id="a-7"))
    assert answer.id == "a-7"
    np.testing.assert_array_equal(answer.outputs[0].as_numpy(), A + B)


async def a_mistake_is_told_in_the_words_of_the_server(url: str) -> None:
    async with InferenceGRPCClient(url) as client:
        try:
            await client.infer(_request("wrong", binary=True))
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.NOT_FOUND and "unknown model" in error.details()
        else:
            raise AssertionError("it was answered")

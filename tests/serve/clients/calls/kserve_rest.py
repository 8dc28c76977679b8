"""What programs do with KServe's InferenceRESTClient."""

from __future__ import annotations

import numpy as np
from httpx import HTTPStatusError
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig
from kserve.protocol.infer_type import RequestedOutput

A = np.arange(32, dtype=np.int32).reshape(2, 16)
B = np.full((2, 16), -1, np.int32)


def _client() -> InferenceRESTClient:
    return InferenceRESTClient(RESTConfig(protocol="v2", retries=1, timeout=60))


def _request(
    model: str = "simple", *, binary: bool, names: tuple[str, str] = ("INPUT0", "INPUT1"), **more: object
) -> InferRequest:  # fmt: skip
    inputs = [InferInput(name, list(array.shape), "INT32") for name, array in zip(names, (A, B), strict=True)]
    for one, array in zip(inputs, (A, B), strict=True):
        one.set_data_from_numpy(array, binary_data=binary)
    return InferRequest(model_name=model, infer_inputs=inputs, **more)


async def the_server_and_its_models_are_ready(url: str) -> None:
    client = _client()
    assert await client.is_server_live(f"http://{url}") is True
    assert await client.is_server_ready(f"http://{url}") is True
    assert await client.is_model_ready(f"http://{url}", "simple") is True


async def tensors_are_answered_as_json_and_as_bytes(url: str) -> None:
    client = _client()
    for binary in (False, True):
        wanted = [RequestedOutput(name, {"binary_data": binary}) for name in ("OUTPUT0", "OUTPUT1")]
        for more in ({}, {"request_outputs": wanted}, {"request_id": "a-7"}):
            answer = await client.infer(f"http://{url}", _request(binary=binary, **more), model_name="simple")
            found = {output.name: output.as_numpy() for output in answer.outputs}
            np.testing.assert_array_equal(found["OUTPUT0"], A + B)
            np.testing.assert_array_equal(found["OUTPUT1"], A - B)
            assert answer.model_name == "simple" and answer.id == more.get("request_id", answer.id)


async def plain_dictionaries_are_answered(url: str) -> None:
    inputs = [{"name": name, "shape": [2], "datatype": kind, "data": data}
              for name, kind, data in (("price", "FP64", [2.5, 4]), ("pieces", "INT64", [2, 3]))]  # fmt: skip
    inputs.append({"name": "word", "shape": [2, 1], "datatype": "BYTES", "data": ["a", "é"]})
    answer = await _client().infer(f"http://{url}", {"inputs": inputs}, model_name="table")
    assert [output.data for output in answer.outputs] == [[5.0, 12.0], ["a", "é"]]


async def a_mistake_is_told_in_the_words_of_the_server(url: str) -> None:
    request = _request(binary=False, names=("INPUT7", "INPUT1"))
    for model, wrong, words in (("simple", request, "INPUT7"), ("wrong", _request(binary=False), "unknown model")):
        try:
            await _client().infer(f"http://{url}", wrong, model_name=model)
        except HTTPStatusError as error:
            assert error.response.status_code in (400, 404) and words in str(error), str(error)
        else:
            raise AssertionError("it was answered")

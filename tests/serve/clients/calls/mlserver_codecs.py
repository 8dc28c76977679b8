"""What programs do with MLServer's codecs: values become a request, and an answer becomes values."""

from __future__ import annotations

from typing import Any

import grpc
import httpx
import numpy as np
import pandas as pd
from mlserver.codecs import NumpyCodec, PandasCodec, StringCodec
from mlserver.grpc.converters import ModelInferRequestConverter, ModelInferResponseConverter
from mlserver.grpc.dataplane_pb2_grpc import GRPCInferenceServiceStub
from mlserver.types import InferenceRequest, InferenceResponse

A = np.arange(32, dtype=np.int32).reshape(2, 16)
B = np.full((2, 16), -1, np.int32)
TABLE = pd.DataFrame({"price": [2.5, 4.0], "pieces": [2, 3], "word": ["a", "é"]})


def _over_rest(url: str, model: str, request: InferenceRequest) -> InferenceResponse:
    answer = httpx.post(f"http://{url}/v2/models/{model}/infer", content=request.model_dump_json(), timeout=60)
    assert answer.status_code == 200, answer.text
    return InferenceResponse.model_validate(answer.json())


def _over_grpc(url: str, model: str, request: InferenceRequest) -> InferenceResponse:
    with grpc.insecure_channel(url) as channel:
        asked = ModelInferRequestConverter.from_types(request, model_name=model, model_version=None)
        return ModelInferResponseConverter.to_types(GRPCInferenceServiceStub(channel).ModelInfer(asked, timeout=60))


WAYS = (_over_rest, _over_grpc)


def arrays_become_tensors_and_tensors_arrays(url: str) -> None:
    inputs = [NumpyCodec.encode_input(name, array) for name, array in (("INPUT0", A), ("INPUT1", B))]
    for way in WAYS:
        answer = way(url, "simple", InferenceRequest(inputs=inputs))
        found = {output.name: NumpyCodec.decode_output(output) for output in answer.outputs}
        np.testing.assert_array_equal(found["OUTPUT0"], A + B)
        np.testing.assert_array_equal(found["OUTPUT1"], A - B)


def a_frame_becomes_a_request_and_an_answer_a_frame(url: str) -> None:
    for way in WAYS:
        for use_bytes in (True, False) if way is _over_rest else (True,):
            request = PandasCodec.encode_request(TABLE, use_bytes=use_bytes)
            found = PandasCodec.decode_response(way(url, "table", request))
            assert found["spent"].tolist() == [5.0, 12.0] and len(found) == 2
            assert [_text(word) for word in found["said"]] == ["a", "é"]


def texts_become_tensors_and_tensors_texts(url: str) -> None:
    words = ["a", "é", "", "long " * 50]
    column = [
        NumpyCodec.encode_input("price", np.ones((4, 1))),
        NumpyCodec.encode_input("pieces", np.ones(4, np.int64)),
    ]
    for way in WAYS:
        given = StringCodec.encode_input("word", words, use_bytes=way is _over_grpc)
        answer = way(url, "table", InferenceRequest(inputs=[*column, given]))
        assert StringCodec.decode_output(answer.outputs[1]) == words


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else value

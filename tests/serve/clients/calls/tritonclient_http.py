"""What programs do with tritonclient over HTTP: the calls of its own examples, and what goes wrong in them."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
from tritonclient import http
from tritonclient.utils import InferenceServerException

A = np.arange(16, dtype=np.int32).reshape(1, 16)
B = np.full((1, 16), -1, np.int32)


def _client(url: str, **options: Any) -> http.InferenceServerClient:
    return http.InferenceServerClient(url, **options)


def _inputs(a: np.ndarray = A, b: np.ndarray = B, kind: str = "INT32", **options: Any) -> list[Any]:
    found = [http.InferInput("INPUT0", a.shape, kind), http.InferInput("INPUT1", b.shape, kind)]
    for one, array in zip(found, (a, b), strict=True):
        one.set_data_from_numpy(array, **options)
    return found


def _wanted(**options: Any) -> list[Any]:
    return [http.InferRequestedOutput(name, **options) for name in ("OUTPUT0", "OUTPUT1")]


def _same(result: Any, a: np.ndarray = A, b: np.ndarray = B) -> None:
    np.testing.assert_array_equal(result.as_numpy("OUTPUT0"), a + b)
    np.testing.assert_array_equal(result.as_numpy("OUTPUT1"), a - b)


def _says(call: Any, *words: str) -> None:
    """CALL is refused by the server, in WORDS."""
    try:
        call()
    except InferenceServerException as error:
        assert all(word in error.message() for word in words), error.message()
        assert error.status()[:1] == "4", error.status()
    else:
        raise AssertionError("it was answered")


def the_server_lives_and_says_what_it_is(url: str) -> None:
    client = _client(url)
    assert client.is_server_live(query_params={"test_1": 1, "test_2": 2}) and client.is_server_ready()
    facts = client.get_server_metadata(headers={"test": "1"})
    assert facts["name"] == "aimass" and "binary_tensor_data" in facts["extensions"]


def a_model_says_what_it_takes(url: str) -> None:
    client = _client(url)
    assert client.is_model_ready("simple") and client.is_model_ready("simple", "1")
    assert not client.is_model_ready("simple", "9") and not client.is_model_ready("wrong_model_name")
    facts = client.get_model_metadata("simple", query_params={"test_1": 1})
    assert facts["name"] == "simple" and facts["versions"] == ["1"]
    assert facts["inputs"][0] == {"name": "INPUT0", "datatype": "INT32", "shape": [-1, 16]}
    config = client.get_model_config("simple")
    assert config["output"][1] == {"name": "OUTPUT1", "data_type": "TYPE_INT32", "dims": [-1, 16]}


def a_model_nobody_knows_is_refused_in_the_words_examples_look_for(url: str) -> None:
    _says(lambda: _client(url).get_model_metadata("wrong_model_name"), "Request for unknown model")
    _says(lambda: _client(url).infer("wrong_model_name", _inputs()), "Request for unknown model")


def tensors_go_as_bytes_when_nothing_else_is_said(url: str) -> None:
    result = _client(url).infer("simple", _inputs())
    _same(result)
    assert "parameters" in result.get_output("OUTPUT0"), "the answer was not binary"


def tensors_go_as_json(url: str) -> None:
    result = _client(url).infer("simple", _inputs(binary_data=False), outputs=_wanted(binary_data=False))
    _same(result)
    assert len(result.get_output("OUTPUT0")["data"]) == 16


def ways_are_mixed_and_outputs_are_chosen(url: str) -> None:
    inputs = _inputs()
    inputs[1].set_data_from_numpy(B, binary_data=False)
    wanted = [http.InferRequestedOutput("OUTPUT1", binary_data=False), http.InferRequestedOutput("OUTPUT0")]
    _same(_client(url).infer("simple", inputs, outputs=wanted))
    result = _client(url).infer("simple", inputs, outputs=wanted[:1])
    assert result.as_numpy("OUTPUT0") is None and result.get_output("OUTPUT1")


def requests_are_waited_for_later(url: str) -> None:
    with http.InferenceServerClient(url, concurrency=4) as client:
        waiting = [(i, client.async_infer("simple", _inputs(A + i, B * i))) for i in range(64)]
        for i, one in waiting:
            _same(one.get_result(), A + i, B * i)


def many_rows_are_one_request(url: str) -> None:
    a, b = np.random.default_rng(0).integers(-99, 99, (2, 500, 16), dtype=np.int32)
    _same(_client(url).infer("simple", _inputs(a, b), model_version="1"), a, b)


def texts_go_both_ways(url: str) -> None:
    a, b = (np.array([str(x).encode() for x in array.ravel()], object).reshape(array.shape) for array in (A, B))
    for binary in (True, False):
        inputs = _inputs(a, b, "BYTES", binary_data=binary)
        result = _client(url).infer("simple_string", inputs, outputs=_wanted(binary_data=binary))
        assert [int(text) for text in result.as_numpy("OUTPUT0").ravel()] == (A + B).ravel().tolist()
    odd = np.array([[b"he\x00llo", "grün".encode(), b""]], object)
    given = http.InferInput("INPUT0", odd.shape, "BYTES")
    given.set_data_from_numpy(odd)
    np.testing.assert_array_equal(_client(url).infer("simple_identity", [given]).as_numpy("OUTPUT0"), odd)


def half_precision_goes_as_bytes(url: str) -> None:
    a, b = A.astype(np.float16) / 8, B.astype(np.float16)
    _same(_client(url).infer("half", _inputs(a, b, "FP16")), a, b)


def a_datatype_the_model_has_not_is_refused(url: str) -> None:
    for kind, dtype in (("BF16", ml_dtypes.bfloat16), ("INT64", np.int64)):
        given = _inputs(A.astype(dtype), B.astype(dtype), kind)
        _says(lambda given=given: _client(url).infer("simple", given), "INPUT0", kind)


def bodies_are_packed_on_both_ways(url: str) -> None:
    a, b = np.random.default_rng(1).integers(0, 9, (2, 300, 16), dtype=np.int32)
    for request in ("gzip", "deflate", None):
        for response in ("gzip", "deflate", None):
            for binary in (True, False):
                result = _client(url).infer(
                    "simple", _inputs(a, b, binary_data=binary), outputs=_wanted(binary_data=binary),
                    request_compression_algorithm=request, response_compression_algorithm=response,
                )  # fmt: skip
                _same(result, a, b)


def an_id_comes_back_and_what_is_no_matter_here_is_no_mistake(url: str) -> None:
    result = _client(url).infer(
        "simple", _inputs(), request_id="a-7", priority=3, timeout=5_000_000, sequence_id=0,
        headers={"x-request-id": "mine"}, query_params={"a": 1}, parameters={"customer": "acme", "score": 0.5},
    )  # fmt: skip
    assert result.get_response()["id"] == "a-7"


def what_cannot_be_honoured_is_refused(url: str) -> None:
    client = _client(url)
    _says(lambda: client.infer("simple", _inputs(), sequence_id=7, sequence_start=True), "sequence_id")
    _says(lambda: client.infer("simple", _inputs(), outputs=_wanted(class_count=3)), "classification")
    shared = http.InferInput("INPUT0", [1, 16], "INT32")
    shared.set_shared_memory("region", 64)
    _says(lambda: client.infer("simple", [shared, _inputs()[1]]), "shared_memory_region")


def shared_memory_traces_and_logs_are_refused_in_words(url: str) -> None:
    client = _client(url)
    _says(client.get_system_shared_memory_status, "shared memory")
    _says(lambda: client.register_system_shared_memory("region", "/region", 64), "shared memory")
    _says(lambda: client.unregister_system_shared_memory("region"), "shared memory")
    _says(client.get_cuda_shared_memory_status, "shared memory")
    _says(lambda: client.register_cuda_shared_memory("region", b"handle", 0, 64), "shared memory")
    _says(client.unregister_cuda_shared_memory, "shared memory")
    _says(lambda: client.update_trace_settings(settings={"trace_level": ["TIMESTAMPS"]}), "traces")
    _says(lambda: client.get_trace_settings("simple"), "traces")
    _says(client.get_log_settings, "logs")
    _says(lambda: client.update_log_settings({"log_verbose_level": 1}), "logs")


def requests_are_counted(url: str) -> None:
    client = _client(url)
    before = client.get_inference_statistics("simple", "1")["model_stats"][0]
    client.infer("simple", _inputs())
    after = client.get_inference_statistics("simple")["model_stats"][0]
    assert after["inference_count"] > before["inference_count"]
    assert after["inference_stats"]["success"]["count"] > before["inference_stats"]["success"]["count"]
    assert {one["name"] for one in client.get_inference_statistics()["model_stats"]} >= {"simple", "half"}


def models_are_listed_given_back_and_loaded_again(url: str) -> None:
    client = _client(url)
    assert {"name": "spare_http", "version": "1", "state": "READY", "reason": ""} in client.get_model_repository_index()
    client.unload_model("spare_http")
    assert not client.is_model_ready("spare_http")
    _says(lambda: client.infer("spare_http", _inputs()), "unknown model")
    client.load_model("spare_http")
    assert client.is_model_ready("spare_http")
    _same(client.infer("spare_http", _inputs()))
    _says(lambda: client.load_model("wrong_model_name"), "wrong_model_name")
    _says(lambda: client.load_model("spare_http", config='{"max_batch_size": 16}'), "config")
    _says(lambda: client.load_model("spare_http", config="{}", files={"file:1/model.onnx": b"x"}), "honoured")
    assert client.is_server_live() and client.is_model_ready("spare_http")

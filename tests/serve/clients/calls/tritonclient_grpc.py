"""What programs do with tritonclient over gRPC: the calls of its own examples, streams, and what goes wrong in them."""

from __future__ import annotations

import queue
from typing import Any

import numpy as np
from tritonclient import grpc
from tritonclient.utils import InferenceServerException

A = np.arange(16, dtype=np.int32).reshape(1, 16)
B = np.full((1, 16), -1, np.int32)
SECONDS = 60


def _client(url: str, **options: Any) -> grpc.InferenceServerClient:
    return grpc.InferenceServerClient(url, **options)


def _inputs(a: np.ndarray = A, b: np.ndarray = B, kind: str = "INT32") -> list[Any]:
    found = [grpc.InferInput("INPUT0", a.shape, kind), grpc.InferInput("INPUT1", b.shape, kind)]
    for one, array in zip(found, (a, b), strict=True):
        one.set_data_from_numpy(array)
    return found


def _same(result: Any, a: np.ndarray = A, b: np.ndarray = B) -> None:
    np.testing.assert_array_equal(result.as_numpy("OUTPUT0"), a + b)
    np.testing.assert_array_equal(result.as_numpy("OUTPUT1"), a - b)


def _says(call: Any, code: str, *words: str) -> None:
    """CALL is refused with CODE and in WORDS."""
    try:
        call()
    except InferenceServerException as error:
        assert error.status() == f"StatusCode.{code}", error
        assert all(word in error.message() for word in words), error.message()
    else:
        raise AssertionError("it was answered")


def the_server_lives_and_says_what_it_is(url: str) -> None:
    client = _client(url)
    assert client.is_server_live(headers={"test": "1", "dummy": "2"}) and client.is_server_ready()
    facts = client.get_server_metadata()
    assert facts.name == "aimass" and "model_repository" in facts.extensions


def a_model_says_what_it_takes(url: str) -> None:
    client = _client(url)
    assert client.is_model_ready("simple") and client.is_model_ready("simple", "1")
    facts = client.get_model_metadata("simple", as_json=True)
    assert facts["inputs"][0] == {"name": "INPUT0", "datatype": "INT32", "shape": ["-1", "16"]}
    config = client.get_model_config("simple").config
    assert config.name == "simple" and list(config.input[1].dims) == [-1, 16] and config.input[1].data_type == 8


def a_model_nobody_knows_is_refused_in_the_words_examples_look_for(url: str) -> None:
    client = _client(url)
    _says(lambda: client.get_model_metadata("wrong_model_name"), "NOT_FOUND", "Request for unknown model")
    _says(lambda: client.infer("wrong_model_name", _inputs()), "NOT_FOUND", "Request for unknown model")


def tensors_are_answered(url: str) -> None:
    client = _client(url)
    wanted = [grpc.InferRequestedOutput("OUTPUT1"), grpc.InferRequestedOutput("OUTPUT0")]
    for _ in range(3):  # the second time they are known
        _same(client.infer("simple", _inputs(), outputs=wanted, headers={"test": "1"}))
    assert client.infer("simple", _inputs(), outputs=wanted[:1]).as_numpy("OUTPUT0") is None
    a, b = np.random.default_rng(0).integers(-99, 99, (2, 500, 16), dtype=np.int32)
    _same(client.infer("simple", _inputs(a, b), model_version="1"), a, b)


def requests_are_told_later(url: str) -> None:
    client, told = _client(url), queue.Queue[Any]()
    for i in range(64):
        client.async_infer(
            "simple", _inputs(A + i, B * i), lambda result, error, i=i: told.put((i, result, error)), client_timeout=60
        )
    for _ in range(64):
        i, result, error = told.get(timeout=SECONDS)
        assert error is None, error
        _same(result, A + i, B * i)


def texts_and_half_precision_go_both_ways(url: str) -> None:
    client = _client(url)
    texts = [np.array([str(x).encode() for x in array.ravel()], object).reshape(array.shape) for array in (A, B)]
    result = client.infer("simple_string", _inputs(*texts, "BYTES"))
    assert [int(text) for text in result.as_numpy("OUTPUT1").ravel()] == (A - B).ravel().tolist()
    a, b = A.astype(np.float16) / 8, B.astype(np.float16)
    _same(client.infer("half", _inputs(a, b, "FP16")), a, b)


def messages_are_packed(url: str) -> None:
    a, b = np.random.default_rng(1).integers(0, 9, (2, 300, 16), dtype=np.int32)
    for how in ("gzip", "deflate"):
        _same(_client(url).infer("simple", _inputs(a, b), compression_algorithm=how), a, b)


def an_id_comes_back_and_what_is_no_matter_here_is_no_mistake(url: str) -> None:
    result = _client(url).infer(
        "simple", _inputs(), request_id="a-7", priority=3, timeout=5_000_000, sequence_id=0, client_timeout=60,
        parameters={"customer": "acme", "score": 0.5},
    )  # fmt: skip
    assert result.get_response().id == "a-7"


def what_cannot_be_honoured_is_refused(url: str) -> None:
    client = _client(url)
    _says(lambda: client.infer("simple", _inputs(), sequence_id=7), "INVALID_ARGUMENT", "sequence_id")
    wanted = [grpc.InferRequestedOutput("OUTPUT0", class_count=3)]
    _says(lambda: client.infer("simple", _inputs(), outputs=wanted), "INVALID_ARGUMENT", "classification")
    shared = grpc.InferInput("INPUT0", [1, 16], "INT32")
    shared.set_shared_memory("region", 64)
    _says(lambda: client.infer("simple", [shared, _inputs()[1]]), "INVALID_ARGUMENT")


def shared_memory_traces_and_logs_are_refused_in_words(url: str) -> None:
    client = _client(url)
    _says(client.get_system_shared_memory_status, "UNIMPLEMENTED", "shared memory")
    _says(lambda: client.register_system_shared_memory("r", "/r", 64), "UNIMPLEMENTED", "shared memory")
    _says(client.unregister_cuda_shared_memory, "UNIMPLEMENTED", "shared memory")
    _says(lambda: client.get_trace_settings("simple"), "UNIMPLEMENTED", "traces")
    _says(client.get_log_settings, "UNIMPLEMENTED", "logs")


def requests_are_counted(url: str) -> None:
    client = _client(url)
    before = client.get_inference_statistics("simple", "1").model_stats[0]
    client.infer("simple", _inputs())
    after = client.get_inference_statistics("simple").model_stats[0]
    assert after.inference_count > before.inference_count
    assert {one.name for one in client.get_inference_statistics().model_stats} >= {"simple", "half"}


def models_are_listed_given_back_and_loaded_again(url: str) -> None:
    client = _client(url)
    listed = {(one.name, one.version, one.state) for one in client.get_model_repository_index().models}
    assert ("spare_grpc", "1", "READY") in listed
    client.unload_model("spare_grpc")
    assert not client.is_model_ready("spare_grpc")
    _says(lambda: client.infer("spare_grpc", _inputs()), "NOT_FOUND", "unknown model")
    client.load_model("spare_grpc")
    assert client.is_model_ready("spare_grpc")
    _same(client.infer("spare_grpc", _inputs()))
    _says(lambda: client.load_model("wrong_model_name"), "NOT_FOUND", "wrong_model_name")
    _says(lambda: client.load_model("spare_grpc", config='{"max_batch_size": 16}'), "INVALID_ARGUMENT", "config")
    assert client.is_server_live() and client.is_model_ready("spare_grpc")


def _told(client: grpc.InferenceServerClient, **options: Any) -> queue.Queue[Any]:
    """What is told on a stream of CLIENT, begun here."""
    told = queue.Queue[Any]()
    client.start_stream(lambda result, error: told.put((result, error)), **options)
    return told


def a_stream_answers_every_request(url: str) -> None:
    with _client(url) as client:
        told = _told(client, compression_algorithm="gzip")
        for i in range(500):
            client.async_stream_infer("simple", _inputs(A + i, B * i), request_id=str(i))
        found = [told.get(timeout=SECONDS) for _ in range(500)]
        assert sorted(int(result.get_response().id) for result, _ in found) == list(range(500))
        for result, error in found:
            assert error is None, error
            i = int(result.get_response().id)
            _same(result, A + i, B * i)
            assert result.get_response().parameters["triton_final_response"].bool_param
        client.stop_stream()
        told = _told(client)  # another one
        client.async_stream_infer("simple", _inputs(), enable_empty_final_response=True)
        _same(told.get(timeout=SECONDS)[0])


def a_mistake_on_a_stream_is_told_and_the_stream_goes_on(url: str) -> None:
    with _client(url) as client:
        told = _told(client)
        client.async_stream_infer("wrong_model_name", _inputs(), request_id="first")
        result, error = told.get(timeout=SECONDS)
        assert "Request for unknown model" in error.message()
        client.async_stream_infer("simple", _inputs(A.astype(np.int8), B.astype(np.int8), "INT8"))
        assert "INPUT0" in told.get(timeout=SECONDS)[1].message()
        client.async_stream_infer("simple", _inputs(), request_id="third")
        result, error = told.get(timeout=SECONDS)
        assert error is None and result.get_response().id == "third"
        _same(result)


def a_stream_ends_with_the_status_of_a_mistake_for_who_asks_for_that(url: str) -> None:
    with _client(url) as client:
        told = _told(client, headers={"triton_grpc_error": "true"})
        client.async_stream_infer("wrong_model_name", _inputs())
        error = told.get(timeout=SECONDS)[1]
        assert error.status() == "StatusCode.NOT_FOUND", error


def a_stream_is_left_in_the_middle(url: str) -> None:
    with _client(url) as client:
        _told(client)
        for _ in range(200):
            client.async_stream_infer("simple", _inputs())
        client.stop_stream(cancel_requests=True)
        _same(client.infer("simple", _inputs()))


def a_stream_ends_in_time(url: str) -> None:
    with _client(url) as client:
        told = _told(client, stream_timeout=0.5)
        client.async_stream_infer("simple", _inputs())
        error = None
        while error is None:  # behind the answer, on a machine that gives it in time
            error = told.get(timeout=SECONDS)[1]
        assert error.status() == "StatusCode.DEADLINE_EXCEEDED", error


def an_answer_that_would_come_too_late_is_none(url: str) -> None:
    """A microsecond passes while the request is read."""
    _says(lambda: _client(url).infer("simple", _inputs(), timeout=1), "DEADLINE_EXCEEDED", "deadline")

# ruff: noqa: E501
"""What clients of the Open Inference Protocol rely on, asked over a real connection: one line a check.

The first 42 are the checks in which model servers were compared (serving peers pass 21 to 34 of them); the others are
what we would not want to find out from a caller.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.serve.behaviour import (
    INFER,
    LENGTH,
    RAW,
    Ask,
    Holds,
    X,
    binary,
    both,
    get,
    gives,
    has,
    is_bytes,
    lists,
    named,
    no_id,
    nothing,
    on,
    one,
    packed,
    plain_error,
    post,
    refuses,
    reply_to,
    table,
    too_late,
    values,
    zipped,
)  # fmt: skip
from tests.serve.clients.models import write_echo, write_table
from tests.serve.conftest import Running, serving

WIDE = list(range(2000))
HUGE = 40 << 20


ROWS2 = one(shape=[2, 4], data=[*X, *X])
NESTED = one(data=[X])
NO_DATA = {key: value for key, value in one()["inputs"][0].items() if key != "data"}
TEXT = b"\x04\0\0\0a\0\xc3\xa9" + b"\0\0\0\0"  # two texts, the second empty
DEEP = b'{"inputs":' + b"[" * 100_000
SHM = {"name": "INPUT0", "shape": [1, 4], "datatype": "FP32",
       "parameters": {"shared_memory_region": "r", "shared_memory_byte_size": 16}}  # fmt: skip

# fmt: off
COMPARED: dict[str, tuple[Ask, Holds]] = {
    "live: 200": (get("/v2/health/live"), gives()),
    "live: the body says so, for KServe's client": (get("/v2/health/live"), gives(live=True)),
    "ready: 200": (get("/v2/health/ready"), gives()),
    "ready: the body says so, for KServe's client": (get("/v2/health/ready"), gives(ready=True)),
    "a model is ready": (get("/v2/models/tab/ready"), gives(name="tab", ready=True)),
    "an unknown model is not ready": (get("/v2/models/nosuch/ready"), refuses(404, "nosuch")),
    "server metadata": (get("/v2"), has("name", "version", "extensions")),
    "model metadata": (get("/v2/models/tab"), has("name", "platform", "inputs", "outputs")),
    "model metadata: what it takes": (get("/v2/models/tab"), gives(inputs=[{"name": "INPUT0", "datatype": "FP32", "shape": [-1, -1]}])),
    "infer without an id": (post(one()), values(X)),
    "infer: model, datatype and shape": (post(one()), gives(model_name="tab", outputs=[{"name": "OUTPUT0", "datatype": "FP32", "shape": [1, 4], "data": X}])),
    "infer: the id comes back": (post({**one(), "id": "a-7"}), gives(id="a-7")),
    "infer: outputs chosen by name": (post({**one(), "outputs": [{"name": "OUTPUT0"}]}), values(X)),
    "infer: an unknown output": (post({**one(), "outputs": [{"name": "nosuch"}]}), refuses(400, "nosuch", "OUTPUT0")),
    "infer: nested data": (post(NESTED), values(X)),
    "infer: two rows": (post(ROWS2), values([*X, *X])),
    "infer: a chunked body": (post([json.dumps(one()).encode()[:50], json.dumps(one()).encode()[50:]]), values(X)),
    "infer: a body packed with gzip": (post(gzip.compress(json.dumps(one()).encode()), **{"content-encoding": "gzip"}), values(X)),
    "infer: gzip accepted": (post(one(), **{"accept-encoding": "gzip"}), packed(None, values(X))),  # too small to be packed
    "binary: in and out": (binary(outputs=[{"name": "OUTPUT0", "parameters": {"binary_data": True}}]), is_bytes()),
    "binary: binary_data_output, as tritonclient asks": (binary(parameters={"binary_data_output": True}), is_bytes()),
    "binary: in, JSON out": (binary(), values(X)),
    "binary: the body is too short": (binary(RAW[:-4], said=16), refuses(400, "16 bytes")),
    "binary: the header ends past the body": (binary(length="99999"), refuses(400, "99999")),
    "malformed JSON": (post(b'{"inputs": ['), refuses(400, "JSON")),
    "JSON of another shape": (post(b"[]"), refuses(400, "object")),
    "no inputs": (post({"inputs": []}), refuses(400, "inputs")),
    "an unknown input": (post(one(name="INPUT1")), refuses(400, "INPUT1", "did you mean 'INPUT0'")),
    "an unknown datatype": (post(one(datatype="NOPE")), refuses(400, "NOPE", "FP32")),
    "another datatype than the model's": (post(one(datatype="INT32", data=[1] * 4)), refuses(400, "INT32", "FP32")),
    "shape and data disagree": (post(one(shape=[1, 3])), refuses(400, "4 values", "3")),
    "a shape the model refuses": (post(one(shape=[4], data=X)), refuses(400, "[-1, -1]")),
    "a negative shape": (post(one(shape=[-1, 4])), refuses(400, "shape")),
    "no rows": (post(one(shape=[0, 4], data=[])), refuses(400, "row")),
    "NaN in JSON": (post(json.dumps(one(data=[float("nan"), 1.0, 2.0, 3.0])).encode()), values([None, 1.0, 2.0, 3.0])),
    "an unknown model": (post(one(), "/v2/models/nosuch/infer"), refuses(404, "Request for unknown model")),
    "an unknown version": (post(one(), "/v2/models/tab/versions/999/infer"), refuses(404, "999")),
    "GET on infer": (get(INFER), both(refuses(405, "POST"), named("allow", "POST"))),
    "the repository's index, for an empty body": (post(b"", "/v2/repository/index"), lists("tab")),
    "a model's configuration": (get("/v2/models/tab/config"), gives(name="tab", max_batch_size=0)),
    "a model's statistics": (get("/v2/models/tab/stats"), has("model_stats")),
    "after all this": (post(one()), values(X)),
}

MORE: dict[str, tuple[Ask, Holds]] = {
    # where things are
    "a version by its number": (post(one(), "/v2/models/tab/versions/1/infer"), gives(model_version="1")),
    "a version that is not ready because nobody knows it": (get("/v2/models/tab/versions/7/ready"), refuses(404, "7")),
    "statistics of all models": (get("/v2/models/stats"), has("model_stats")),
    "statistics of an unknown model": (get("/v2/models/nosuch/stats"), refuses(404, "nosuch")),
    "the index says only what is ready": (post({"ready": True}, "/v2/repository/index"), lists("word")),
    "a path with a slash behind it": (get("/v2/models/tab/"), gives(name="tab")),
    "a path with a question": (get("/v2/health/live?test_1=1&test_2=2"), gives(live=True)),
    "a name in per cent signs": (get("/v2/models/%74ab"), gives(name="tab")),
    "a path nobody has": (get("/v2/nothing"), refuses(404, "/v2/nothing")),
    "a way out of the folder": (get("/v2/models/..%2f..%2fetc%2fpasswd"), plain_error),
    "HEAD where GET is": (Ask("HEAD", "/v2/health/live"), nothing),
    "DELETE where nothing is deleted": (Ask("DELETE", "/v2/models/tab"), refuses(405, "GET")),
    "an id in a field comes back": (post(one(), **{"x-request-id": "mine"}), named("x-request-id", "mine")),
    # what Triton has beside
    "system shared memory": (get("/v2/systemsharedmemory/status"), refuses(404, "shared memory", "send the tensors")),
    "a region is registered": (post({"key": "/r", "offset": 0, "byte_size": 8}, "/v2/systemsharedmemory/region/r/register"), refuses(404, "shared memory")),
    "CUDA shared memory": (post(b"", "/v2/cudasharedmemory/unregister"), refuses(404, "shared memory")),
    "a tensor in shared memory": (post({"inputs": [SHM]}), refuses(400, "shared_memory_region")),
    "trace settings": (get("/v2/trace/setting"), refuses(404, "traces")),
    "trace settings of a model": (post({}, "/v2/models/tab/trace/setting"), refuses(404, "traces")),
    "log settings": (post({"log_verbose_level": 1}, "/v2/logging"), refuses(404, "logs")),
    "classification": (post({**one(), "outputs": [{"name": "OUTPUT0", "parameters": {"classification": 3}}]}), refuses(400, "classification")),
    "a sequence": (post({**one(), "parameters": {"sequence_id": 7}}), refuses(400, "sequence_id")),
    "no sequence": (post({**one(), "parameters": {"sequence_id": 0, "sequence_start": False}}), values(X)),
    "a model with another configuration": (post({"parameters": {"config": "{}"}}, "/v2/repository/models/tab/load"), refuses(400, "config")),
    "a model out of a request": (post({"parameters": {"file:1/model.onnx": "AAAA"}}, "/v2/repository/models/tab/load"), refuses(400, "honoured")),
    "a model nobody has is loaded": (post({}, "/v2/repository/models/nosuch/load"), refuses(404, "nosuch")),
    "a model nobody has is given back": (post({}, "/v2/repository/models/nosuch/unload"), refuses(404, "nosuch")),
    # parameters and what clients write beside
    "parameters nobody here knows": (post({**one(), "parameters": {"customer": "acme", "x": [1]}, "extra": {}}), values(X)),
    "priority": (post({**one(), "parameters": {"priority": 3}}), values(X)),
    "time enough": (post({**one(), "parameters": {"timeout": 5_000_000}}), values(X)),
    "no time at all": (post({**one(), "parameters": {"timeout": 1e-9}}), too_late),
    "a time that is none": (post({**one(), "parameters": {"timeout": "soon"}}), refuses(400, "soon")),
    "a time before now": (post({**one(), "parameters": {"timeout": -1}}), refuses(400, "-1")),
    "parameters that are none": (post({**one(), "parameters": 7}), refuses(400, "parameters")),
    "what was left unsaid is null": (post({**one(parameters=None), "id": None, "outputs": None, "parameters": None}), values(X)),
    "no id is not answered with null": (post({**one(), "id": None}), no_id),
    "an id that is no text": (post({**one(), "id": 7}), refuses(400, "id")),
    "no outputs are all outputs": (post({**one(), "outputs": []}), values(X)),
    "an output twice": (post({**one(), "outputs": [{"name": "OUTPUT0"}, {"name": "OUTPUT0"}]}), refuses(400, "twice")),
    "an input twice": (post({"inputs": one()["inputs"] * 2}), refuses(400, "twice")),
    "an input without data": (post({"inputs": [NO_DATA]}), refuses(400, "data")),
    "an input without a name": (post(one(name=None)), refuses(400, "INPUT0")),
    "an input that is a list": (post({"inputs": [X]}), refuses(400, "inputs")),
    # shapes and values
    "a shape that is text": (post(one(shape="4")), refuses(400, "shape")),
    "a shape with a fraction": (post(one(shape=[1, 4.0])), refuses(400, "shape")),
    "a shape beyond all memory": (post(one(shape=[1, 2**62])), refuses(400, "4 values")),
    "more rows than a request may have": (post(one(shape=[2**40, 4])), refuses(413, "rows")),
    "data nested unevenly": (post(one(data=[[0.5, 1.0, 2.0], [3.0]])), refuses(400, "uneven")),
    "a text among numbers": (post(one(data=[0.5, "1", 2, 3])), refuses(400, "'1'")),
    "true among numbers": (post(one(data=[0.5, True, 2, 3])), refuses(400, "True")),
    "a number beyond its datatype": (post(one(data=[1e300, 0, 0, 0])), values([None, 0.0, 0.0, 0.0])),
    "whole numbers where fractions may be": (post(one(data=[1, 2, 3, 4])), values([1.0, 2.0, 3.0, 4.0])),
    "columns of single values": (table(), values([5.0, 12.0], ["a", "é"])),
    "columns that are one value wide, as frames are sent": (table(price={"shape": [2, 1]}, word={"shape": [2, 1], "data": [["a"], ["é"]]}), values([5.0, 12.0], ["a", "é"])),
    "columns of different lengths": (table(pieces={"shape": [1], "data": [2]}), refuses(400, "differ")),
    "columns that are two values wide": (table(price={"shape": [2, 2], "data": [1.0] * 4}), refuses(400, "[-1]")),
    "a fraction where none may be": (table(pieces={"data": [2, 3.5]}), refuses(400, "3.5")),
    "a number beyond 64 bits": (table(pieces={"data": [2, 2**70]}), refuses(400)),
    "a number where a text should be": (table(word={"data": ["a", 7]}), refuses(400, "7")),
    "half a character": (post(b'{"inputs":[{"name":"INPUT0","shape":[1,1],"datatype":"BYTES","data":["\\ud800"]}]}', "/v2/models/word/infer"), plain_error),
    "a missing column": (post({"inputs": json.loads(table().body)["inputs"][:2]}, "/v2/models/table/infer"), refuses(400, "word")),
    "truth": (on("truth", "BOOL", [True, False]), values([True, False])),
    "a number is not truth": (on("truth", "BOOL", [1, 0]), refuses(400, "true or false")),
    "bytes without a sign": (on("small", "UINT8", [0, 255]), values([0, 255])),
    "a byte beyond its size": (on("small", "UINT8", [256]), refuses(400)),
    "wide whole numbers, exactly": (on("wide", "INT64", [2**63 - 1, -(2**63)]), values([2**63 - 1, -(2**63)])),
    "half precision as JSON": (on("half", "FP16", [0.5, 2.0]), values([0.5, 2.0])),
    "double precision, exactly": (on("double", "FP64", [0.1, 1e300]), values([0.1, 1e300])),
    "texts of every kind": (on("word", "BYTES", ["", "é", "😀", 'a"b\\c', "</script>", "line\nline"]), values(["", "é", "😀", 'a"b\\c', "</script>", "line\nline"])),
    # the binary extension
    "binary: texts": (binary(TEXT, kind="BYTES", shape=(1, 2), model="word", parameters={"binary_data_output": True}), is_bytes(TEXT)),
    "binary: half precision": (binary(RAW[:4], kind="FP16", shape=(1, 2), model="half", parameters={"binary_data_output": True}), is_bytes(RAW[:4])),
    "binary: BF16, which no model here has": (binary(RAW[:8], kind="BF16"), refuses(400, "BF16")),
    "binary: a text that ends too early": (binary(TEXT[:-3], kind="BYTES", shape=(1, 2), model="word"), refuses(400, "ends inside")),
    "binary: a text that is no text": (binary(b"\x01\0\0\0\xff", kind="BYTES", shape=(1, 1), model="word"), refuses(400, "UTF-8")),
    "binary: fewer texts than the shape says": (binary(TEXT[-4:], kind="BYTES", shape=(1, 2), model="word"), refuses(400, "1 texts")),
    "binary: bytes left over": (binary(RAW + b"more", said=16), refuses(400, "left over")),
    "binary: another size than the shape's": (binary(RAW[:12]), refuses(400, "12 bytes")),
    "binary: a size below nothing": (binary(said=-16), refuses(400, "-16")),
    "binary: data as well": (post({"inputs": [{**one()["inputs"][0], "parameters": {"binary_data_size": 16}}]}), refuses(400)),
    "binary: a header length that is no number": (binary(length="0x10"), refuses(400, "0x10")),
    "binary: a header length below nothing": (binary(length="-1"), refuses(400, "-1")),
    "binary: all of it is JSON": (post(one(), **{LENGTH: str(len(json.dumps(one())))}), values(X)),
    # bodies that are packed
    "deflate, in": (post(zlib.compress(json.dumps(one()).encode()), **{"content-encoding": "deflate"}), values(X)),
    "gzip, in, with bytes": (zipped(binary()), values(X)),
    "gzip, in and out, with bytes": (zipped(binary(bytes(8000), shape=(1, 2000), parameters={"binary_data_output": True}), **{"accept-encoding": "gzip"}), packed("gzip", is_bytes(bytes(8000)))),
    "gzip, out": (post(one(shape=[1, 2000], data=WIDE), **{"accept-encoding": "gzip"}), packed("gzip", values([float(x) for x in WIDE]))),
    "deflate, out": (post(one(shape=[1, 2000], data=WIDE), **{"accept-encoding": "deflate"}), packed("deflate", values([float(x) for x in WIDE]))),
    "gzip, out, beside the event loop": (post(one(shape=[1, 20000], data=WIDE * 10), **{"accept-encoding": "gzip"}), packed("gzip", values([float(x) for x in WIDE * 10]))),
    "what could be read is not what was asked for": (post(one(shape=[1, 2000], data=WIDE), **{"accept-encoding": "gzip, deflate, br"}), packed(None, values([float(x) for x in WIDE]))),
    "errors are never packed": (post(one(name="x" * 5000), **{"accept-encoding": "gzip"}), packed(None, refuses(400))),
    "a body that is no gzip": (post(b"no gzip", **{"content-encoding": "gzip"}), refuses(400, "gzip")),
    "a body that is cut": (post(gzip.compress(json.dumps(one()).encode())[:-9], **{"content-encoding": "gzip"}), refuses(400, "early")),
    "a body packed in a way nobody here knows": (post(one(), **{"content-encoding": "br"}), refuses(415, "br", "gzip")),
    "a bomb": (post(gzip.compress(bytes(HUGE)), **{"content-encoding": "gzip"}), refuses(413)),
    # what is no request at all
    "an empty body": (post(b""), refuses(400, "JSON")),
    "text that is not UTF-8": (post(b'{"inputs": "\xff"}'), refuses(400, "JSON")),
    "JSON as deep as it is long": (post(DEEP), refuses(400)),
    "bytes without a header": (post(binary().body, **{"content-type": "application/octet-stream"}), refuses(400, "JSON")),
    "deflate without zlib's head": (post(zlib.compress(json.dumps(one()).encode())[2:-4], **{"content-encoding": "deflate"}), refuses(400, "deflate")),
    "more fields than a head may have": (get("/v2", **{f"x-{i}": "1" for i in range(130)}), refuses(431, "128")),
    "a path as long as a chapter": (get("/v2/models/" + "a" * 9000), refuses(414, "8192")),
    "a body that is announced beyond all limits": (post(b"", **{"content-length": str(1 << 40)}), refuses(413, "33554432")),
    "and after all this": (post(one()), values(X)),
}
# fmt: on


def write_models(root: Path) -> list[str]:
    """What the checks ask, as ROOT/NAME/1; gives the names."""
    kinds = {"tab": "float32", "word": "string", "truth": "bool", "small": "uint8", "wide": "int64", "half": "float16",
             "double": "float64"}  # fmt: skip
    for name, dtype in kinds.items():
        write_echo(Path(root, name, "1"), dtype)
    write_table(root / "table" / "1")
    return [*kinds, "table"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    root = tmp_path_factory.mktemp("behaviour")
    write_models(root)
    with serving("--repository", str(root)) as found:
        yield found


@pytest.mark.parametrize(("ask", "holds"), [*COMPARED.values(), *MORE.values()], ids=[*COMPARED, *MORE])
def test_behaviour(ask: Ask, holds: Holds, server: Running) -> None:
    holds(reply_to(ask, server.port))


def test_the_comparison_has_42_checks() -> None:
    assert len(COMPARED) == 42

"""What a hostile caller sends: requests with something wrong, and streams that only look like requests.  Seeded."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import hpack
import numpy as np

from aimass.serve.grpc.messages import CLASSES
from aimass.serve.http2 import frames as f

V2, RECORDS, V1 = "/v2/models/m/infer", "/v1/predict/m", "/v1/models/m:predict"
INFER = "/inference.GRPCInferenceService/ModelInfer"
GETS = ("/v2/models/m", "/v2/health/ready", "/v2", "/metrics", "/v1/docs", "/v1/models/m/metadata",
        "/v2/models/m/stats", "/v1/deployments/m", "/", "/%2e%2e/%00", "/v2/models/m/versions/9")  # fmt: skip
METHODS = ("POST", "GET", "HEAD", "PUT", "OPTIONS", "CONNECT", "PRI", "TRACE", "post", "")
CALLS = ("ModelInfer", "ServerReady", "ModelMetadata", "ModelStatistics", "RepositoryIndex", "ModelConfig", "Nothing")
VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 1, 1.5, 1e308, -1e-320, 2**31, 2**63, 2**64, -(2**63), 10**40, "", "a", "1", "\x00", "\ud800",
    "é" * 40,
    float("nan"), float("inf"), [], {}, [[]], [1, "a"], {"a": 1}, [None], [[1], [1, 2]], [1] * 300,
)  # fmt: skip
WORDS = ("name", "shape", "datatype", "data", "inputs", "outputs", "parameters", "id", "a", "records", "record", "b64",
         "instances", "signature_name", "binary_data_size", "binary_data", "timeout", "FP64", "BYTES",
         "INT8", "m")  # fmt: skip
LINES = (
    b"content-length: 5", b"content-length: 0", b"content-length: -1", b"content-length: +5", b"content-length: 5, 5",
    b"content-length: 99999999999999999999", b"content-length : 5", b"content-length: 0x5", b"content-length:\t5\t",
    b"transfer-encoding: chunked", b"transfer-encoding: xchunked", b"transfer-encoding: chunked, identity",
    b"transfer-encoding:\x0bchunked", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip", b"host: b", b"host:",
    b"expect: 100-continue", b"expect: 200-ok", b"upgrade: h2c", b"upgrade: websocket\r\nconnection: upgrade",
    b"connection: close", b"connection: keep-alive, upgrade", b"content-encoding: gzip", b"content-encoding: br",
    b"inference-header-content-length: 9", b"inference-header-content-length: -1", b"content-type: image/png",
    b"x-request-id: \xff\xfe", b"x-model-version: 7", b"x-model-version: \xe9", b" folded: yes", b"\tfolded",
    b"no colon", b": no name", b"bad name: 1", b"nul: \x00", b"cr: a\rb", b"traceparent: 00-" + b"0" * 32,
    b"accept: application/openmetrics-text",
    b"http2-settings: AAMAAABkAAQCAAAAAAIAAAAA", b"x: " + b"y" * 3000, b"trailer: a", b"range: bytes=0-1",
)  # fmt: skip
ENDS = (b"\r\n", b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b"\r\r\n", b"\n\r")
CHUNKS = (
    b"5",
    b"0",
    b"00005",
    b"5;ext=1",
    b"5 ",
    b" 5",
    b"0x5",
    b"-5",
    b"fffffffffffffffff",
    b"7fffffffffffffff",
    b"5\n",
    b"",
    b"g",
)


# -- bodies -----------------------------------------------------------------------------------------------------


def bodies(chance: Random) -> dict[str, Any]:
    """Valid ones, by path."""
    rows = chance.choice([1, 1, 2, 5, 40])
    data = [round(chance.uniform(-1e3, 1e3), 3) for _ in range(rows)]
    return {
        V2: {"id": "x", "inputs": [{"name": "a", "shape": [rows], "datatype": "FP64", "data": data}],
             "outputs": [{"name": "value", "parameters": {"binary_data": False}}]},
        RECORDS: {"records": [{"a": value} for value in data]},
        V1: {"instances": data, "signature_name": "serving_default"},
        "/v2/repository/index": {"ready": True},
    }  # fmt: skip


def value(chance: Random, depth: int = 0) -> Any:
    """Any JSON."""
    kind = chance.random()
    if depth > 3 or kind < 0.7:
        return chance.choice(VALUES) if kind < 0.5 else chance.choice(WORDS)
    if kind < 0.85:
        return [value(chance, depth + 1) for _ in range(chance.randint(0, 4))]
    return {chance.choice(WORDS): value(chance, depth + 1) for _ in range(chance.randint(0, 4))}


def twisted(chance: Random, body: Any) -> Any:
    """BODY with one of its parts changed, left out or added."""
    if isinstance(body, dict) and body and chance.random() < 0.85:
        key = chance.choice(list(body))
        kind = chance.random()
        if kind < 0.15:
            return {other: item for other, item in body.items() if other != key}
        if kind < 0.3:
            return {**body, chance.choice(WORDS): value(chance)}
        return {**body, key: twisted(chance, body[key])}
    if isinstance(body, list) and body and chance.random() < 0.85:
        at = chance.randrange(len(body))
        return [*body[:at], twisted(chance, body[at]), *body[at + chance.choice([0, 1, 1, 1]) :]]
    return value(chance)


def json_body(chance: Random) -> tuple[str, bytes]:
    path, body = chance.choice(list(bodies(chance).items()))
    kind = chance.random()
    if kind < 0.6:
        for _ in range(chance.randint(1, 3)):
            body = twisted(chance, body)
    elif kind < 0.7:
        body = value(chance)
    raw = json.dumps(body).encode() if kind < 0.97 else b"[" * chance.choice([100, 100_000])
    return path, mutated(chance, raw) if 0.7 < kind < 0.9 else raw


def binary_body(chance: Random) -> tuple[str, bytes, bytes]:
    """Path, body and what the head says of where the JSON ends."""
    rows = chance.choice([0, 1, 2, 5])
    raw = np.arange(rows, dtype=np.float64).tobytes()
    size = len(raw) if chance.random() < 0.6 else chance.choice([0, 1, -1, 8, 2**40, 1.5, "8", None])
    tensor = {"name": "a", "shape": [rows], "datatype": chance.choice(["FP64", "FP64", "FP64", "BYTES", "INT8"]),
              "parameters": {"binary_data_size": size}}  # fmt: skip
    said = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": chance.random() < 0.5}}).encode()
    said = mutated(chance, said) if chance.random() < 0.2 else said
    length = len(said) if chance.random() < 0.7 else chance.choice([0, 1, len(said) + 1, 10**9, -1])
    return V2, said + (raw if chance.random() < 0.8 else raw[:-1] + b"zz"), b"%d" % length


def mutated(chance: Random, raw: bytes) -> bytes:
    """RAW with a few bytes changed, left out, put in, or repeated."""
    found = bytearray(raw)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(found) + 1)
        kind = chance.randrange(6)
        if kind == 0 and at < len(found):
            found[at] = chance.randrange(256)
        elif kind == 1:
            del found[at : at + chance.choice([1, 2, 8, 60])]
        elif kind == 2:
            found[at:at] = chance.randbytes(chance.choice([1, 2, 9]))
        elif kind == 3:
            found[at:at] = found[at : at + chance.choice([1, 9, 90])]
        elif kind == 4:
            found[at:at] = chance.choice(LINES) + b"\r\n"
        else:
            found[at:at] = chance.choice(
                [b"\r\n", b"\r\n\r\n", b"\x00", b"\n", b"99999999999999999999", b"-", b'"', b"\xff\xff"]
            )
    return bytes(found)


# -- HTTP/1.1 ---------------------------------------------------------------------------------------------------


def request(chance: Random) -> bytes:
    """A request, with whatever is wrong with it."""
    kind = chance.random()
    if kind < 0.12:
        return b"GET %b HTTP/1.1\r\nhost: a\r\n\r\n" % chance.choice(GETS).encode()
    more = []
    if kind < 0.3:
        path, body, length = binary_body(chance)
        more.append(b"inference-header-content-length: " + length)
    else:
        path, body = json_body(chance)
    if kind > 0.75:
        more += chance.choices(LINES, k=chance.choice([1, 1, 2, 3, 140]))
    head = [b"%b %b HTTP/%b" % (_method(chance), _target(chance, path), _version(chance)), b"host: a", *more]
    end = chance.choice(ENDS) if chance.random() < 0.1 else b"\r\n"
    if chance.random() < 0.2:
        return end.join([*head, b"transfer-encoding: chunked", b"", chunked(chance, body)])
    if chance.random() < 0.95:
        head.append(b"content-length: %d" % len(body))
    return end.join([*head, b"", body])


def _method(chance: Random) -> bytes:
    return b"POST" if chance.random() < 0.93 else chance.choice(METHODS).encode()


def _version(chance: Random) -> bytes:
    return b"1.1" if chance.random() < 0.95 else chance.choice([b"1.0", b"0.9", b"2.0", b"1.2", b"11", b""])


def _target(chance: Random, path: str) -> bytes:
    if chance.random() < 0.92:
        return path.encode()
    odd = (b"*", b"http://b" + path.encode(), path.encode() + b"?" + b"q" * 9000, b"/" + chance.randbytes(6), b"",
           path.encode() + b"#a", b"//" + path.encode(), path.encode().replace(b"m", b"%6d"), b"b:80")  # fmt: skip
    return chance.choice(odd)


def chunked(chance: Random, body: bytes) -> bytes:
    found, at = b"", 0
    while at < len(body):
        size = chance.choice([1, 3, 50, 5000])
        part = body[at : at + size]
        said = b"%x" % len(part) if chance.random() < 0.98 else chance.choice(CHUNKS)
        found += said + b"\r\n" + part + b"\r\n"
        at += size
    return found + chance.choice(
        [b"0\r\n\r\n"] * 8 + [b"0\r\na: b\r\n\r\n", b"0\r\n", b"0\r\ncontent-length: 9\r\n\r\n", b""]
    )


def stream(chance: Random) -> bytes:
    """Requests one behind the other, some of them damaged."""
    whole = b"".join(request(chance) for _ in range(chance.choice([1, 1, 1, 2, 3, 40])))
    return mutated(chance, whole) if chance.random() < 0.2 else whole


# -- HTTP/2 and gRPC --------------------------------------------------------------------------------------------


def message(chance: Random) -> bytes:
    """Of ModelInfer, or something like it."""
    rows = chance.choice([0, 1, 3])
    tensor: dict[str, Any] = {
        "name": chance.choice(["a", "a", "a", "b", ""]), "shape": [chance.choice([rows, rows, -1, 2**62])],
        "datatype": chance.choice(["FP64", "FP64", "BYTES", "", "é"]),
    }  # fmt: skip
    raw = [np.ones(rows).tobytes()] * chance.choice([1, 1, 1, 0, 2])
    if chance.random() < 0.2:
        tensor["contents"] = {"fp64_contents": [1.0] * rows, "bytes_contents": [b"\xff"]}
    asked = CLASSES["ModelInferRequest"](
        model_name=chance.choice(["m", "m", "m", "n", ""]), inputs=[tensor], raw_input_contents=raw
    )
    said = asked.SerializeToString()
    return mutated(chance, said) if chance.random() < 0.4 else said


def calls(chance: Random) -> bytes:
    """A connection of HTTP/2, its frames in some order and some of them damaged."""
    encoder, made = (
        hpack.Encoder(),
        [f.PREFACE if chance.random() < 0.98 else mutated(chance, f.PREFACE), f.settings({})],
    )
    stream_id = 1
    for _ in range(chance.choice([1, 2, 5, 20])):
        made += _call(chance, encoder, stream_id)
        stream_id += chance.choice([2, 2, 2, 2, 1, 0, -2, 2**30])
    if chance.random() < 0.3:
        made.insert(chance.randrange(1, len(made)), _odd(chance))
    if chance.random() < 0.1:
        made[1:] = chance.sample(made[1:], len(made) - 1)
    whole = b"".join(made)
    return whole[:24] + mutated(chance, whole[24:]) if chance.random() < 0.2 else whole


def _call(chance: Random, encoder: hpack.Encoder, number: int) -> list[bytes]:
    path = INFER if chance.random() < 0.8 else INFER.replace("ModelInfer", chance.choice(CALLS))
    fields = [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "a"), ("te", "trailers"),
              ("content-type", "application/grpc")]  # fmt: skip
    if chance.random() < 0.3:
        fields.append(("grpc-timeout", chance.choice(["1S", "1n", "0m", "99999999H", "-1S", "x", ""])))
    if chance.random() < 0.1:
        fields += [
            (chance.choice(["x", "X", ":path", "a" * 300]), chance.choice(["", "y" * 4000, "é"]))
        ] * chance.choice([1, 30])
    block = encoder.encode(fields, huffman=chance.random() < 0.5)
    block = mutated(chance, block) if chance.random() < 0.05 else block
    said = message(chance)
    packed = (
        struct.pack(">BI", chance.choice([0] * 20 + [1, 255]), len(said) if chance.random() < 0.95 else 2**31) + said
    )
    number = max(0, number) & 0x7FFFFFFF
    head = f.frame(f.HEADERS, f.END_HEADERS, number, block)
    if chance.random() < 0.1:
        cut = chance.randrange(len(block) + 1)
        head = f.frame(f.HEADERS, 0, number, block[:cut]) + f.frame(f.CONTINUATION, f.END_HEADERS, number, block[cut:])
    cut = chance.choice([0, 0, len(packed) // 2])
    data = [f.frame(f.DATA, 0, number, packed[:cut])] if cut else []
    return [head, *data, f.frame(f.DATA, f.END_STREAM, number, packed[cut:])]


def _odd(chance: Random) -> bytes:
    """A frame of any kind."""
    setting = struct.pack(">HI", chance.randrange(8), chance.choice([0, 1, 2**31 - 1, 2**32 - 1]))
    random = [chance.randbytes(size) for size in (0, 4, 5, 8)]
    payload = chance.choice([*random, b"\xff\xff\xff\xff", b"\x00" * 6, setting])
    flags, number = chance.choice([0, 1, 4, 5, 8, 0x20, 0xFF]), chance.choice([0, 1, 2, 3, 2**31 - 1])
    return f.frame(chance.randrange(12), flags, number, payload)


KINDS: Sequence[tuple[Callable[[Random], bytes], float]] = ((stream, 0.7), (calls, 0.3))


def any_of_them(chance: Random) -> bytes:
    return chance.choices([kind for kind, _ in KINDS], [share for _, share in KINDS])[0](chance)


def pieces(chance: Random, whole: bytes) -> list[bytes]:
    """WHOLE, as it may arrive."""
    cuts = sorted(chance.randrange(len(whole) + 1) for _ in range(chance.choice([0, 0, 0, 1, 2, 6])))
    parts = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    return [part for part in parts if part]

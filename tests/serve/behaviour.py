"""Requests as clients write them, and what must be true of the answers: the words of `test_behaviour`."""

from __future__ import annotations

import gzip
import http.client
import json
import zlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

INFER = "/v2/models/tab/infer"
LENGTH = "inference-header-content-length"
X = [0.5, -1.0, 3.0, 0.25]
RAW = np.array(X, np.float32).tobytes()


class Ask(NamedTuple):
    method: str
    path: str
    body: Any = None
    fields: dict[str, str] = {}


class Reply(NamedTuple):
    status: int
    fields: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Holds = Callable[[Reply], None]


# -- what is asked -------------------------------------------------------------------------------------------------


def get(path: str, **fields: str) -> Ask:
    return Ask("GET", path, None, fields)


def post(body: Any, path: str = INFER, **fields: str) -> Ask:
    """BODY as JSON, unless it is bytes, or pieces of them."""
    raw = body if isinstance(body, (bytes, list)) else json.dumps(body).encode()
    return Ask("POST", path, raw, {"content-type": "application/json", **fields})


def one(**changed: Any) -> dict[str, Any]:
    """A request of one row whose tensor is CHANGED."""
    return {"inputs": [{"name": "INPUT0", "shape": [1, 4], "datatype": "FP32", "data": X, **changed}]}


def on(model: str, kind: str, data: list[Any], shape: list[int] | None = None) -> Ask:
    tensor = {"name": "INPUT0", "shape": shape or [1, len(data)], "datatype": kind, "data": data}
    return post({"inputs": [tensor]}, f"/v2/models/{model}/infer")


def binary(
    raw: bytes = RAW, said: int | None = None, model: str = "tab", length: str = "", kind: str = "FP32",
    shape: tuple[int, ...] = (1, 4), **more: Any,
) -> Ask:  # fmt: skip
    """A request whose tensor stands behind the JSON."""
    size = {"binary_data_size": len(raw) if said is None else said}
    tensor = {"name": "INPUT0", "shape": shape, "datatype": kind, "parameters": size}
    head = json.dumps({"inputs": [tensor], **more}).encode()
    fields = {"content-type": "application/octet-stream", LENGTH: length or str(len(head))}
    return Ask("POST", f"/v2/models/{model}/infer", head + raw, fields)


def zipped(ask: Ask, **fields: str) -> Ask:
    return ask._replace(body=gzip.compress(ask.body), fields={**ask.fields, "content-encoding": "gzip", **fields})


def table(**changed: Any) -> Ask:
    """A request of two rows of three columns, some of them CHANGED."""
    columns = {"price": ("FP64", [2.5, 4]), "pieces": ("INT64", [2, 3]), "word": ("BYTES", ["a", "é"])}
    inputs = [{"name": name, "shape": [2], "datatype": kind, "data": data} for name, (kind, data) in columns.items()]
    for tensor in inputs:
        tensor.update(changed.get(str(tensor["name"]), {}))
    return post({"inputs": inputs}, "/v2/models/table/infer")


# -- what is answered ----------------------------------------------------------------------------------------------


def gives(**facts: Any) -> Holds:
    """A good answer that says FACTS."""

    def holds(reply: Reply) -> None:
        assert reply.status == 200 and reply.fields["content-type"] == "application/json"
        found = reply.json
        assert {key: found[key] for key in facts} == facts

    return holds


def has(*keys: str) -> Holds:
    def holds(reply: Reply) -> None:
        assert reply.status == 200 and all(reply.json[key] for key in keys)

    return holds


def values(*lists: list[Any]) -> Holds:
    """A good answer whose outputs hold LISTS, in their order."""

    def holds(reply: Reply) -> None:
        assert reply.status == 200, reply.body
        assert [output["data"] for output in reply.json["outputs"]] == [*lists]

    return holds


def refuses(status: int, *words: str) -> Holds:
    """An error that clients can read, and that says WORDS."""

    def holds(reply: Reply) -> None:
        assert reply.status == status, reply
        assert reply.fields["content-type"] == "application/json"  # exactly: the KServe client shows no other
        assert isinstance(reply.json["error"], str) and "x-request-id" in reply.fields
        assert all(word in reply.body.decode() for word in words), reply.body

    return holds


def is_bytes(raw: bytes = RAW) -> Holds:
    """A good answer with RAW behind its JSON."""

    def holds(reply: Reply) -> None:
        assert reply.status == 200, reply.body
        length = int(reply.fields[LENGTH])
        (output,) = json.loads(reply.body[:length])["outputs"]
        assert output["parameters"]["binary_data_size"] == len(raw) and "data" not in output
        assert reply.body[length:] == raw

    return holds


def packed(how: str | None, holds: Holds) -> Holds:
    """HOLDS of what is packed so."""

    def unpacked(reply: Reply) -> None:
        assert reply.fields.get("content-encoding") == how
        body = {"gzip": gzip.decompress, "deflate": zlib.decompress, None: bytes}[how](reply.body)
        holds(reply._replace(body=body))

    return unpacked


def lists(name: str) -> Holds:
    def holds(reply: Reply) -> None:
        assert reply.status == 200 and name in [entry["name"] for entry in reply.json]

    return holds


def named(field: str, text: str) -> Holds:
    def holds(reply: Reply) -> None:
        assert reply.fields[field] == text

    return holds


def both(*several: Holds) -> Holds:
    def holds(reply: Reply) -> None:
        for one_of_them in several:
            one_of_them(reply)

    return holds


def too_late(reply: Reply) -> None:
    refuses(reply.status)(reply)
    assert reply.status in (429, 504)


def no_id(reply: Reply) -> None:
    assert reply.status == 200 and "id" not in reply.json


def nothing(reply: Reply) -> None:
    assert reply.status == 200 and not reply.body


def plain_error(reply: Reply) -> None:
    assert 400 <= reply.status < 500


def reply_to(ask: Ask, port: int) -> Reply:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(ask.method, ask.path, ask.body, ask.fields, encode_chunked=isinstance(ask.body, list))
        answer = connection.getresponse()
        return Reply(answer.status, {name.lower(): text for name, text in answer.getheaders()}, answer.read())
    finally:
        connection.close()

"""A server without sockets that asks for keys: two models, and keys of every kind."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import hpack
import pytest
from tests.serve.conftest import SAMPLE, Reply
from tests.serve.http2.conftest import Wire as Wire2
from tests.serve.wire import Wire

from aimass.serve.access.access import Access
from aimass.serve.access.file import edit_keys
from aimass.serve.access.guard import Guard
from aimass.serve.access.keys import SCOPES, Key, cut, new_key
from aimass.serve.app import App
from aimass.serve.grpc.calls import calls_of
from aimass.serve.http.front import Front
from aimass.serve.http2 import frames as f
from aimass.serve.predictor import Served, Wanted, load

PREDICT = "/v1/predict/flights"
BODY = json.dumps({"records": SAMPLE}).encode()
SERVICE = "/inference.GRPCInferenceService/"


class OpenWire(Wire):
    """One that stays open, and knows nothing of TLS."""

    def get_extra_info(self, name: str) -> Any:
        return None


class Desk:
    """Asks a server with MODELS; KEYS are its file."""

    def __init__(self, models: list[Served], path: Path) -> None:
        self.path, self.tokens = path, dict[str, str]()
        edit_keys(path, lambda keys: keys)
        self.access = Access(path)
        self.app = App(models)
        self.guard = Guard(self.access, lambda: self.app.deployments)
        self.front = Front(self.guard.routes(self.app.route), turns_away=self.guard.turns_away)
        self.calls = calls_of(self.app, self.front.crowd, self.guard)
        self.said = list[bytes]()  # what the last calls were told

    def add(self, name: str, *scopes: str, **more: Any) -> str:
        """A key called NAME, that is known from now on."""
        key, token = new_key(name, scopes or tuple(SCOPES), **more)
        self.edit(lambda keys: [*keys, key])
        self.tokens[name] = token
        return token

    def revoke(self, token: str) -> None:
        id, _ = cut(token)
        self.edit(lambda keys: [replace(key, revoked="2020-01-01") if key.id == id else key for key in keys])

    def edit(self, change: Callable[[list[Key]], list[Key]]) -> None:
        edit_keys(self.path, change)
        self.look()

    def look(self) -> None:
        asyncio.run(self.access.look())

    def __call__(self, method: str, path: str, body: bytes = b"", token: str = "", **fields: str) -> Reply:
        named = {name.replace("_", "-"): value for name, value in fields.items()}
        if token:
            named["authorization"] = f"Bearer {token}"
        lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
        head = f"{method} {path} HTTP/1.1\r\nhost: a\r\ncontent-length: {len(body)}\r\n{lines}\r\n"
        return self.raw(head.encode("latin-1") + body)[0]

    def raw(self, *pieces: bytes) -> list[Reply]:
        """What is answered on one connection to what is sent in PIECES."""
        wire = OpenWire()

        async def asked() -> None:
            connection = self.front.connection()
            connection.connection_made(wire)  # type: ignore[arg-type]
            for piece in pieces:
                if not wire.closed:
                    connection.data_received(piece)
                for _ in range(200):
                    if connection.open:
                        await asyncio.sleep(0.001)
            connection.connection_lost(None)

        asyncio.run(asked())
        return list(replies(wire.sent))

    def grpc(self, method: str, message: bytes = b"", token: str = "", **fields: str) -> int:
        """The code that a call ends with."""
        return self.grpc_many([(method, message)], token, **fields)[0]

    def grpc_many(self, asked: list[tuple[str, bytes]], token: str = "", **fields: str) -> list[int]:
        """The codes of calls on one connection."""
        wire, decoder, codes = Wire2(), hpack.Decoder(), list[int]()
        self.said.clear()

        async def talked() -> None:
            connection = self.calls.connection()
            connection.connection_made(wire)  # type: ignore[arg-type]
            connection.data_received(f.PREFACE + f.settings({}))
            encoder = hpack.Encoder()
            for i, (method, message) in enumerate(asked):
                block = encoder.encode(self.block(method, token, **fields))
                prefixed = b"\0" + len(message).to_bytes(4, "big") + message
                stream = 2 * i + 1
                connection.data_received(f.frame(f.HEADERS, f.END_HEADERS, stream, block))
                connection.data_received(f.frame(f.DATA, f.END_STREAM, stream, prefixed))
                for _ in range(200):
                    if connection.calls:
                        await asyncio.sleep(0.001)

        asyncio.run(talked())
        data = wire.sent
        while data:
            said, _, _ = f.HEAD.unpack_from(data)
            payload, data = data[9 : 9 + (said >> 8)], data[9 + (said >> 8) :]
            if said & 0xFF == f.DATA:
                self.said.append(payload[5:])
            if said & 0xFF == f.HEADERS:
                found = dict(decoder.decode(payload))
                codes += [int(found["grpc-status"])] if "grpc-status" in found else []
        return codes

    def block(self, method: str, token: str, **fields: str) -> list[tuple[str, str]]:
        path = method if "/" in method else SERVICE + method
        shown = {"authorization": f"Bearer {token}"} if token else {}
        more = {name.replace("_", "-"): value for name, value in fields.items()}
        return [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "a"),
                ("content-type", "application/grpc"), *shown.items(), *more.items()]  # fmt: skip


def replies(sent: bytes) -> Iterator[Reply]:
    while sent:
        head, _, sent = sent.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        fields = dict(line.lower().split(": ", 1) if "www" not in line else line.split(": ", 1) for line in lines)
        length = int(fields.get("content-length", "0"))
        yield Reply(int(first.split()[1]), fields, sent[:length])
        sent = sent[length:]


@pytest.fixture(scope="session")
def models(folder: Path) -> Iterator[list[Served]]:
    loaded = [load(Wanted(folder, "flights", 3)), load(Wanted(folder, "secret"))]
    yield loaded
    for model in loaded:
        model.close()


@pytest.fixture
def desk(models: list[Served], tmp_path: Path) -> Desk:
    return Desk(models, tmp_path / "keys.jsonl")

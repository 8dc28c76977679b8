"""ModelStreamInfer: requests one after the other on a call, each answered as it would be by itself.

What is wrong with a request is told in its answer, and the call goes on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from google.protobuf.message import DecodeError

from aimass.serve.grpc.messages import CLASSES
from aimass.serve.grpc.said import varint
from aimass.serve.http2.blocks import Fields
from aimass.serve.http2.call import HTTP
from aimass.serve.http2.stream import Stream
from aimass.serve.metrics import GONE, Counts

ANSWER = b"\x12"  # the tag of infer_response
LAST = CLASSES["ModelInferResponse"](parameters={"triton_final_response": {"bool_param": True}}).SerializeToString()
STRICT = b"triton_grpc_error"  # headers with this ask for the status of the first error, as the end of the call


class Turn:
    """A request of STREAM, whose message is BODY: what a `Call` is to ModelInfer."""

    __slots__ = ("arrived", "body", "client", "counts", "done", "own", "stream")

    def __init__(self, stream: Stream, body: bytes) -> None:
        self.stream, self.body = stream, body
        self.arrived = time.perf_counter()
        self.counts: Counts = stream.counts
        self.client: Any = None  # whose key was shown, where keys are asked for
        self.done = False
        self.own = ""

    protocol, method = "gRPC", "POST"  # for those who tell of it

    @property
    def path(self) -> str:
        return self.stream.path

    @property
    def fields(self) -> Fields:
        return self.stream.fields

    @property
    def id(self) -> str:
        """What the answer is called; an id in the headers is that of the whole call."""
        self.own = self.own or self.stream.connection.crowd.number()
        return self.own

    def field(self, name: bytes) -> bytes | None:
        return self.stream.field(name)

    @property
    def gone(self) -> bool:
        return self.stream.gone or self.stream.done

    @property
    def timeout(self) -> float:
        """Seconds the caller will still wait; 0 where it does not say."""
        said = self.stream.timeout
        return max(self.stream.arrived + said - self.arrived, 1e-6) if said else 0.0

    def reply(self, message: bytes) -> None:
        """MESSAGE, a ModelInferResponse, is the answer."""
        last = message + LAST  # fields of a message may stand in any order
        self._say(ANSWER + varint(len(last)) + last, 200)

    def refuse(self, code: int, what: str) -> None:
        """WHAT was wrong with this request; CODE ends the call only for who asks for that."""
        if self.field(STRICT) == b"true":
            self.done = True
            self.stream.refuse(code, what)
            return
        said = CLASSES["ModelStreamInferResponse"](error_message=what, infer_response={"id": self._named()})
        self._say(said.SerializeToString(), HTTP.get(code, 500))

    def _named(self) -> str:
        """What the caller calls the request, so that it knows which of them is told."""
        try:
            return str(CLASSES["ModelInferRequest"].FromString(self.body).id)
        except DecodeError:
            return ""

    def _say(self, message: bytes, status: int) -> None:
        if self.done:
            return
        self.done = True
        seconds = time.perf_counter() - self.arrived
        self.counts.request(GONE if self.gone else status, seconds, self, len(message))
        self.stream.write(message)
        self.stream.answered(len(self.body))


def in_turns(methods: Mapping[bytes, Callable[[Turn], None]]) -> dict[bytes, Callable[[Stream, bytes], None]]:
    """METHODS that answer turns, for streams."""
    return {path: partial(_taken, method) for path, method in methods.items()}


def _taken(method: Callable[[Turn], None], stream: Stream, body: bytes) -> None:
    method(Turn(stream, body))

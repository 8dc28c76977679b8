"""Who asks a model of `models.numbered` in every protocol, and checks each answer by the version it names."""

from __future__ import annotations

import http.client
import json
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import numpy as np

from aimass.serve.grpc.messages import CLASSES

INFER = "/inference.GRPCInferenceService/ModelInfer"
ROWS = 8  # of a request, at most
HEADER = "inference-header-content-length"

Answer = tuple[str, list[float], Any]  # the version that is named, its values, and all that was told
Ask = Callable[[list[float]], Answer]


class Callers:
    """Ask m on PORT over one connection each until `stopped`.  `wrong` is what came back that should not have.

    Half of them say who they are; `paths` are the versions that each of these got since `since` was last cleared.
    """

    def __init__(self, port: int) -> None:
        self.port, self.stopped = port, threading.Event()
        self.answers: Counter[tuple[str, str]] = Counter()  # by protocol and version
        self.wrong: list[Any] = []
        self.paths: dict[str, list[str]] = {}
        self.asking = {
            "records": self._records,
            "V2 JSON": self._tensors,
            "V2 binary": self._bytes,
            "gRPC": self._calls,
        }

    def run(self, protocol: str, user: str) -> None:
        """Until it is stopped; a request that fails ends it, and is told."""
        numbers = random.Random(user)
        try:
            with self.asking[protocol](user) as ask:
                while not self.stopped.is_set():
                    values = [numbers.random() * 500 for _ in range(numbers.randint(1, ROWS))]
                    self._check(protocol, user, values, *ask(values))
        except Exception as error:
            self.wrong.append(repr(error))

    def _check(
        self, protocol: str, user: str, asked: list[float], version: str, values: list[float], told: Any
    ) -> None:
        self.answers[protocol, version] += 1
        if user:
            path = self.paths.setdefault(user, [])
            if path[-1:] != [version]:
                path.append(version)
        if not version.isdigit() or values != [value + 1000.0 * int(version) for value in asked]:
            self.wrong.append(told)

    # -- protocols ----------------------------------------------------------------------------------------------

    @contextmanager
    def _http(self, user: str) -> Iterator[Callable[..., tuple[Any, bytes]]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        who = {"x-user": user} if user else {}

        def ask(path: str, body: bytes, **more: str) -> tuple[Any, bytes]:
            connection.request(
                "POST", path, body, {**who, **{key.replace("_", "-"): value for key, value in more.items()}}
            )
            reply = connection.getresponse()
            return reply, reply.read()

        try:
            yield ask
        finally:
            connection.close()

    @contextmanager
    def _records(self, user: str) -> Iterator[Ask]:
        with self._http(user) as http_ask:

            def ask(values: list[float]) -> Answer:
                _, raw = http_ask("/v1/predict/m", json.dumps({"records": [{"a": value} for value in values]}).encode())
                told = json.loads(raw)
                rows = [row["value"] for row in told.get("predictions", [])]
                return told.get("model", "").partition("@")[2], rows, told

            yield ask

    @contextmanager
    def _tensors(self, user: str) -> Iterator[Ask]:
        with self._http(user) as http_ask:

            def ask(values: list[float]) -> Answer:
                tensor = {"name": "a", "shape": [len(values)], "datatype": "FP64", "data": values}
                told = json.loads(http_ask("/v2/models/m/infer", json.dumps({"inputs": [tensor]}).encode())[1])
                found = told["outputs"][0]["data"] if "outputs" in told else []
                return told.get("model_version", ""), found, told

            yield ask

    @contextmanager
    def _bytes(self, user: str) -> Iterator[Ask]:
        with self._http(user) as http_ask:

            def ask(values: list[float]) -> Answer:
                raw = np.array(values).tobytes()
                tensor = {"name": "a", "shape": [len(values)], "datatype": "FP64",
                          "parameters": {"binary_data_size": len(raw)}}  # fmt: skip
                head = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
                reply, body = http_ask("/v2/models/m/infer", head + raw, inference_header_content_length=str(len(head)))
                length = int(reply.getheader(HEADER) or len(body))
                told = json.loads(body[:length])
                return told.get("model_version", ""), np.frombuffer(body[length:]).tolist(), told

            yield ask

    @contextmanager
    def _calls(self, user: str) -> Iterator[Ask]:
        who = (("x-user", user),) if user else ()
        with grpc.insecure_channel(f"127.0.0.1:{self.port}", (("grpc.use_local_subchannel_pool", 1),)) as channel:
            infer = channel.unary_unary(
                INFER,
                request_serializer=lambda message: message.SerializeToString(),
                response_deserializer=CLASSES["ModelInferResponse"].FromString,
            )

            def ask(values: list[float]) -> Answer:
                tensor = {"name": "a", "datatype": "FP64", "shape": [len(values)]}
                raw = [np.array(values).tobytes()]
                asked = CLASSES["ModelInferRequest"](model_name="m", inputs=[tensor], raw_input_contents=raw)
                told = infer(asked, timeout=60, metadata=who)
                return told.model_version, np.frombuffer(told.raw_output_contents[0]).tolist(), str(told)

            yield ask


@contextmanager
def asking(port: int, each: int) -> Iterator[Callers]:
    """EACH callers of every protocol, while the block runs."""
    callers = Callers(port)
    threads = [
        threading.Thread(target=callers.run, args=(protocol, f"{protocol} {i}" if i % 2 else ""))
        for protocol in callers.asking for i in range(each)
    ]  # fmt: skip
    for thread in threads:
        thread.start()
    try:
        yield callers
    finally:
        callers.stopped.set()
        for thread in threads:
            thread.join()

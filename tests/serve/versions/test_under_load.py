"""Versions are switched while others ask: nobody is lost, and every answer is wholly that of the version it names."""

from __future__ import annotations

import http.client
import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from aimass.serve.grpc.messages import CLASSES

INFER = "/inference.GRPCInferenceService/ModelInfer"


PROMISED = {"goal": [{"budget": "p99_ms", "asked": 10_000}]}  # a busy machine sends no version back for being slow


@pytest.fixture(scope="module")
def port(shelf: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    root = tmp_path_factory.mktemp("good")
    (root / "m").mkdir()
    for number in "123":
        shutil.copytree(shelf / "m" / number, root / "m" / number)
        (root / "m" / number / "ledger.json").write_text(json.dumps(PROMISED))
    command = [sys.executable, "-m", "aimass.serve", "--repository", str(root), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield int(json.loads(process.stdout.readline())["port"])
        process.terminate()
        assert process.wait(20) == 0


def said(port: int, path: str, body: Any) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", path, json.dumps(body))
    reply = connection.getresponse()
    told = json.loads(reply.read())
    assert reply.status == 200, told
    return told


class Callers:
    """Ask over one connection each until they are stopped; what came back that should not have is `wrong`."""

    def __init__(self, port: int) -> None:
        self.port, self.stopped = port, threading.Event()
        self.answers, self.wrong = list[str](), list[Any]()
        self.of_one: list[str] = []  # versions that one caller, who says who it is, got one after the other

    def records(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        body = json.dumps({"records": [{"a": 1.0}, {"a": 2.0}]})
        while not self.stopped.is_set():
            connection.request("POST", "/v1/predict/m", body)
            told = json.loads(connection.getresponse().read())
            values = [row["value"] for row in told.get("predictions", [])]
            self.check(told.get("model", "@?").partition("@")[2], values, [1.0, 2.0], told)

    def tensors(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        body = json.dumps({"inputs": [{"name": "a", "shape": [3], "datatype": "FP64", "data": [1, 2, 3]}]})
        while not self.stopped.is_set():
            connection.request("POST", "/v2/models/m/infer", body)
            told = json.loads(connection.getresponse().read())
            values = told["outputs"][0]["data"] if "outputs" in told else []
            self.check(told.get("model_version", "?"), values, [1.0, 2.0, 3.0], told)

    def bytes(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        tensor = {"name": "a", "shape": [2], "datatype": "FP64", "parameters": {"binary_data_size": 16}}
        head = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
        raw, length = np.array([6.0, 7.0]).tobytes(), "inference-header-content-length"
        while not self.stopped.is_set():
            connection.request("POST", "/v2/models/m/infer", head + raw, {length: str(len(head)), "x-user": "one"})
            reply = connection.getresponse()
            told, at = reply.read(), int(reply.getheader(length) or 0)
            values = np.frombuffer(told[at:]).tolist() if at else []
            version = json.loads(told[:at] or told).get("model_version", "?")
            self.of_one += [version] if self.of_one[-1:] != [version] else []
            self.check(version, values, [6.0, 7.0], told)

    def calls(self) -> None:
        with grpc.insecure_channel(f"127.0.0.1:{self.port}") as channel:
            infer = channel.unary_unary(
                INFER,
                request_serializer=lambda message: message.SerializeToString(),
                response_deserializer=CLASSES["ModelInferResponse"].FromString,
            )
            message = CLASSES["ModelInferRequest"](
                model_name="m", inputs=[{"name": "a", "datatype": "FP64", "shape": [2]}],
                raw_input_contents=[np.array([4.0, 5.0]).tobytes()],
            )  # fmt: skip
            while not self.stopped.is_set():
                told = infer(message, timeout=30)
                values = np.frombuffer(told.raw_output_contents[0]).tolist()
                self.check(told.model_version, values, [4.0, 5.0], told)

    def check(self, version: str, values: list[float], asked: list[float], told: Any) -> None:
        self.answers.append(version)
        if not version.isdigit() or values != [1000.0 * int(version) + value for value in asked]:
            self.wrong.append(told)

    def run(self, ask: Any) -> None:
        try:
            ask()
        except Exception as error:
            self.wrong.append(error)


@contextmanager
def asking(port: int) -> Iterator[Callers]:
    callers = Callers(port)
    kinds = [callers.records, callers.records, callers.tensors, callers.bytes, callers.calls]
    threads = [threading.Thread(target=callers.run, args=(kind,)) for kind in kinds]
    for thread in threads:
        thread.start()
    try:
        yield callers
    finally:
        callers.stopped.set()
        for thread in threads:
            thread.join()


def test_switches_returns_and_canaries_lose_and_mix_up_nothing(port: int) -> None:
    with asking(port) as callers:
        for number in (1, 2, 3):
            said(port, "/v2/repository/models/m/load", {"parameters": {"version": str(number)}})
            said(port, "/v1/deployments/m/rollback", {})
            said(port, "/v1/deployments/m/serve", {"version": str(number)})
            other = str(number % 3 + 1)
            said(port, "/v1/deployments/m/canary", {"version": other, "share": 0.3})
            said(port, "/v1/deployments/m/canary", {"version": other, "share": 0.7})
            said(port, "/v1/deployments/m/shadow", {"version": str((number + 1) % 3 + 1)})
            said(port, "/v1/deployments/m/promote", {})
    assert not callers.wrong, callers.wrong[:3]
    assert set(callers.answers) == {"1", "2", "3"} and len(callers.answers) > 100


def test_a_caller_who_says_who_it_is_changes_to_the_canary_once_while_its_share_grows(port: int) -> None:
    said(port, "/v1/deployments/m/serve", {"version": "1"})
    with asking(port) as callers:
        for share in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
            said(port, "/v1/deployments/m/canary", {"version": "2", "share": share, "sticky": "x-user"})
        while not callers.wrong and callers.of_one[-1:] != ["2"]:
            time.sleep(0.01)
    assert not callers.wrong, callers.wrong[:3]
    assert callers.of_one == ["1", "2"]

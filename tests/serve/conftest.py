"""A hand-made model of three raw columns, an application called without HTTP, and a real server."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto as T
from onnx import helper as h

from aimass.core.signature import Field, Signature
from aimass.serve.app import App
from aimass.serve.predictor import Served, Wanted, load

WORD = 'colour <b>&"'  # a name that breaks every page that does not escape
ROWS = (
    Field("size", "float64", kind="number", sent="number", unit="cm"),
    Field(WORD, "string", kind="category", sent="string", values=("red", "blau ü")),
    Field("seen", "int64", kind="date", sent="date", unit="us since 1970-01-01 UTC"),
)
OUTPUTS = (Field("label", "string", values=("no", "yes")), Field("probabilities", "float32", (2,)))
SIGNATURE = Signature("binary", "answer", ROWS, (Field("x.numbers", "float32", (1,)),), OUTPUTS)
SAMPLE = [
    {"size": 0.5, WORD: "blau ü", "seen": "2013-01-01T05:15:00"},
    {"size": None, WORD: "</textarea><script>alert('x')</script>", "seen": None},
]
SEEN = 1356998400000000  # 2013-01-01 in microseconds
PATIENCE = 60.0  # seconds: beyond them a test has failed

R = TypeVar("R", bound="Running")


def write_model(folder: Path) -> Path:
    """yes = sigmoid(size + 0.3 * known colour + years since 2013 / 10); a missing size counts as 0."""
    nodes = [
        h.make_node("IsNaN", ["size"], ["lost"]),
        h.make_node("Where", ["lost", "zero", "size"], ["known"]),
        h.make_node("LabelEncoder", [WORD], ["index"], domain="ai.onnx.ml", keys_strings=["red", "blau ü"],
                    values_floats=[0.3, 0.6], default_float=0.0),
        h.make_node("Cast", ["index"], ["word"], to=T.DOUBLE),
        h.make_node("Cast", ["seen"], ["time"], to=T.DOUBLE),
        h.make_node("Sub", ["time", "start"], ["since"]),
        h.make_node("Div", ["since", "decade"], ["age"]),
        h.make_node("Sum", ["known", "word", "age"], ["wide"]),
        h.make_node("Cast", ["wide"], ["logit"], to=T.FLOAT),
        h.make_node("Sigmoid", ["logit"], ["yes"]),
        h.make_node("Sub", ["one", "yes"], ["no"]),
        h.make_node("Unsqueeze", ["yes", "axis"], ["yes_"]),
        h.make_node("Unsqueeze", ["no", "axis"], ["no_"]),
        h.make_node("Concat", ["no_", "yes_"], ["probabilities"], axis=1),
        h.make_node("ArgMax", ["probabilities"], ["best"], axis=1, keepdims=0),
        h.make_node("Gather", ["names", "best"], ["label"]),
    ]  # fmt: skip
    takes = [(field.name, {"float64": T.DOUBLE, "string": T.STRING, "int64": T.INT64}[field.dtype]) for field in ROWS]
    graph = h.make_graph(
        nodes,
        "model",
        [h.make_tensor_value_info(name, kind, ["N"]) for name, kind in takes],
        [
            h.make_tensor_value_info("label", T.STRING, ["N"]),
            h.make_tensor_value_info("probabilities", T.FLOAT, ["N", 2]),
        ],
        [
            h.make_tensor("zero", T.DOUBLE, [], [0.0]),
            h.make_tensor("one", T.FLOAT, [], [1.0]),
            h.make_tensor("start", T.DOUBLE, [], [float(SEEN)]),
            h.make_tensor("decade", T.DOUBLE, [], [10 * 365.25 * 86400e6]),
            h.make_tensor("axis", T.INT64, [1], [1]),
            h.make_tensor("names", T.STRING, [2], [b"no", b"yes"]),
        ],
    )
    opsets = [h.make_opsetid("", 18), h.make_opsetid("ai.onnx.ml", 4)]
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(h.make_model(graph, opset_imports=opsets, ir_version=10), folder / "model.onnx")
    (folder / "signature.json").write_text(json.dumps(SIGNATURE.as_json()))
    (folder / "sample.json").write_text(json.dumps(SAMPLE))
    return folder


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("served") / "model")


@pytest.fixture(scope="session")
def engine(folder: Path) -> Callable[..., dict[str, np.ndarray]]:
    """ONNX Runtime itself, without anything of ours around it."""
    session = ort.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])

    def run(size: list[float], word: list[str], seen: list[int]) -> dict[str, np.ndarray]:
        feeds = {"size": np.array(size), WORD: np.array(word, object), "seen": np.array(seen, np.int64)}
        return dict(zip(("label", "probabilities"), session.run(["label", "probabilities"], feeds), strict=True))

    return run


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Caller:
    """Calls an application as a server would, without sockets."""

    def __init__(self, app: App) -> None:
        self.app = app

    def __call__(self, method: str, path: str, body: Any = b"", **headers: str) -> Reply:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        query = headers.pop("query", "").encode()
        named = [(name.replace("_", "-").encode(), text.encode("latin-1")) for name, text in headers.items()]
        scope = {"type": "http", "method": method, "path": path, "query_string": query, "headers": named}
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": raw, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        asyncio.run(self.app(scope, receive, send))
        start, end = sent
        told = {name.decode(): text.decode("latin-1") for name, text in start["headers"]}
        assert int(told["content-length"]) == len(end["body"])
        return Reply(start["status"], told, end["body"])


@pytest.fixture
def served(folder: Path) -> Iterator[Served]:
    model = load(Wanted(folder, "flights", 3))
    yield model
    model.close()


@pytest.fixture
def call(served: Served) -> Caller:
    return Caller(App([served]))


@dataclass
class Running:
    """A server, of one process or several."""

    process: subprocess.Popen[str]
    ready: dict[str, Any]

    @property
    def port(self) -> int:
        return int(self.ready["port"])

    def end(self) -> tuple[int, str]:
        """Stop it as a user would; its exit code and what it said on stderr."""
        self.process.terminate()
        _, said = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, said


@contextmanager
def serving(*arguments: str, kind: type[R] = Running, **options: Any) -> Iterator[R]:  # type: ignore[assignment]
    """A real server in a process of its own, on a free port, as its KIND sees it."""
    command = [sys.executable, "-m", "aimass.serve", *arguments, "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
    try:
        assert process.stdout is not None and process.stderr is not None
        line = process.stdout.readline()
        assert line, process.stderr.read()
        yield kind(process, json.loads(line))
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            stream.close()


def running(folder: Path, *more: str, **options: Any) -> AbstractContextManager[Running]:
    """One that serves FOLDER."""
    return serving(str(folder), "--name", "flights", *more, **options)


@pytest.fixture
def start() -> Callable[..., Any]:
    return running


@pytest.fixture(scope="session")
def server(folder: Path) -> Iterator[Running]:
    """One server for every test that only asks."""
    with running(folder) as found:
        yield found

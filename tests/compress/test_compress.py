"""Passes: what each changes, what it leaves alone, and when it says that it does not apply."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest

from aimass.compress.base import Pass
from aimass.compress.quantize_dynamic import QuantizeInt8Dynamic
from aimass.compress.quantize_static import QuantizeInt8
from aimass.compress.step import compress
from aimass.core.artifact import files_of
from aimass.core.errors import InputError
from aimass.core.part import resolve, table_of
from aimass.engines.onnxruntime import predictor, session

STATIC, DYNAMIC = "quantize-int8", "quantize-int8-dynamic"


def a_pass(name: str, **settings: object) -> Pass:
    return resolve("pass", name).from_settings({"use": name, **settings})  # type: ignore[return-value]


def scores(network: Path, tensors: dict) -> np.ndarray:
    return np.asarray(predictor(session(network))(tensors)["scores"])


def operators(network: Path) -> list[str]:
    return [node.op_type for node in onnx.load(network).graph.node]


@pytest.mark.parametrize("name", table_of("pass"))
class TestEveryPass:
    def test_it_says_in_words_why_it_does_not_apply(self, name, made) -> None:
        assert a_pass(name).applies(made("trees")[0]) == "trees have nothing to quantise"
        assert "20 weights" in a_pass(name).applies(made("tiny")[0])

    def test_it_does_not_apply_to_its_own_result(self, name, made, context_in) -> None:
        model, examples = made("numbers")
        with pytest.raises(InputError, match="quantised already"):
            compress.body(context_in("out"), model, examples, passes=[a_pass(name), a_pass(name)])

    def test_inputs_and_outputs_keep_their_names_and_types(self, name, made, tmp_path) -> None:
        model, examples = made("numbers")
        a_pass(name).apply(model.folder / "network.onnx", examples, tmp_path / "out.onnx")
        before, after = session(model.folder / "network.onnx"), session(tmp_path / "out.onnx")
        for puts in ("get_inputs", "get_outputs"):
            assert [(p.name, p.type) for p in getattr(before, puts)()] == [
                (p.name, p.type) for p in getattr(after, puts)()
            ]

    def test_an_mlp_becomes_a_third_of_its_size_and_answers_alike(self, name, made, tmp_path, tensors_of) -> None:
        model, examples = made("numbers")
        network, out = model.folder / "network.onnx", tmp_path / "out.onnx"
        a_pass(name).apply(network, examples, out)
        assert out.stat().st_size < 0.37 * network.stat().st_size
        tensors = tensors_of(examples)
        before, after = scores(network, tensors), scores(out, tensors)
        assert np.mean((before > 0) == (after > 0)) > 0.97
        assert np.abs(before - after).mean() < 0.06 * before.std()

    def test_the_same_network_gives_the_same_bytes(self, name, made, tmp_path) -> None:
        model, examples = made("numbers")
        for out in ("a", "b"):
            a_pass(name).apply(model.folder / "network.onnx", examples, tmp_path / out)
        assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()

    def test_seven_bits_use_half_the_range(self, name, made, tmp_path) -> None:
        model, examples = made("numbers")
        largest = {}
        for bits in (7, 8):
            a_pass(name, weight_bits=bits).apply(model.folder / "network.onnx", examples, tmp_path / "out")
            held = [onnx.numpy_helper.to_array(t) for t in onnx.load(tmp_path / "out").graph.initializer]
            largest[bits] = max(np.abs(w.astype(int)).max() for w in held if w.dtype == np.int8 and w.ndim == 2)
        assert largest == {7: 64, 8: 127}


def test_static_quantisation_leaves_no_float_convolution_and_merges_batch_norms(made, tmp_path, tensors_of) -> None:
    model, examples = made("pictures")
    out = tmp_path / "out.onnx"
    QuantizeInt8.from_settings(STATIC).apply(model.folder / "network.onnx", examples, out)
    found = onnx.load(out).graph
    makers = {name: node.op_type for node in found.node for name in node.output}
    convolutions = [node for node in found.node if node.op_type == "Conv"]
    assert len(convolutions) == 2 and "BatchNormalization" not in operators(out)
    assert all(makers[name] == "DequantizeLinear" for node in convolutions for name in node.input)
    tensors = tensors_of(examples)
    before, after = scores(model.folder / "network.onnx", tensors), scores(out, tensors)
    assert np.mean(before.argmax(1) == after.argmax(1)) > 0.97


def test_static_quantisation_keeps_scores_fine_grained(made, tmp_path, tensors_of) -> None:
    model, examples = made("numbers")
    QuantizeInt8.from_settings(STATIC).apply(model.folder / "network.onnx", examples, tmp_path / "out")
    assert len(np.unique(scores(tmp_path / "out", tensors_of(examples)))) > 500


def test_dynamic_quantisation_leaves_convolutions_and_embeddings_alone(made, tmp_path) -> None:
    picture = made("pictures")[0]
    assert "48 weights" in QuantizeInt8Dynamic.from_settings(DYNAMIC).applies(picture)
    model, examples = made("numbers")
    QuantizeInt8Dynamic.from_settings(DYNAMIC).apply(model.folder / "network.onnx", examples, tmp_path / "out")
    assert operators(tmp_path / "out").count("MatMulInteger") == 3
    embedding = next(t for t in onnx.load(tmp_path / "out").graph.initializer if list(t.dims) == [400, 8])
    assert embedding.data_type == onnx.TensorProto.FLOAT


def test_calibration_rows_are_chosen_by_seed_and_never_twice() -> None:
    one, again, other = (QuantizeInt8.from_settings({"use": STATIC, "rows": 50, "seed": s}) for s in (0, 0, 1))
    assert np.array_equal(one.chosen(600), again.chosen(600)) and not np.array_equal(one.chosen(600), other.chosen(600))
    assert len(set(one.chosen(600))) == 50 and len(one.chosen(20)) == 20


def test_a_compressed_model_keeps_everything_around_the_network(made, context_in) -> None:
    model, examples = made("numbers")
    context = context_in("out")
    compress.body(context, model, examples, passes=[a_pass(STATIC)])
    assert {p.name for p in context.folder.iterdir()} == {
        "network.onnx", "graph.onnx", "signature.json", "sample.json", "model.json", "model.onnx",
    }  # fmt: skip
    facts = json.loads((context.folder / "model.json").read_text())
    assert facts["architecture"] == {"use": "mlp"} and facts["epochs"] == 3
    assert [p["use"] for p in facts["passes"]] == [STATIC] and facts["passes"][0]["rows"] == 256
    assert (context.folder / "signature.json").read_bytes() == (model.folder / "signature.json").read_bytes()
    before, after = ((f / "network.onnx").stat().st_size for f in (model.folder, context.folder))
    assert after < 0.37 * before and not context.told  # what it gained is for `measure` to say


def test_the_same_model_compressed_twice_is_the_same_artifact(made, context_in) -> None:
    model, examples = made("numbers")
    folders = []
    for name in ("one", "two"):
        compress.body(context_in(name), model, examples, passes=[a_pass(STATIC)])
        folders.append(model.folder.parent / name)
    assert files_of(folders[0]) == files_of(folders[1])


def test_a_pass_that_does_not_apply_stops_the_step_with_its_reason(made, context_in) -> None:
    model, examples = made("trees")
    with pytest.raises(InputError, match="quantize-int8 does not apply: trees have nothing to quantise"):
        compress.body(context_in("out"), model, examples, passes=[a_pass(STATIC)])


def test_no_passes_are_refused(made, context_in) -> None:
    with pytest.raises(InputError, match="no passes"):
        compress.body(context_in("out"), *made("numbers"), passes=[])


def test_static_quantisation_shrinks_embedding_tables_too(made, tmp_path) -> None:
    model, examples = made("numbers")
    QuantizeInt8.from_settings(STATIC).apply(model.folder / "network.onnx", examples, tmp_path / "out")
    embedding = next(t for t in onnx.load(tmp_path / "out").graph.initializer if list(t.dims) == [400, 8])
    assert embedding.data_type in (onnx.TensorProto.INT8, onnx.TensorProto.UINT8)

"""Small models made by hand, as a workspace publishes them: records of a table, a text, a picture."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper as h

from aimass.core.artifact import Release, seal
from aimass.core.signature import Field, Signature
from aimass.publish.registry import publish_version
from aimass.runner.workspace import Workspace

CUSTOMERS = (
    Field("age", "float64", kind="number", sent="number", unit="years"),
    Field("plan", "string", kind="category", sent="string", values=("basic", "plus", "pro")),
    Field("spend", "float64", kind="number", sent="number", unit="EUR"),
    Field("joined", "int64", kind="date", sent="date", unit="us since 1970-01-01 UTC"),
)
PEOPLE = [
    {"age": 41.0, "plan": "basic", "spend": 12.5, "joined": "2024-03-01"},
    {"age": 29.0, "plan": "pro", "spend": 140.0, "joined": "2021-11-15"},
    {"age": 57.0, "plan": "plus", "spend": 63.0, "joined": "2019-06-30"},
    {"age": None, "plan": "basic", "spend": 5.0, "joined": "2025-01-02"},
]
WORDS = {"late": 1.6, "broken": 2.2, "never": 0.9, "great": -2.4, "quick": -1.2, "thanks": -1.0, "refund": 1.4}
REVIEWS = [{"review": "it arrived late and the lid was broken"}, {"review": "great value and quick to set up, thanks"}]
SHAPE = (28, 28, 1)


def publish(space: Workspace, folder: Path, name: str, budget: float = 10_000.0) -> None:
    """FOLDER as the next version of NAME, its champion; promised to answer within BUDGET milliseconds."""
    goal = [{"what": "roc_auc", "budget": "floor", "asked": 0.8, "measured": 0.86}]
    goal += [{"what": "p99_ms", "budget": "p99_ms", "asked": budget, "measured": 6.25}]
    (folder / "ledger.json").write_text(json.dumps({"goal": goal}))
    manifest = seal(Release.kind, folder, [])
    space.bytes.put(folder, manifest)
    space.catalog.add_artifact(manifest)
    release = space.open(manifest.digest)
    assert isinstance(release, Release)
    publish_version(space, release, name)


def customers(folder: Path, tilt: float = 0.0) -> Path:
    """Leaves: sigmoid((40 - age) / 20 + the plan's + (30 - spend) / 60 + years since 2020 / 5 + TILT)."""
    add = [
        h.make_node("IsNaN", ["age"], ["lost"]),
        h.make_node("Where", ["lost", "forty", "age"], ["known"]),
        h.make_node("Sub", ["forty", "known"], ["younger"]),
        h.make_node("Div", ["younger", "twenty"], ["by_age"]),
        h.make_node("LabelEncoder", ["plan"], ["level"], domain="ai.onnx.ml", keys_strings=["basic", "plus", "pro"],
                    values_floats=[0.8, 0.1, -0.9], default_float=0.0),
        h.make_node("Cast", ["level"], ["by_plan"], to=T.DOUBLE),
        h.make_node("Sub", ["thirty", "spend"], ["thrift"]),
        h.make_node("Div", ["thrift", "sixty"], ["by_spend"]),
        h.make_node("Cast", ["joined"], ["time"], to=T.DOUBLE),
        h.make_node("Sub", ["time", "start"], ["since"]),
        h.make_node("Div", ["since", "five"], ["by_age_here"]),
        h.make_node("Sum", ["by_age", "by_plan", "by_spend", "by_age_here", "tilt"], ["wide"]),
        h.make_node("Cast", ["wide"], ["logit"], to=T.FLOAT),
    ]  # fmt: skip
    constants = {"forty": 40.0, "twenty": 20.0, "thirty": 30.0, "sixty": 60.0, "tilt": tilt, "start": 1577836800e6,
                 "five": 5 * 365.25 * 86400e6}  # fmt: skip
    tensors = [h.make_tensor(name, T.DOUBLE, [], [value]) for name, value in constants.items()]
    takes = [("age", T.DOUBLE), ("plan", T.STRING), ("spend", T.DOUBLE), ("joined", T.INT64)]
    inputs = [h.make_tensor_value_info(name, kind, ["N"]) for name, kind in takes]
    return written(folder, [*add, *answers()], inputs, [*tensors, *named("no", "yes")], CUSTOMERS, "leaves", PEOPLE)


def reviews(folder: Path, less: float = 0.4) -> Path:
    """A complaint: sigmoid(what its words weigh - LESS)."""
    add = [
        h.make_node("StringSplit", ["review"], ["tokens", "many"], delimiter=" "),
        h.make_node("LabelEncoder", ["tokens"], ["weights"], domain="ai.onnx.ml", keys_strings=list(WORDS),
                    values_floats=list(WORDS.values()), default_float=0.0),
        h.make_node("ReduceSum", ["weights", "axis"], ["sum"], keepdims=0),
        h.make_node("Sub", ["sum", "less"], ["logit"]),
    ]  # fmt: skip
    more = [h.make_tensor("less", T.FLOAT, [], [less])]
    inputs = [h.make_tensor_value_info("review", T.STRING, ["N"])]
    fields = (Field("review", "string", kind="text", sent="string"),)
    return written(folder, [*add, *answers()], inputs, [*more, *named("praise", "complaint")], fields, "kind", REVIEWS)


def clothes(folder: Path) -> Path:
    """Three classes by where a picture is bright: above, in the middle, below."""
    weights = np.zeros((784, 3), np.float32)
    for i in range(3):
        weights[i * 280 : i * 280 + 224, i] = 0.02 / 255
    nodes = [
        h.make_node("Cast", ["image"], ["bright"], to=T.FLOAT),
        h.make_node("Flatten", ["bright"], ["flat"], axis=1),
        h.make_node("MatMul", ["flat", "weights"], ["scores"]),
        h.make_node("Softmax", ["scores"], ["probabilities"], axis=1),
        h.make_node("ArgMax", ["probabilities"], ["best"], axis=1, keepdims=0),
        h.make_node("Gather", ["names", "best"], ["label"]),
    ]
    names = ["hat", "shirt", "shoe"]
    tensors = [h.make_tensor("weights", T.FLOAT, weights.shape, weights.ravel().tolist()),
               h.make_tensor("names", T.STRING, [3], [name.encode() for name in names])]  # fmt: skip
    inputs = [h.make_tensor_value_info("image", T.UINT8, ["N", *SHAPE])]
    fields = (Field("image", "uint8", SHAPE, kind="image", sent="image"),)
    sample = [{"image": shirt().tolist()}]
    return written(folder, nodes, inputs, tensors, fields, "garment", sample, classes=names)


def deep(folder: Path, nodes: int) -> Path:
    """Late: sigmoid(distance), by way of so many NODES."""
    steps = [h.make_node("Identity", [f"s{i}"], [f"s{i + 1}"], f"layer{i // 100}/step{i % 100}") for i in range(nodes)]
    ends = [h.make_node("Cast", ["distance"], ["s0"], to=T.FLOAT), h.make_node("Identity", [f"s{nodes}"], ["logit"])]
    inputs = [h.make_tensor_value_info("distance", T.DOUBLE, ["N"])]
    fields = (Field("distance", "float64", kind="number", sent="number", unit="miles"),)
    names = named("false", "true")
    return written(folder, [ends[0], *steps, ends[1], *answers()], inputs, names, fields, "late", [{"distance": 120.0}])


def shirt() -> np.ndarray:
    """A drawing.  uint8 28 x 28 x 1"""
    image = np.zeros(SHAPE, np.uint8)
    image[5:24, 9:19] = 190
    image[6:11, 4:24] = 150
    image[5:8, 12:16] = 40
    return image


def answers() -> list[Any]:
    """Nodes from a logit to label and probabilities of two classes."""
    return [
        h.make_node("Sigmoid", ["logit"], ["yes"]),
        h.make_node("Sub", ["one", "yes"], ["no"]),
        h.make_node("Unsqueeze", ["yes", "axis"], ["yes_"]),
        h.make_node("Unsqueeze", ["no", "axis"], ["no_"]),
        h.make_node("Concat", ["no_", "yes_"], ["probabilities"], axis=1),
        h.make_node("ArgMax", ["probabilities"], ["best"], axis=1, keepdims=0),
        h.make_node("Gather", ["names", "best"], ["label"]),
    ]


def named(*classes: str) -> list[Any]:
    return [h.make_tensor("one", T.FLOAT, [], [1.0]), h.make_tensor("axis", T.INT64, [1], [1]),
            h.make_tensor("names", T.STRING, [len(classes)], [name.encode() for name in classes])]  # fmt: skip


def written(
    folder: Path, nodes: Sequence[Any], inputs: Sequence[Any], tensors: Sequence[Any], fields: tuple[Field, ...],
    target: str, sample: list[dict[str, Any]], classes: Sequence[str] = (),
) -> Path:  # fmt: skip
    """A folder that can be published."""
    known = classes or [text.decode() for text in next(one for one in tensors if one.name == "names").string_data]
    outputs = [h.make_tensor_value_info("label", T.STRING, ["N"]),
               h.make_tensor_value_info("probabilities", T.FLOAT, ["N", len(known)])]  # fmt: skip
    graph = h.make_graph(nodes, "model", inputs, outputs, tensors)
    opsets = [h.make_opsetid("", 20), h.make_opsetid("ai.onnx.ml", 4)]
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(h.make_model(graph, opset_imports=opsets, ir_version=10), folder / "model.onnx")
    made = (Field("label", "string", values=tuple(known)), Field("probabilities", "float32", (len(known),)))
    task = "binary" if len(known) == 2 else "multiclass"
    signature = Signature(task, target, fields, (), made)
    (folder / "signature.json").write_text(json.dumps(signature.as_json()))
    (folder / "sample.json").write_text(json.dumps(sample))
    return folder

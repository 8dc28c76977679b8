"""Releases of a made-up model: what it comes from is made by hand, `choose` and `publish` are the real steps."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

from onnx import TensorProto, helper
from PIL import Image

from aimass.core.artifact import Artifact, seal
from aimass.core.step import load_step
from aimass.runner.workspace import Workspace
from aimass.store.catalog import now

GOAL = {"target": "late", "metric": "roc_auc", "floor": 0.7, "p99_ms": 10.0, "size_mb": 5.0}
MACHINE = {"digest": "here", "processor": "AMD EPYC", "cores": 2, "load_average_at_start": 0.4}
TRIED = {  # use, passes -> quality, p99 ms, bytes
    ("linear", ()): (0.7073, 1.8, 13_134),
    ("mlp", ()): (0.7241, 2.2, 403_531),
    ("mlp", ("quantize-int8",)): (0.7236, 1.4, 125_647),
    ("xgboost", ()): (0.7171, 8.1, 966_819),
}


def by_hand(
    space: Workspace, kind: str, step: str, files: Mapping[str, str | bytes], parents: list[str], **facts: Any
) -> Artifact:
    """An artifact as if STEP had made it."""
    folder = space.folder / "by-hand"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    manifest = seal(kind, folder, parents, step=step, created=now(), version="0.1.0", made_by="t" * 64, facts=facts)
    space.bytes.put(folder, manifest)
    space.catalog.add_artifact(manifest)
    return space.open(manifest.digest)


def graph(name: str, width: int = 8, layers: int = 3) -> bytes:
    """An ONNX network of LAYERS layers with a ReLU after each."""
    nodes, weights, last = [], [], "rows"
    for layer in range(layers):
        own, made = f"{name}/{layer}/weight", f"{name}/{layer}/out"
        weights.append(helper.make_tensor(own, TensorProto.FLOAT, [width, width], [0.1 * layer] * width * width))
        nodes += [helper.make_node("MatMul", [last, own], [f"{made}_sum"], f"{name}/{layer}/MatMul"),
                  helper.make_node("Relu", [f"{made}_sum"], [made], f"{name}/{layer}/Relu")]  # fmt: skip
        last = made
    ports = [helper.make_tensor_value_info(port, TensorProto.FLOAT, ["N", width]) for port in ("rows", last)]
    return helper.make_model(helper.make_graph(nodes, name, ports[:1], ports[1:], weights)).SerializeToString()


SIGNATURE = {
    "task": "binary", "target": "late", "inputs": [],
    "rows": [{"name": "carrier", "dtype": "string", "kind": "category", "sent": "string", "values": ["UA", "B6"]},
             {"name": "distance", "dtype": "float64", "kind": "number", "sent": "number", "unit": "miles"},
             {"name": "<img src=x onerror=alert(1)>", "dtype": "float64", "kind": "number", "sent": "number"}],
    "outputs": [{"name": "label", "dtype": "string", "values": ["false", "true"]}],
}  # fmt: skip


def figure(value: float, share: float, n: int) -> dict[str, Any]:
    return {"value": value, "low": value * (1 - share), "high": value * (1 + share), "n": n}


def measured(use: str, passes: tuple[str, ...], model: str, base: Mapping[str, Any] | None) -> dict[str, Any]:
    """What `measure` reports of a candidate of TRIED."""
    quality, p99, size = TRIED[(use, passes)]
    against = base and {"model": base["model"], "agreement": 0.996, "size_bytes": base["size_bytes"],
                        "difference": {"roc_auc": figure(-0.0005, 0.2, 65_470)}}  # fmt: skip
    return {
        "model": model, "task": "binary", "rows": 65_470, "size_bytes": size, "machine": MACHINE,
        "candidate": {"architecture": {"use": use}, "passes": [{"use": name} for name in passes], "engine": None},
        "quality": {"roc_auc": figure(quality, 0.006, 65_470)}, "against_baseline": against,
        "engine": {"p50_ms": figure(p99 / 20, 0.01, 5000), "ratio_to_baseline": base and figure(0.71, 0.02, 100)},
        "endpoint": {"p50_ms": figure(p99 / 3, 0.1, 2000), "p99_ms": figure(p99, 0.2, 2000), "clients": 4},
    }  # fmt: skip


def chosen(space: Workspace, seed: int, source: Artifact | None = None, **goal: Any) -> Artifact:
    """The ledger of all that is TRIED on one dataset (SOURCE, if given), by the real `choose`."""
    source = source or by_hand(space, "dataset", "collect", {"rows.csv": f"seed {seed}"}, [], rows=336_776)
    examples = by_hand(space, "examples", "prepare", {"graph.onnx": "g"}, [source.digest], train=212_774)
    reports: dict[tuple[str, ...], Any] = {}
    for use, passes in TRIED:
        files: dict[str, str | bytes] = {
            "model.onnx": graph(use),
            "signature.json": json.dumps(SIGNATURE),
            "sample.json": "[]",
            "model.json": json.dumps(
                {"architecture": {"use": use, "width": 8}, "passes": [{"use": p} for p in passes]}
            ),
        }
        if (use, passes) == ("mlp", ()):
            files["advice.json"] = json.dumps(advice())
        came = [examples.digest, reports[use, ()][1]["model"]] if passes else [examples.digest]
        model = by_hand(space, "model", "compress" if passes else "train", files, came)
        told = measured(use, passes, model.digest, reports[use, ()][1] if passes else None)
        report = by_hand(space, "report", "measure", {"report.json": json.dumps(told)}, [model.digest, examples.digest])
        reports[use, passes] = (report.digest, told)
    failed = [
        {"candidate": "xgboost + quantize-int8", "status": "not applicable", "reason": "trees have nothing to quantise"}
    ]
    given = {"goal": {**GOAL, **goal}, "failures": failed}
    return space.run(
        load_step("choose").task({"reports": [digest for digest, _ in reports.values()]}, given, 0, "choose")
    )


def publish(space: Workspace, ledger: Artifact, name: str = "flights") -> Artifact:
    """The pick of LEDGER as the next version of NAME, by the real `publish`."""
    step = load_step("publish")
    inputs = {"model": ledger.read_json("ledger.json")["pick"]["model"], "ledger": ledger.digest}
    return step.run(space, step.task(inputs, {"name": name}, 0, f"publish {name}"))[0]


def advice() -> dict[str, Any]:
    """What the advisor keeps beside a model: one acceleration that pays, one that does not."""
    ratio = {"value": 1.42, "low": 1.38, "high": 1.47, "pairs": 24, "dropped": 0, "run": 1, "chance": 0.0}
    row = {
        "kind": "precision",
        "share": 0.61,
        "bound": 2.5,
        "numerics": "within tolerance",
        "memory": 0.2,
        "break_even": 40,
    }
    return {
        "plan": {"batch": 1024, "precision": "bf16"},
        "verdict": "adopted",
        "reason": "",
        "changes": {"precision": "bf16"},
        "ratio": ratio,
        "how": "24 pairs in turn",
        "seconds": 12.4,
        "budget": 30.0,
        "step": 0.035,
        "reused": False,
        "floor": {**ratio, "value": 1.0, "low": 0.99, "high": 1.01},
        "shares": {"forward": 0.4, "backward": 0.5, "data": 0.1},
        "rows": [
            {
                **row,
                "candidate": "bf16",
                "changes": {"precision": "bf16"},
                "ratio": ratio,
                "decision": "adopted",
                "reason": "",
            },
            {
                **row,
                "candidate": "compile",
                "changes": {"compile": "default"},
                "ratio": None,
                "decision": "refused",
                "reason": "<b>takes 40 s</b>, the training 12 s",
                "break_even": None,
            },
        ],
    }


def explained(space: Workspace, release: Artifact) -> Artifact:
    """A report of why the model of RELEASE answers as it does."""
    shares = [
        {"name": "distance", "value": 120.5, "attribution": 0.21, "error": 0.01},
        {"name": "carrier", "value": "<b>UA</b>", "attribution": -0.08, "error": None},
    ]
    row = {
        "prediction": 0.83,
        "target": "true",
        "base_value": 0.7,
        "attributions": shares,
        "others": 0.0,
        "method": "exact",
        "completeness_error": 0.0,
        "evaluations": 191,
        "background_rows": 64,
        "warnings": [],
    }
    told = {
        "model": "",
        "examples": "",
        "explainer": {"use": "auto"},
        "metric": {"use": "roc_auc"},
        "explanations": [row, row],
        "importance": [
            {"columns": ["distance"], **figure(0.12, 0.1, 5)},
            {"columns": ["carrier"], **figure(0.03, 0.4, 5)},
        ],
        "against_baseline": {"model": "", "rank_correlation": {"rows": [1.0], "median": 0.97}},
    }
    picture = io.BytesIO()
    Image.radial_gradient("L").resize((32, 32)).convert("RGB").save(picture, "PNG")
    files = {"explanation.json": json.dumps(told), "row-0-image-0.png": picture.getvalue()}
    return by_hand(space, "report", "explain", files, [release.read_json("release.json")["model"]])


def registry(space: Workspace) -> None:
    """Two versions of flights, the first of which is explained, and a search that published nothing."""
    explained(space, publish(space, chosen(space, 1, prefer="latency")))
    publish(space, chosen(space, 2))
    chosen(space, 3, floor=0.9)

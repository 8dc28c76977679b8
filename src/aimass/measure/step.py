"""The verb `measure`: the only place figures come from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aimass.core.artifact import Examples, Model, Report
from aimass.core.errors import InputError
from aimass.core.step import Context, step
from aimass.measure.base import Metric, check_task, default_metric
from aimass.measure.machine import load_average, machine, machine_digest, steal_percent, ticks

if TYPE_CHECKING:
    from aimass.engines.base import Engine

ASKED = 256  # different rows that latency is measured with


@step
def measure(  # type: ignore[return]  # the folder is the answer
    ctx: Context,
    model: Model,
    examples: Examples,
    baseline: Model | None = None,
    *,
    metrics: list[Metric] = [],  # noqa: B006 - a step's default is spelled out in its task, never mutated
    clients: int = 4,
    samples: int = 2000,
    processes: int = 5,
    calls: int = 1000,
    machine: str = machine_digest(),
) -> Report:
    """Measure MODEL on the held-back rows of EXAMPLES: quality, size, latency of the engine call and at the endpoint.

    \b
    metrics    what to score; the usual one of the task if empty
    clients    requests under way at once at the endpoint, and samples of them
    processes  fresh ones that time the engine call, and calls in each
    machine    digest of the machine this is about; figures of another machine are never reused
    With BASELINE, also the paired differences to it.
    Example: aimass measure flights/mlp flights/prepare --metrics roc_auc --clients 8
    """
    from aimass.engines.onnxruntime import OnnxRuntime

    _check_here(machine)
    _check_counts(clients=clients, samples=samples, processes=processes, calls=calls)
    signature = examples.signature
    scored = metrics or [Metric.from_settings(default_metric(signature.task))]
    for metric in scored:
        check_task(metric, signature.task)
    before, load = ticks(), load_average()
    engine = OnnxRuntime.from_settings("onnxruntime")
    report = {
        "model": model.digest,
        "candidate": {key: model.read_json("model.json").get(key) for key in ("architecture", "passes")},
        "task": signature.task,
        **_quality(ctx, model, examples, baseline, scored, engine),
        **_size(model),
        "engine": _engine(ctx, model, examples, baseline, engine, processes, calls),
        "endpoint": _endpoint(ctx, model, examples, clients, samples),
        "machine": _machine(load, before),
    }
    text = json.dumps(report, indent=1, ensure_ascii=False, allow_nan=False)
    (ctx.folder / "report.json").write_text(text, encoding="utf-8")
    quality = {name: round(figure["value"], 4) for name, figure in report["quality"].items()}
    ctx.tell(**quality, p99_ms=round(report["endpoint"]["p99_ms"]["value"], 3), size_bytes=report["size_bytes"])


def _check_here(asked: str) -> None:
    if asked and asked != machine_digest():
        raise InputError(
            f"figures of machine {asked} were asked for, this is {machine_digest()}",
            expected="a measurement on the machine it is about",
            todo="run `measure` here without a machine setting, or on that machine",
            key="machine",
        )


def _check_counts(**counts: int) -> None:
    for name, count in counts.items():
        if count < 1:
            raise InputError(f"measure.{name} must be at least 1, got {count}", expected="1 or more", key=name)


def _quality(
    ctx: Context, model: Model, examples: Examples, baseline: Model | None, metrics: list[Metric], engine: Engine
) -> dict[str, Any]:
    from aimass.measure.quality import agreement, answers, difference

    signature = examples.signature
    truth, answer = answers(model.folder, examples.folder, signature, engine)
    named = {str(metric.settings()["use"]): metric for metric in metrics}
    figures = {name: metric.score(truth, answer, signature).as_json() for name, metric in named.items()}
    ctx.log("; ".join(f"{name} {f['value']:.4f} [{f['low']:.4f}, {f['high']:.4f}]" for name, f in figures.items()))
    against = None
    if baseline is not None:
        _, other = answers(baseline.folder, examples.folder, signature, engine)
        against = {
            "model": baseline.digest,
            "difference": {
                name: difference(metric, truth, answer, other, signature).as_json() for name, metric in named.items()
            },
            "agreement": agreement(answer, other),
            "size_bytes": _size(baseline)["size_bytes"],
        }
    return {"quality": figures, "rows": len(truth), "against_baseline": against}


def _size(model: Model) -> dict[str, int]:
    from aimass.measure.size import sizes

    return sizes(model.folder)


def _engine(
    ctx: Context, model: Model, examples: Examples, baseline: Model | None, engine: Engine, processes: int, calls: int
) -> dict[str, Any]:
    from aimass.measure.latency_engine import engine_latency
    from aimass.measure.quality import some_rows
    from aimass.prepare.rows import from_arrow

    rows = from_arrow(some_rows(examples.folder, ASKED), examples.signature.rows)
    found = engine_latency(
        model.folder,
        rows,
        engine,
        baseline=baseline.folder if baseline else None,
        calls=calls,
        processes=processes,
        between=lambda: ctx.report(),  # raises Stopped when asked to stop
    )
    ctx.log(f"engine call p50 {found.p50.value:.3f} ms, p99 {found.p99.value:.3f} ms")
    return found.as_json()


def _endpoint(ctx: Context, model: Model, examples: Examples, clients: int, samples: int) -> dict[str, Any]:
    import tempfile
    from pathlib import Path

    from aimass.measure.latency_endpoint import endpoint, endpoint_latency
    from aimass.measure.quality import some_rows
    from aimass.prepare.rows import to_json_records

    ctx.report()
    records = to_json_records(some_rows(examples.folder, ASKED), examples.signature.rows)
    bodies = [json.dumps({"records": [record]}, ensure_ascii=False) for record in records]
    with tempfile.TemporaryDirectory() as log, endpoint(model.folder, "model", log_to=Path(log)) as url:
        found = endpoint_latency(f"{url}/v1/predict/model", bodies, clients=clients, samples=samples)
    ctx.log(
        f"endpoint, {clients} clients: p50 {found['p50_ms']['value']:.3f} ms, p99 {found['p99_ms']['value']:.3f} ms"
    )
    return found


def _machine(load: float | None, before: tuple[int, int] | None) -> dict[str, Any]:
    return {
        "digest": machine_digest(),
        **machine(),
        "load_average_at_start": load,
        "steal_percent": steal_percent(before, ticks()),
    }

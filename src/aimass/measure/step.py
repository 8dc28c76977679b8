"""The verb `measure`: the only place figures come from."""

from __future__ import annotations

import json
from typing import Any

from aimass.core.artifact import Examples, Model, Report
from aimass.core.errors import InputError
from aimass.core.step import Context, step
from aimass.engines.base import Engine
from aimass.engines.chosen import DEFAULT
from aimass.measure.base import Metric, check_task, default_metric
from aimass.measure.machine import load_average, machine, machine_digest, steal_percent, ticks

ASKED = 256  # different rows that latency is measured with


@step
def measure(  # type: ignore[return]  # the folder is the answer
    ctx: Context,
    model: Model,
    examples: Examples,
    baseline: Model | None = None,
    answered: Report | None = None,
    *,
    metrics: list[Metric] = [],  # noqa: B006 - a step's default is spelled out in its task, never mutated
    clients: int = 4,
    samples: int = 2000,
    starts: int = 3,
    processes: int = 5,
    calls: int = 1000,
    repeat: int = 0,
    engine: Engine | None = None,
    machine: str = machine_digest(),
) -> Report:
    """Measure MODEL on the held-back rows of EXAMPLES: quality, size, latency of the engine call and at the endpoint.

    \b
    metrics    what to score; the usual one of the task if empty
    clients    requests under way at once at the endpoint, and samples of them
    starts     fresh servers that share the samples
    processes  fresh ones that time the engine call, and calls in each
    repeat     raise it to measure again what was measured, say on a busy machine
    engine     what runs MODEL, onnxruntime if none; the baseline is always run by onnxruntime
    machine    digest of the machine this is about; figures of another machine are never reused
    With BASELINE, also the paired differences to it; its report, if ANSWERED is given, spares its answering again.
    Example: aimass measure flights/mlp flights/prepare --metrics roc_auc --clients 8
    """
    _check_here(machine)
    _check_counts(clients=clients, samples=samples, starts=starts, processes=processes, calls=calls)
    signature = examples.signature
    scored = metrics or [Metric.from_settings(default_metric(signature.task))]
    for metric in scored:
        check_task(metric, signature.task)
    before, load = ticks(), load_average()
    usual = Engine.from_settings(DEFAULT)
    runs = engine or usual
    facts = {key: model.read_json("model.json").get(key) for key in ("architecture", "passes")}
    report = {
        "model": model.digest,
        "candidate": {**facts, "engine": engine and engine.settings()},
        "task": signature.task,
        **_quality(ctx, model, examples, baseline, answered, scored, runs, usual),
        **_size(model, runs),
        "engine": _engine(ctx, model, examples, baseline, runs, usual, processes, calls),
        "endpoint": _endpoint(ctx, model, examples, engine, clients, samples, starts),
        "machine": _machine(load, before),
        "repeat": repeat,
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
    ctx: Context,
    model: Model,
    examples: Examples,
    baseline: Model | None,
    answered: Report | None,
    metrics: list[Metric],
    engine: Engine,
    usual: Engine,
) -> dict[str, Any]:
    from aimass.measure.answers import save_answers
    from aimass.measure.quality import agreement, answers, difference

    signature = examples.signature
    truth, answer = answers(model.folder, examples.folder, signature, engine)
    save_answers(ctx.folder, truth, answer, signature)
    named = {str(metric.settings()["use"]): metric for metric in metrics}
    figures = {name: metric.score(truth, answer, signature).as_json() for name, metric in named.items()}
    ctx.log("; ".join(f"{name} {f['value']:.4f} [{f['low']:.4f}, {f['high']:.4f}]" for name, f in figures.items()))
    against = None
    if baseline is not None:
        other = _answers_of(baseline, answered, examples, usual)
        against = {
            "model": baseline.digest,
            "difference": {
                name: difference(metric, truth, answer, other, signature).as_json() for name, metric in named.items()
            },
            "agreement": agreement(answer, other),
            "size_bytes": _size(baseline, usual)["size_bytes"],
        }
    return {"quality": figures, "rows": len(truth), "examples": examples.digest, "against_baseline": against}


def _answers_of(baseline: Model, answered: Report | None, examples: Examples, engine: Engine) -> dict[str, Any]:
    """The answers of BASELINE, out of its report where that is ANSWERED and about the same rows."""
    from aimass.measure.answers import load_answers
    from aimass.measure.quality import answers

    if answered is None:
        return answers(baseline.folder, examples.folder, examples.signature, engine)[1]
    facts = answered.read_json("report.json")
    stored = load_answers(answered.folder)
    if stored is None or (facts["model"], facts["examples"]) != (baseline.digest, examples.digest):
        raise InputError(
            f"report {answered.digest[:12]} does not hold the answers of the baseline to these examples",
            expected=f"the report of model {baseline.digest[:12]} on examples {examples.digest[:12]}",
            todo="leave `answered` out, and the baseline answers again",
            key="answered",
        )
    return stored[1]


def _size(model: Model, engine: Engine) -> dict[str, int]:
    from aimass.measure.size import sizes

    return sizes(model.folder, engine.files())


def _engine(
    ctx: Context,
    model: Model,
    examples: Examples,
    baseline: Model | None,
    engine: Engine,
    usual: Engine,
    processes: int,
    calls: int,
) -> dict[str, Any]:
    from aimass.measure.latency_engine import engine_latency
    from aimass.measure.quality import some_rows
    from aimass.prepare.tables import from_arrow

    rows = from_arrow(some_rows(examples.folder, ASKED), model.signature.rows)
    found = engine_latency(
        model.folder,
        rows,
        engine,
        baseline=baseline.folder if baseline else None,
        against=usual,
        calls=calls,
        processes=processes,
        between=lambda: ctx.report(),  # raises Stopped when asked to stop
    )
    ctx.log(f"engine call p50 {found.p50.value:.3f} ms, p99 {found.p99.value:.3f} ms")
    return {**found.as_json(), "settings": engine.settings()}


def _endpoint(
    ctx: Context, model: Model, examples: Examples, engine: Engine | None, clients: int, samples: int, starts: int
) -> dict[str, Any]:
    from aimass.measure.latency_endpoint import endpoint_latency
    from aimass.measure.quality import some_rows
    from aimass.measure.served import as_served
    from aimass.prepare.tables import to_json_records

    records = to_json_records(some_rows(examples.folder, ASKED), model.signature.rows)
    bodies = [json.dumps({"records": [record]}, ensure_ascii=False) for record in records]
    stop = ctx.report  # raises Stopped when asked to stop
    with as_served(model.folder, engine) as folder:
        found = endpoint_latency(folder, bodies, clients=clients, samples=samples, starts=starts, between=stop)
    p50, p99 = (found[name]["value"] for name in ("p50_ms", "p99_ms"))
    ctx.log(f"endpoint, {clients} clients, {starts} starts: p50 {p50:.3f} ms, p99 {p99:.3f} ms")
    return found


def _machine(load: float | None, before: tuple[int, int] | None) -> dict[str, Any]:
    return {
        "digest": machine_digest(),
        **machine(),
        "load_average_at_start": load,
        "steal_percent": steal_percent(before, ticks()),
    }

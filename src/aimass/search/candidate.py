"""A measured candidate as one row of plain JSON, taken from its report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aimass.core.canonical import digest_of
from aimass.core.errors import InputError
from aimass.core.part import resolve
from aimass.search.goal import MB, short

Row = dict[str, Any]


def described(family: str, settings: Mapping[str, Any]) -> str:
    """'mlp', or 'mlp (dropout=0.2)' where a setting is not the default: equal names mean equal settings."""
    use = str(settings["use"])
    try:
        defaults = {row["name"]: row["default"] for row in resolve(family, use).schema()}
    except InputError:  # a user's module that is not beside us: its name must do
        defaults = dict(settings)
    changed = {
        key: value for key, value in settings.items() if key not in ("use", "revision") and value != defaults.get(key)
    }
    inside = ", ".join(f"{key}={value}" for key, value in sorted(changed.items()))
    return f"{use} ({inside})" if inside else use


def name_of(
    architecture: Mapping[str, Any], passes: list[Mapping[str, Any]], engine: Mapping[str, Any] | None = None
) -> str:
    """'mlp + quantize-int8', and 'on onnxruntime (threads=2)' where another engine than the usual runs it."""
    name = " + ".join([described("architecture", architecture), *(described("pass", p) for p in passes)])
    return f"{name} on {engine_name(engine)}" if engine else name


def engine_name(engine: Mapping[str, Any]) -> str:
    """'xgboost', 'onnxruntime (threads=2)'; 'xgboost in a host' for one in a process of its own."""
    inner = engine.get("engine")
    return f"{engine_name(inner)} in a host" if inner else described("engine", engine)


def key_of(model: str, engine: Mapping[str, Any] | None) -> str:
    """What tells a candidate from all others: its model's digest, and the engine where it is not the usual one."""
    return f"{model} {digest_of(engine)[:12]}" if engine else model


def row_of(report: Mapping[str, Any], digest: str, metric: str) -> Row:
    """The figures of REPORT that a choice looks at, METRIC as its `quality`.  Raises InputError without METRIC."""
    if metric not in report["quality"]:
        raise InputError(
            f"report {digest[:12]} does not score {metric}",
            expected=f"a report with {metric}; it has {', '.join(report['quality'])}",
            todo="measure the model again with that metric",
            key="metric",
        )
    facts, against = report["candidate"], report.get("against_baseline")
    engine = facts.get("engine")
    return {
        "candidate": name_of(facts["architecture"], facts["passes"] or [], engine),
        "passes": len(facts["passes"] or []),
        "engine": engine,
        "model": report["model"],
        "key": key_of(report["model"], engine),
        "report": digest,
        "quality": {"metric": metric, **report["quality"][metric]},
        "load_average": report["machine"].get("load_average_at_start"),
        "p50_ms": report["endpoint"]["p50_ms"],
        "p99_ms": report["endpoint"]["p99_ms"],
        "size_bytes": report["size_bytes"],
        "engine_p50_ms": report["engine"]["p50_ms"],
        "engine_ratio": report["engine"]["ratio_to_baseline"],
        "baseline": against and against["model"],
        "difference": against and against["difference"].get(metric),
        "agreement": against and against["agreement"],
        "size_ratio": against and report["size_bytes"] / against["size_bytes"],
    }


def figure_text(figure: Mapping[str, Any], name: str = "") -> str:
    """'roc_auc 0.741 [0.737, 0.745]'; a missing bound is a question mark."""
    low, high = ("?" if figure[side] is None else short(figure[side]) for side in ("low", "high"))
    return f"{name} {short(figure['value'])} [{low}, {high}]".strip()


def size_text(row: Mapping[str, Any]) -> str:
    """'0.42 MB'."""
    return f"{short(row['size_bytes'] / MB)} MB"

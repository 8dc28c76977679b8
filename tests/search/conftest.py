"""Reports made by hand."""

from collections.abc import Callable
from typing import Any

import pytest


def fig(value: float, half: float = 0.0, n: int = 2000) -> dict[str, Any]:
    return {"value": value, "low": value - half, "high": value + half, "n": n}


@pytest.fixture
def report_of() -> Callable[..., dict]:
    """A report; `base` makes it an acceleration of that report, RATIO times its engine call."""

    def make(
        use: str,
        *,
        quality: float = 0.8,
        half: float = 0.01,
        p99: float = 2.0,
        spread: float = 0.1,
        size: int = 1_000_000,
        base: dict | None = None,
        ratio: float = 0.5,
        gap: float = 0.0,
        metric: str = "roc_auc",
        passes: tuple[str, ...] = ("quantize-int8",),
        task: str = "binary",
        engine: dict[str, Any] | None = None,
        call_ms: float = 0.1,
    ) -> dict:
        against = None
        if base:
            difference = {metric: fig(quality - base["quality"][metric]["value"], gap)}
            against = {"model": base["model"], "difference": difference, "agreement": 0.99,
                       "size_bytes": base["size_bytes"]}  # fmt: skip
        used = [{"use": name} for name in passes] if base and not engine else []
        return {
            "model": base["model"] if base and engine else "+".join([use, *(each["use"] for each in used)]),
            "candidate": {"architecture": {"use": use}, "passes": used, "engine": engine},
            "task": task,
            "quality": {metric: fig(quality, half)},
            "rows": 2000,
            "size_bytes": size,
            "against_baseline": against,
            "engine": {"p50_ms": fig(call_ms), "p99_ms": fig(0.2), "samples": 5000, "processes": 5,
                       "ratio_to_baseline": fig(ratio, 0.01) if base else None},
            "endpoint": {"p50_ms": fig(p99 / 2), "p99_ms": fig(p99, spread), "samples": 2000, "clients": 4,
                         "errors": 0},
            "machine": {"digest": "here"},
        }  # fmt: skip

    return make

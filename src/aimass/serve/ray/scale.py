"""How many replicas there are to be: a number, or as many as requests under way ask for."""

from __future__ import annotations

import re
from typing import Any

from aimass.core.errors import InputError

UNDER_WAY = "aimass_under_way"  # requests that came directly; Ray counts only its proxy's
TARGET = 8.0  # requests under way that one replica should have: two batches of a small model
LIMIT = 1000  # requests that Ray's proxy may have under way at one replica: who has too many is for our batcher to say


def scaled(text: str) -> dict[str, Any]:
    """The options of a deployment with TEXT replicas: "2", or "1..4".  Raises InputError."""
    found = re.fullmatch(r"(\d{1,4})(?:\.\.(\d{1,4}))?", text)
    least, most = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 1 <= least <= most:
        raise InputError(
            f"--replicas {text!r} is no number of replicas", expected="a number, or the least and the most: 1..4",
            key="replicas",
        )  # fmt: skip
    if found and found[2] is None:
        return {"num_replicas": least}
    policy = {"policy_function": f"{__name__}:wanted"}
    limits = {"min_replicas": least, "max_replicas": most, "target_ongoing_requests": TARGET}
    pace = {"upscale_delay_s": 5, "downscale_delay_s": 120, "look_back_period_s": 10, "metrics_interval_s": 2}
    return {"autoscaling_config": {**limits, **pace, "policy": policy}}


def wanted(context: Any) -> tuple[float, dict[str, Any]]:
    """How many replicas the requests under way ask for; Ray's controller applies limits and pace."""
    direct = sum((context.aggregated_metrics or {}).get(UNDER_WAY, {}).values())
    return (context.total_num_requests + direct) / context.config.get_target_ongoing_requests(), {}

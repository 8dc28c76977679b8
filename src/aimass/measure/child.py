"""Processes that measure: a plan as JSON in, figures as JSON out, errors with their words.

They end with the program that measures, however it ends.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from aimass.core.errors import TaskFailed, error_from_json
from aimass.runner.worker import die_with_parent


def run_child(module: str, plan: dict[str, Any], *, timeout: float) -> Any:
    """What `python -m MODULE` prints for PLAN.  Raises what the child raised, or TaskFailed when it died."""
    command, order = [sys.executable, "-m", module], json.dumps({**plan, "parent": os.getpid()})
    try:
        done = subprocess.run(command, input=order, capture_output=True, text=True, timeout=timeout)
    except subprocess.TimeoutExpired as error:
        raise TaskFailed(f"{module} did not finish in {timeout:.0f} s", todo="measure a smaller model") from error
    if done.returncode:
        raise told(done.stderr, f"{module} ended with code {done.returncode}")
    return json.loads(done.stdout)


def plan_given() -> dict[str, Any]:
    """In the child: the plan."""
    plan: dict[str, Any] = json.load(sys.stdin)
    die_with_parent(plan.pop("parent"))
    return plan


def told(stderr: str, otherwise: str) -> Exception:
    """The error a child wrote as its last line, or TaskFailed with the end of what it wrote."""
    lines = stderr.strip().split("\n")
    try:
        fields = json.loads(lines[-1])
    except ValueError:
        fields = None
    if isinstance(fields, dict) and "error" in fields:
        return error_from_json(fields)
    return TaskFailed(f"{otherwise}: {' | '.join(lines[-3:]) or 'it said nothing'}")

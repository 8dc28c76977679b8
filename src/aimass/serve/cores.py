"""The cores of the machine that are ours."""

from __future__ import annotations

import os
import sys


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1

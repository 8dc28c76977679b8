"""Memory of a version that is unloaded goes back to the system."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from aimass.serve.versions.version import give_back


def held() -> int:
    """Megabytes in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 >> 20


@pytest.mark.skipif(sys.platform != "linux", reason="what glibc keeps")
def test_memory_that_is_free_between_what_is_not_goes_back() -> None:
    pieces = [np.ones(1000) for _ in range(20_000)]  # 160 MB
    kept = pieces[::50]
    del pieces
    before = held()
    give_back()
    assert held() < before - 80 and all(piece[0] == 1 for piece in kept)

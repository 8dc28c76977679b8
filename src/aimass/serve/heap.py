"""Where threads get their memory from, so that what a model held serves those after it."""

from __future__ import annotations

import ctypes
import sys

M_ARENA_MAX = -8


def share_one() -> None:
    """All threads of this process allocate from one heap; to be called before there are others.

    glibc gives threads arenas of their own, up to eight for each core.  A version is loaded by one thread, answers in
    another and is freed by a third: free pages of each stayed behind in all arenas, and grew with every load.  Other
    C libraries have one heap, or are asked in other ways: nothing is done there.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(M_ARENA_MAX, 1)

"""The same server on several machines (extra `ray`): Ray places it, scales it and starts it again when it dies.

A replica is one of our processes with a port of its own, and who knows its address asks it directly.  Ray's proxy gives
all of them one address and hands each request through another process.
"""

import os

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # nothing is ever sent; Ray reads this when it is imported


def stay_at_home() -> None:
    """A Ray that this process starts listens at loopback only; to be said before Ray is imported.

    Ray's own word for it speaks of the systems on which that is the default.
    """
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"

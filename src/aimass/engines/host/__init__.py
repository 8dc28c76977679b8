"""A model in a process of its own: what it allocates, hangs in or dies of stays there, and ends with it.

`Hosted` is a predictor.  Each call hands its whole batch over in memory that both processes see (`wire`); the word that
it is there goes through a socket (`process`).  A thread starts the process, watches it and starts it again (`keeper`).
Nothing is pickled, and nothing that the process says is trusted.
"""

from aimass.engines.host.hosted import Hosted
from aimass.engines.host.limits import Limits

__all__ = ["Hosted", "Limits"]

"""Lists of numbers in JSON as arrays: simdjson straight into a buffer, without a Python object a number.

784 numbers of a picture take 6 microseconds so, 20 by orjson and numpy (benchmarks/numbers_in_json.py).
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import orjson
import simdjson


class Parsers(threading.local):
    """One a thread: a parser holds what it parsed last."""

    def __init__(self) -> None:
        self.parse: Any = simdjson.Parser().parse


parsers = Parsers()


def reals(text: bytes) -> np.ndarray:
    """The numbers in TEXT, a list in JSON, as float64 [N]; null is NaN.  Raises ValueError for what is no such list."""
    try:
        return np.frombuffer(parsers.parse(text).as_buffer(of_type="d"))
    except (
        ValueError,
        TypeError,
        RuntimeError,
    ):  # null or numbers of 20 digits among them, or no numbers: slower, and it says why
        return np.array(orjson.loads(text), np.float64)


def wholes(text: bytes) -> list[int]:
    """The whole numbers in TEXT, of any size.  Raises ValueError for what is no list of these."""
    found: list[int] = orjson.loads(text)
    if set(map(type, found)) != {int}:  # 2**64 is read as a real number
        raise ValueError("whole numbers of its datatype are expected")
    return found

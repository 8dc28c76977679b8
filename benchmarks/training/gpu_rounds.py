"""Ways that take turns, so that clock and heat are the same for all of them; ratios are taken within a round."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Callable, Mapping
from typing import Any

from table import interval

Ways = Mapping[str, Callable[[], float]]  # rows a second, by name
Rates = dict[str, list[float]]


def interleaved(ways: Ways, rounds: int, until: float, *, tell: bool = True) -> tuple[Rates, dict[str, str]]:
    """({name: rows/s a round}, {what was left out: why}); the order is drawn anew in each round.

    The first round is whole; a further one begins only when one as long as the last ends before UNTIL.
    """
    rates: Rates = {name: [] for name in ways}
    left_out: dict[str, str] = {}
    last = 0.0
    for round_ in range(rounds):
        began = time.monotonic()
        if round_ and began + last > until:
            left_out[f"rounds {round_ + 1} to {rounds}"] = "the time was up"
            break
        for name in random.Random(round_).sample(list(ways), len(ways)):
            if name in left_out:
                continue
            try:
                rates[name].append(ways[name]())
            except ImportError as error:
                left_out[name] = f"{error.name} is not installed"
            else:
                if tell:
                    print(f"{name}: {rates[name][-1]:,.0f} rows/s {temperature()}", flush=True)
        last = time.monotonic() - began
    return {name: found for name, found in rates.items() if found}, left_out


def compared(rates: Rates, must: Mapping[str, float]) -> dict[str, Any]:
    """Each row of MUST ("network: one side / other side") whose two sides ran."""
    found = {}
    for row, least in must.items():
        network, sides = row.split(": ", 1)
        one, other = (f"{network}: {side}" for side in sides.split(" / "))
        if one in rates and other in rates:
            ratios = [a / b for a, b in zip(rates[one], rates[other], strict=True)]
            found[row] = interval(ratios) | {"must": least}
    return found


def temperature() -> str:
    """Clock, temperature and power of the GPU, for people; '' without its tool."""
    query = ["nvidia-smi", "--query-gpu=clocks.sm,temperature.gpu,power.draw", "--format=csv,noheader"]
    try:
        return f"({subprocess.run(query, capture_output=True, text=True, check=True).stdout.strip()})"
    except (OSError, subprocess.CalledProcessError):
        return ""

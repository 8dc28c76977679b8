"""How long does `aimass --help` take?  Twenty fresh processes, beside the bare interpreter, interleaved.

python benchmarks/start.py
"""

from __future__ import annotations

import subprocess
import sys
import time

from record import median_and_interval, write


def seconds(command: list[str]) -> float:
    begin = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


def main() -> None:
    commands = {"python -c pass": [sys.executable, "-c", "pass"],
                "import aimass": [sys.executable, "-c", "import aimass"],
                "aimass --help": [sys.executable, "-m", "aimass", "--help"],
                "aimass train --help": [sys.executable, "-m", "aimass", "train", "--help"]}  # fmt: skip
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(20):
        for name, command in commands.items():
            taken[name].append(seconds(command))
    write(
        "start", "how long does aimass --help take?", {n: median_and_interval(v) for n, v in taken.items()}, ["click"]
    )


if __name__ == "__main__":
    main()

"""Who runs, in which environment, and what our figures must reach against whom."""

from __future__ import annotations

from typing import NamedTuple


class Contestant(NamedTuple):
    """One column.  `venv` "" is the interpreter that runs the benchmark, where aimass is installed."""

    venv: str
    script: str
    options: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ("cnn", "mlp")
    first: bool = False  # whether the seconds to its first step are measured too


EQUAL, BF16 = "--equal", ("--precision", "bf16")
OUT_OF_THE_BOX = {
    "raw": Contestant("plain", "raw_loop", first=True),
    "raw, prepared": Contestant("plain", "raw_loop", ("--prepared",)),
    "lightning": Contestant("lightning", "lightning_trainer", first=True),
    "accelerate": Contestant("accelerate", "hf_accelerate", first=True),
    "keras": Contestant("keras", "keras_fit", first=True),
    "aimass": Contestant("", "ours", first=True),
}
BY_HAND = {
    "by hand": Contestant("plain", "fast_loop"),
    "by hand, bf16": Contestant("plain", "fast_loop", BF16, ("cnn",)),
    "by hand, one thread": Contestant("plain", "fast_loop", ("--threads", "1"), ("mlp",)),
}
EQUAL_TRICKS = {
    "lightning, equal": Contestant("lightning", "lightning_trainer", (EQUAL,)),
    "accelerate, equal": Contestant("accelerate", "hf_accelerate", (EQUAL,)),
    "aimass, equal": Contestant("", "ours", (EQUAL,)),
    "aimass, equal, bf16": Contestant("", "ours", (EQUAL, *BF16), ("cnn",)),
}
CONTESTANTS = OUT_OF_THE_BOX | BY_HAND | EQUAL_TRICKS
FASTEST = "fastest by hand"  # whichever of BY_HAND has the highest median


class Goal(NamedTuple):
    """Steady rows/s of OURS over those of PEER must be at least MUST; without MUST the ratio is only told."""

    task: str
    ours: str
    peer: str
    must: float | None = None


GOALS = [
    Goal("cnn", "aimass", "raw", 1.7),
    Goal("cnn", "aimass", "raw, prepared"),
    Goal("cnn", "aimass", "lightning", 1.7),
    Goal("cnn", "aimass", "accelerate", 2.2),
    Goal("cnn", "aimass", "keras", 3.0),
    Goal("cnn", "aimass", FASTEST, 0.98),
    Goal("cnn", "aimass, equal", "by hand", 0.98),
    Goal("cnn", "aimass, equal, bf16", "by hand, bf16", 0.98),
    Goal("cnn", "aimass, equal", "lightning, equal", 1.02),
    Goal("cnn", "aimass, equal", "accelerate, equal", 1.0),
    Goal("mlp", "aimass", "raw", 5.0),
    Goal("mlp", "aimass", "raw, prepared"),
    Goal("mlp", "aimass", "lightning", 5.0),
    Goal("mlp", "aimass", "accelerate", 1.3),
    Goal("mlp", "aimass", "keras", 3.3),
    Goal("mlp", "aimass", FASTEST, 0.98),
    Goal("mlp", "aimass, equal", "by hand", 0.98),
    Goal("mlp", "aimass, equal", "lightning, equal", 1.02),
    Goal("mlp", "aimass, equal", "accelerate, equal", 1.0),
]
FIRST_STEP_OVER_RAW_S = 0.5  # import and first step, beyond those of the raw loop
ADVICE = 0.05  # of the planned seconds; decision 12 lets short runs pay more where that comes back
ACCURACY, TO_ACCURACY = 0.9, 1.05  # our seconds to it over those of the fastest loop by hand, at most

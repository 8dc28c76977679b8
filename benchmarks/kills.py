"""Does a training that is killed end with the same bits?  `kill -9` at random moments, everything on.

    python benchmarks/kills.py --kills 50        # about seven minutes

Four trainings (EMA, dropout, augmentation, accumulation; half precision with its scaler and SWA; Muon; SGD with
balanced classes), each killed again and again: every other time by the clock, wherever it is just then (in a kernel,
an update, the middle of a file), else before a backward pass or a sync of a file drawn by lot, so in the middle of an
epoch and of a step.  After each kill the next attempt goes on; when one reaches its end, the SHA-256 of its weights is
compared with that of a run nobody touched, and the next begins.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from hashlib import sha256
from pathlib import Path

from record import write

ROOT = Path(__file__).resolve().parents[1]
CHILD = """
import json, os, random, signal, sys
from hashlib import sha256
from torch import Tensor
from aimass.train import checkpoint, pulse
from tests.train.fit_child import fitted
order = json.loads(sys.argv[1])
pulse.TELL_EVERY = pulse.SAVE_EVERY = 0.0
left = [order["after"]]
def dying(inner):
    def call(*arguments, **named):
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return inner(*arguments, **named)
    return call
if order["after"]:
    Tensor.backward = dying(Tensor.backward)  # in the middle of a step
    checkpoint.os.fsync = dying(os.fsync)  # in the middle of a save
print("begins", flush=True)
module = fitted(order["case"], resume=order["resume"]).module
print(sha256(b"".join(v.numpy().tobytes() for v in module.state_dict().values())).hexdigest())
"""


def attempt(case: str, folder: str, after: int = 0, seconds: float = 0.0) -> str | None:
    """The digest of the weights, None when it was killed: AFTER so many calls or SECONDS, 0 for never."""
    order = json.dumps({"case": case, "resume": folder, "after": after})
    command = [sys.executable, "-c", CHILD, order]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout
        child.stdout.readline()
        if seconds:
            time.sleep(seconds)
            child.kill()
        told, wrong = child.communicate(timeout=300)
    if child.returncode == -signal.SIGKILL:
        return None
    assert child.returncode == 0, wrong
    return told.strip().splitlines()[-1]


def timed(case: str, folder: str) -> tuple[str, float]:
    """The digest of an unbroken run, and how many seconds it takes."""
    began = time.monotonic()
    digest = attempt(case, folder)
    assert digest
    return digest, time.monotonic() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    from tests.train.fit_child import CASES

    chance = random.Random(args.seed)
    with tempfile.TemporaryDirectory() as scratch:
        whole = {case: timed(case, f"{scratch}/{sha256(case.encode()).hexdigest()}") for case in CASES}
        kills, ended = dict.fromkeys(CASES, 0), dict.fromkeys(CASES, 0)
        same, rounds, clock = dict.fromkeys(CASES, 0), 0, 0
        while sum(kills.values()) < args.kills:
            case, rounds = list(CASES)[rounds % len(CASES)], rounds + 1
            folder = f"{scratch}/{rounds}"
            found = None
            while found is None:
                more = sum(kills.values()) < args.kills
                moment: dict[str, float] = {"seconds": chance.uniform(0.0, whole[case][1])}
                if chance.random() < 0.5:
                    moment = {"after": chance.randrange(1, 40)}
                found = attempt(case, folder, **(moment if more else {}))  # type: ignore[arg-type]
                kills[case] += found is None
                clock += found is None and "seconds" in moment
            ended[case] += 1
            same[case] += found == whole[case][0]
            told = "same bits" if found == whole[case][0] else "OTHER BITS"
            print(f"{sum(kills.values())} kills; {case}: {told}", flush=True)
    figures = {
        "kills": kills,
        "kills_by_the_clock": clock,
        "runs_that_ended": ended,
        "with_the_same_bits": same,
        "seed": args.seed,
    }
    write("kills", __doc__.splitlines()[0], figures, ["torch", "safetensors"])
    assert same == ended, "a killed training ended with other weights"


if __name__ == "__main__":
    main()

"""How fast do the trainers of others, loops written by hand and `aimass.fit` train the same two models?

A small CNN and an MLP on Fashion-MNIST: same model, rows, batch, epochs, Adam, seeds and threads.  Out of the box, each
as its own quick-start has it; and with equal tricks, where only the loop differs.  Every run is a fresh process; the
order is drawn anew in each round; ratios are taken within a round.

    python benchmarks/training/setup.py             # once: the environments of the peers
    python benchmarks/training/run.py               # two cores: about 50 minutes; --quick: about five
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # benchmarks/record.py

from contestants import CONTESTANTS, Contestant
from setup import VENVS, python_of
from table import figures, show

from aimass.measure.machine import load_average, steal_percent, ticks
from record import write

PEERS = Path(__file__).resolve().parent / "peers"
BATCH = {"cnn": 128, "mlp": 256}
SEEDS = 5  # fewer say too little for a record
QUIET = 0.1  # cores that others took; above it a run is done again


def run_one(who: Contestant, venvs: Path, options: list[str], limit: float) -> dict[str, Any]:
    """The line that one fresh process prints, and how quiet the machine was meanwhile."""
    python = python_of(venvs, who.venv) if who.venv else Path(sys.executable)
    command = [str(python), str(PEERS / f"{who.script}.py"), *options, *who.options]
    before, cpu, load = ticks(), busy_seconds(), load_average()
    with tempfile.TemporaryDirectory() as folder:  # where Lightning writes its logs, and aimass keeps advice
        began = time.monotonic()
        done = subprocess.run(
            [*command, "--began", repr(began)], cwd=folder, capture_output=True, text=True, timeout=limit, check=False,
            env=os.environ | {"XDG_CACHE_HOME": folder},
        )  # fmt: skip
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    wall, (busy, own) = time.monotonic() - began, busy_seconds()
    foreign = max(0.0, (busy - cpu[0]) - (own - cpu[1])) / wall
    noise = {"load": load, "foreign_cores": round(foreign, 3), "steal_percent": steal_percent(before, ticks())}
    return json.loads(done.stdout.rstrip().rsplit("\n", 1)[-1]) | noise


def quietest(who: Contestant, options: list[str], args: argparse.Namespace) -> dict[str, Any]:
    """The line of the first of `tries` runs that nobody disturbed, else of the least disturbed.

    Two threads that wait for each other lose most of their speed when a third program wants a core.
    """
    lines: list[dict[str, Any]] = []
    while len(lines) < args.tries and (not lines or lines[-1]["foreign_cores"] > QUIET):
        lines.append(run_one(who, args.venvs, options, args.limit))
    return min(lines, key=lambda line: line["foreign_cores"]) | {"tries": len(lines)}


def busy_seconds() -> tuple[float, float]:
    """Processor seconds since boot of (everybody, this process and its ended children)."""
    user, nice, system, _, _, irq, soft = Path("/proc/stat").read_text().split("\n")[0].split()[1:8]
    everybody = sum(map(int, (user, nice, system, irq, soft))) / os.sysconf("SC_CLK_TCK")
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return everybody, sum(usage.ru_utime + usage.ru_stime for usage in usages)


def schedule(args: argparse.Namespace) -> list[dict[str, Any]]:
    """Every run of the benchmark in its order; within a round of a task the order is drawn."""
    runs: list[dict[str, Any]] = []
    for round_ in range(args.rounds):
        for task in args.tasks:
            names = [name for name in args.only or CONTESTANTS if task in CONTESTANTS[name].tasks]
            part = [{"name": name, "task": task, "round": round_, "first": False} for name in names]
            part += [{**one, "first": True} for one in part if CONTESTANTS[one["name"]].first]
            random.Random(f"{task} {round_}").shuffle(part)
            runs += part
    return runs


def options_of(one: dict[str, Any], args: argparse.Namespace) -> list[str]:
    rows, epochs = (BATCH[one["task"]], 1) if one["first"] else (args.rows, args.epochs[args.tasks.index(one["task"])])
    options = {"task": one["task"], "seed": one["round"], "rows": rows, "epochs": epochs,
               "threads": args.threads}  # fmt: skip
    return [f"--{key}={value}" for key, value in options.items()]


def key_of(line: dict[str, Any]) -> tuple[Any, ...]:
    return line["name"], line["task"], line["round"], line["first"]


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--venvs", type=Path, default=VENVS, help="made by setup.py")
    parser.add_argument("--rounds", type=int, default=6, help="seeds; six give a 97 %% interval of the median")
    parser.add_argument("--tasks", nargs="+", choices=BATCH, default=list(BATCH))
    parser.add_argument("--epochs", nargs="+", type=int, default=[3, 5], help="one number a task")
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--threads", type=int, default=2, help="and as many cores")
    parser.add_argument("--only", nargs="+", choices=CONTESTANTS, metavar="NAME")
    parser.add_argument("--out", type=Path, help="keep a line a run here; runs that stand there are not run again")
    parser.add_argument("--limit", type=float, default=1200, help="seconds of one run")
    parser.add_argument("--tries", type=int, default=3, help="of a run that others disturb")
    parser.add_argument("--quick", action="store_true", help="two rounds, 12,800 rows, two epochs; writes no record")
    args = parser.parse_args()
    if args.quick:
        args.rounds, args.rows, args.tries, args.epochs = 2, 12_800, 1, [2] * len(args.tasks)
    if len(args.epochs) < len(args.tasks):
        parser.error(f"--epochs needs {len(args.tasks)} numbers, one a task")
    return args


def main() -> None:
    args = parse()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: args.threads])
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(args.threads))
    lines = [json.loads(line) for line in args.out.read_text().splitlines()] if args.out and args.out.exists() else []
    done = {key_of(line) for line in lines}
    todo = [one for one in schedule(args) if key_of(one) not in done]
    for name in dict.fromkeys(one["name"] for one in todo):  # nobody pays for cold caches, and all prove to work
        run_one(
            CONTESTANTS[name], args.venvs, [f"--task={CONTESTANTS[name].tasks[0]}", "--rows=256", "--epochs=2"], 300
        )
    for count, one in enumerate(todo, 1):
        line = one | quietest(CONTESTANTS[one["name"]], options_of(one, args), args)
        lines.append(line)
        if args.out:
            with args.out.open("a") as file:
                file.write(json.dumps(line) + "\n")
        what = "first step" if one["first"] else f"accuracy {line['accuracy']:.4f}"
        print(f"{count}/{len(todo)} {one['task']} {one['name']}: {line['trained_s']:.1f} s, {what}, "
              f"foreign cores {line['foreign_cores']}", flush=True)  # fmt: skip
    found = figures(lines)
    show(found)
    if args.rounds >= SEEDS and not args.only:
        write("training", __doc__.split("\n")[0], found, ["torch", "numpy"],
              "Ratios are medians over the rounds; low..high is their interval of order statistics.  A row is void "
              "when the accuracies of its two columns differ by more than chance.  Seconds to the first step: one "
              "batch, one epoch, from the start of the process.")  # fmt: skip


if __name__ == "__main__":
    main()

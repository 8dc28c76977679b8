"""What do the examples reach, and in how many seconds?  Runs each in an empty workspace and keeps its outcome.

python benchmarks/examples.py flights fashion spam [--set spam.collect.path=...]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from record import write

ROOT = Path(__file__).parents[1]


def outcome(name: str, sets: list[str]) -> dict[str, Any]:
    """The --json of one run, without the records and digests."""
    mine = [f"--set={item.partition('.')[2]}" for item in sets if item.startswith(f"{name}.")]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.json"
        command = [
            sys.executable,
            "-m",
            "aimass",
            "-w",
            f"{folder}/w",
            "run",
            str(ROOT / "examples" / name / "aimass.toml"),
        ]
        subprocess.run([*command, "--json", str(out), *mine], check=True)
        found = json.loads(out.read_text())
    keep = ("candidate", "status", "reason", "quality", "p50_ms", "p99_ms", "size_bytes", "engine_ratio")
    return {
        "goal": found["goal"],
        "pick": found["pick"]["candidate"],
        "seconds": found["seconds"],
        "ledger": [{k: row[k] for k in keep if k in row} for row in found["ledger"]],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="+", choices=["flights", "fashion", "spam"])
    parser.add_argument("--set", dest="sets", action="append", default=[], metavar="NAME.TABLE.KEY=VALUE")
    given = parser.parse_args()
    for name in given.names:
        write(f"example-{name}", f"what does examples/{name} reach, and how fast?", outcome(name, given.sets),
              ["torch", "onnxruntime", "xgboost-cpu"])  # fmt: skip


if __name__ == "__main__":
    main()

"""How does our server compare with MLServer, KServe, Triton, TorchServe, BentoML, LitServe, Ray Serve, Mosec, MLflow?

Runs the comparison in BENCH (see its README: wrk and h2load, the same two ONNX models and request bodies, servers
pinned to one core, interleaved rounds, answers checked) with us as one more server, and writes the ratios as a record.

    python benchmarks/serving/run.py --bench FOLDER --work FOLDER --peers aimass,floor-raw,mosec,mlserver-inproc
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # benchmarks/record.py

import aimass
from record import median_and_interval, significant, write

HERE = Path(__file__).resolve().parent
ENTRY = """
PEERS["aimass"] = dict(venv="aimass", argv=["{py}", %r], wires=v2("bin", "grpc"), batches=True)
"""


def with_us(bench: Path, folder: Path) -> Path:
    """A copy of BENCH that knows us."""
    copy = folder / "bench"
    shutil.copytree(bench, copy)
    peers = copy / "peers.py"
    peers.chmod(0o644)
    peers.write_text(peers.read_text() + ENTRY % str(HERE / "ours.py"))
    return copy


def compiled() -> None:
    """Our code as an installation leaves it: a server of the comparison writes no bytecode, nor should it need to."""
    compileall.compile_dir(Path(aimass.__file__).parent, quiet=1)


def ratios(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """By load: requests a second of each server, and of ours over theirs, a ratio a round."""
    rates: dict[str, dict[str, dict[int, float]]] = defaultdict(lambda: defaultdict(dict))
    times: dict[str, dict[str, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    for line in lines:
        if line["kind"] == "load":
            what = f"{line['model']} {line['wire']} c={line['conc']}"
            rates[what][line["peer"]][line["round"]] = line["rps"]
            times[what][line["peer"]].append((line["p50_ms"], line["p99_ms"]))
    return {what: {peer: _against(found, times[what], peer) for peer in found} for what, found in rates.items()}


def _against(rates: dict[str, dict[int, float]], times: dict[str, Any], peer: str) -> dict[str, Any]:
    ours, theirs = rates.get("aimass", {}), rates[peer]
    both = [ours[i] / theirs[i] for i in theirs if i in ours and theirs[i]]
    p50, p99 = (significant(statistics.median(column)) for column in zip(*times[peer], strict=True))
    facts = {"requests a second": significant(statistics.median(theirs.values())), "p50 ms": p50, "p99 ms": p99}
    return facts if peer == "aimass" or not both else {**facts, "ours over it": median_and_interval(both)}


def others(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """Wrong answers, starts, memory and ends by server."""
    found: dict[str, Any] = defaultdict(dict)
    for line in lines:
        told = found[line["peer"]]
        if line["kind"] == "check":
            told["wrong or failed"] = told.get("wrong or failed", 0) + line["wrong"] + line["failed"]
        if line["kind"] == "start":
            told["start s"], told["MiB at start"] = line["cold_s"], line["pss_mib"]
        if line["kind"] == "after":
            told["MiB after"] = line["pss_mib"]
        if line["kind"] == "stop":
            told["stop s"], told["killed"] = line["stop_s"], line["killed"]
        if line["kind"] == "failed":
            told["failed"] = line["why"][:200]
    return dict(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", type=Path, required=True, help="the folder of the comparison")
    parser.add_argument("--work", type=Path, required=True, help="with models/ and venv/, as its README makes them")
    parser.add_argument("--peers", default="", help="default: all that venv/ has")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--conc", default="1,8,32,64")
    parser.add_argument("--load", default="tab,cnn")
    parser.add_argument("--wires", default="json,bin,grpc")
    parser.add_argument("--record", action="store_true")
    given = parser.parse_args()
    work = given.work.resolve()
    place = work / "venv" / "aimass"
    if not place.exists():
        place.symlink_to(sys.prefix)
    compiled()
    with tempfile.TemporaryDirectory() as folder:
        bench, out = with_us(given.bench, Path(folder)), Path(folder, "lines.jsonl")
        told = {"models": work / "models", "venvs": work / "venv", "out": out, "rounds": given.rounds,
                "seconds": given.seconds, "conc": given.conc, "cnn-conc": "1,32", "load": given.load,
                "wires": given.wires, **({"peers": given.peers} if given.peers else {})}  # fmt: skip
        options = [f"--{name}={value}" for name, value in told.items()]
        subprocess.run([str(work / "venv/core/bin/python"), "run.py", *options], cwd=bench, check=True)
        lines = [json.loads(line) for line in out.read_text().splitlines()]
    figures = {"loads": ratios(lines), "servers": others(lines), "load before": os.getloadavg()[0]}
    print(json.dumps(figures, indent=1))
    if given.record:
        note = "server pinned to one core, load tool to the other; ratios are taken within a round"
        write("serving", __doc__.split("\n")[0], figures, ["onnxruntime", "uvloop", "httptools", "orjson"], note)


if __name__ == "__main__":
    main()

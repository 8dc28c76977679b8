"""Flights end to end: raw data to a live endpoint, then real held-back records against it.

Run by `make demo`.  Prints the ledger, predictions beside the truth, and exits 0 when every answer came.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pyarrow.parquet as pq

import aimass

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
WORKSPACE = ROOT / ".demo"
RECORDS = 12


def held_back(workspace: Path) -> tuple[list[dict], list[str]]:
    """Raw records of the test split, as a caller would send them, and what really happened."""
    from aimass.prepare.tables import to_json_records

    with aimass.Workspace(str(workspace)) as place:
        examples = place.get("flights/prepare", "examples")
        rows = pq.read_table(examples.folder / "test.parquet")
        step = max(1, rows.num_rows // RECORDS)
        rows = rows.take(list(range(0, rows.num_rows, step))[:RECORDS])
        truth = [str(v).lower() for v in rows[examples.signature.target].to_pylist()]
        return to_json_records(rows, examples.signature.rows), truth


def ask(url: str, records: list[dict]) -> list[dict]:
    body = json.dumps({"records": records}).encode()
    request = urllib.request.Request(url, body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["predictions"]


def main() -> int:
    begin = time.monotonic()
    aimass_command = [sys.executable, "-m", "aimass", "--workspace", str(WORKSPACE)]
    done = subprocess.run([*aimass_command, "run", str(HERE / "aimass.toml"), "--json", str(ROOT / ".demo.json")])
    if done.returncode:
        return done.returncode
    print(f"\nthe run took {time.monotonic() - begin:.0f} s; now the endpoint, with records nobody trained on:\n")
    server = subprocess.Popen([*aimass_command, "serve", "flights", "--port", "0", "--json"], stdout=subprocess.PIPE)
    try:
        assert server.stdout is not None
        where = json.loads(server.stdout.readline())
        records, truth = held_back(WORKSPACE)
        answers = ask(f"{where['url']}/v1/predict/flights", records)
        print(f"{'flight':34}{'late: truth':>12}{'predicted':>12}{'probability':>13}")
        for record, real, answer in zip(records, truth, answers, strict=True):
            flight = f"{record['carrier']} {record['origin']} to {record['dest']}"
            print(f"{flight:34}{real:>12}{answer['label']:>12}{answer['probabilities']['true']:>13.3f}")
        print(f"\nopen {where['url']}/v1/docs while it runs:  aimass -w {WORKSPACE.name} serve flights")
    finally:
        server.terminate()
        code = server.wait(timeout=30)
    return code


if __name__ == "__main__":
    raise SystemExit(main())

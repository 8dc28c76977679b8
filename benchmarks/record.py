"""What every record says beside its figures: when, where, with what, and how to run it again."""

from __future__ import annotations

import json
import shlex
import statistics
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from aimass.measure.machine import machine

RECORDS = Path(__file__).parent / "records"


def median_and_interval(values: list[float]) -> dict[str, Any]:
    """Median, and the range of the runs (few runs have no better interval); five significant digits."""
    runs = [significant(value) for value in values]
    return {"median": significant(statistics.median(values)), "low": min(runs), "high": max(runs), "runs": runs}


def significant(value: float, digits: int = 5) -> float:
    """VALUE with so many digits that count, however large or small it is."""
    return float(f"{value:.{digits}g}")


def write(name: str, question: str, figures: dict[str, Any], packages: list[str], note: str = "") -> Path:
    """Write records/DATE-NAME.json and print it."""
    now, script = datetime.now(UTC), Path(sys.argv[0]).resolve().relative_to(RECORDS.resolve().parents[1])
    record = {
        "question": question,
        "date": now.strftime("%Y-%m-%d"),
        "machine": machine(),
        "versions": {package: version(package) for package in packages},
        "command": f"python {script.as_posix()} {shlex.join(sys.argv[1:])}".strip(),
        "figures": figures,
        "note": note,
    }
    RECORDS.mkdir(exist_ok=True)
    path = RECORDS / f"{record['date']}-{name}.json"
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(record, indent=1))
    return path

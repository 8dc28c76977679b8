"""Advice by fingerprint: what was found for the same network, rows and machine is proven again, never believed.

The key is the caller's: modules and shapes, batch, optimizer, versions, device and driver, processor flags, threads.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from aimass.core.canonical import digest_of
from aimass.train.advisor.noise import QUIET
from aimass.train.advisor.record import Advice

SHAPE = 1  # of the record; another one is not read


def load(folder: Path, key: str) -> Advice | None:
    """The advice once kept for KEY; None when there is none, or none that can be read."""
    try:
        told = json.loads(_path(folder, key).read_text(encoding="utf-8"))
        return Advice.from_json(told["advice"]) if told["shape"] == SHAPE and told["key"] == key else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def save(folder: Path, key: str, advice: Advice) -> None:
    """Keep ADVICE for KEY, whole or not at all.  Raises OSError when FOLDER cannot be written."""
    folder.mkdir(parents=True, exist_ok=True)
    path = _path(folder, key)
    draft = path.with_suffix(f".{os.getpid()}.draft")
    draft.write_text(json.dumps({"shape": SHAPE, "key": key, "advice": advice.as_json()}, indent=1), encoding="utf-8")
    draft.replace(path)


def worth_keeping(advice: Advice) -> bool:
    """What was adopted, or was looked at in quiet and left as it is.

    A noisy machine, too little time and a gain that was not confirmed say nothing about next time.
    """
    if advice.reused or advice.floor is None:
        return False
    tried = [row.ratio for row in advice.rows if row.ratio]
    quiet = advice.floor.reach <= QUIET and advice.ratio is None and all(ratio.bounded for ratio in tried)
    return advice.verdict == "adopted" or (advice.verdict == "kept" and quiet and bool(tried))


def complete(advice: Advice, seconds: float) -> bool:
    """Whether SECONDS could not have shown much more: all was reached, or there was no less time."""
    return seconds <= 1.1 * advice.budget or all(row.decision != "not reached" for row in advice.rows)


def _path(folder: Path, key: str) -> Path:
    return folder / f"{digest_of(key)[:32]}.json"

"""Makes the calls that stand in modules beside this one, each a function whose name says what is expected.

    python run.py HOST:PORT MODULE...

Runs where the clients are installed, not where we are; what came of each is a line of JSON.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import sys
import traceback
from collections.abc import Callable
from types import ModuleType
from typing import Any


def calls_of(module: ModuleType) -> dict[str, Callable[[str], Any]]:
    """The functions that MODULE itself has, private ones left out."""
    found = inspect.getmembers(module, inspect.isfunction)
    return {name: call for name, call in found if call.__module__ == module.__name__ and name[0] != "_"}


def failed(call: Callable[[str], Any], url: str) -> str:
    """What went wrong with CALL; nothing when nothing did."""
    try:
        made = call(url)
        if inspect.iscoroutine(made):
            asyncio.run(made)
    except Exception:
        return traceback.format_exc()
    return ""


def main() -> None:
    url, *names = sys.argv[1:]
    for name in names:
        for call, made in calls_of(importlib.import_module(name)).items():
            print(json.dumps({"module": name, "call": call, "failed": failed(made, url)}), flush=True)


if __name__ == "__main__":
    main()

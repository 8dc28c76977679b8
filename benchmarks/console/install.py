"""Goals 19 and 20: from a clone to a signed-in Home on a machine that has Python alone, and what the console needs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lines import Lines
from place import PATIENCE, Place, profile
from tests.console.browser.watched import NAME, PASSWORD
from trainer import ROOT

RUN_TIME, BUILD = 2, 4  # packages
MINUTES = 20 * 60  # seconds for all of an installation
SEVERE = ("high", "critical")


def fresh(place: Place, lines: Lines) -> None:
    """19: `pip install .` into a new environment with no Node on the path, `aimass up`, the link of the first start.

    Packages come from the package index that this machine asks, at its speed.
    """
    clone, python = place.folder / "clone", place.folder / "fresh" / "bin" / "python"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    subprocess.run([sys.executable, "-m", "venv", str(python.parents[1])], check=True)
    wheels = [_seconds([python, "-m", "pip", "wheel", "--no-deps", "-q", "-w", place.folder / "made", clone], **more)
              for more in ({"AIMASS_API_ONLY": "1"}, {})]  # fmt: skip
    shutil.rmtree(clone / "src" / "aimass" / "console" / "static")
    begun = time.perf_counter()
    _seconds([python, "-m", "pip", "install", "-q", "-c", clone / "constraints.txt", clone])
    installed = time.perf_counter() - begun
    signed_in(place, python.with_name("aimass"))
    lines.at_most("19 one command to a signed-in Home, s", time.perf_counter() - begun, 180)
    lines.told("19 of that, pip install ., s", installed)
    lines.at_most("19 a wheel with the console, s more than without", wheels[1] - wheels[0], 20)


def bare(**more: str) -> dict[str, str]:
    """The environment of this process, without a Node on its path and without its Python's packages."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    path = [folder for folder in os.environ["PATH"].split(os.pathsep) if not (Path(folder) / "node").exists()]
    return {**kept, "PATH": os.pathsep.join(path), **more}


def _seconds(command: list[Any], **more: str) -> float:
    begun = time.perf_counter()
    subprocess.run([str(word) for word in command], check=True, env=bare(**more), timeout=MINUTES)
    return time.perf_counter() - begun


def signed_in(place: Place, aimass: Path) -> None:
    """Start it, follow the link that it prints, be at Home."""
    words = [str(aimass), "-w", str(place.folder / "first")]
    said = subprocess.run([*words, "up", "--detach", "--port", "0", "--serve-port", "0"], check=True, text=True,
                          capture_output=True, env=bare(), timeout=MINUTES).stdout  # fmt: skip
    try:
        link = re.search(r"http\S+#/welcome\?token=\S+", said)
        assert link is not None, said
        with profile(place.chromium) as context:
            page = context.new_page()
            page.goto(link[0])
            page.get_by_label("Name").fill(NAME)
            for label in ("Password", "Password, again"):
                page.get_by_label(label, exact=True).fill(PASSWORD)
            page.get_by_role("button", name="Create the first admin").click()
            page.get_by_role("heading", name="Are things well?").wait_for(timeout=PATIENCE)
    finally:
        subprocess.run([*words, "down"], check=True, capture_output=True, env=bare())


def packages(place: Place, lines: Lines) -> None:
    """20: how many packages the front end names, and what is known against them and theirs."""
    told = json.loads((ROOT / "frontend" / "package.json").read_text(encoding="utf-8"))
    lines.at_most("20 packages of the console at run time", len(told["dependencies"]), RUN_TIME)
    lines.at_most("20 packages to build and test it", len(told["devDependencies"]), BUILD)
    known = audited()
    if known is None:
        lines.told("20 known high findings", "not available: the registry does not answer `npm audit`")
    else:
        lines.at_most("20 known high findings", sum(known.get(name, 0) for name in SEVERE), 0)


def audited() -> Mapping[str, int] | None:
    """How many findings of each severity the registry knows; None where it does not tell."""
    npm = shutil.which("npm", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    if npm is None:
        return None
    path = os.pathsep.join([str(Path(npm).parent), os.environ["PATH"]])
    done = subprocess.run([npm, "audit", "--json"], cwd=ROOT / "frontend", capture_output=True, text=True, timeout=120,
                          env={**os.environ, "PATH": path})  # fmt: skip
    try:
        found: Mapping[str, int] = json.loads(done.stdout)["metadata"]["vulnerabilities"]
    except (ValueError, KeyError):
        return None
    return found

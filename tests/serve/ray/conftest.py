"""Releases in a workspace, and the command that serves one of them with two replicas: one start of Ray for all."""

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
from tests.serve.test_behaviour import write_models

from aimass.core.artifact import Release, seal
from aimass.publish.registry import publish_version
from aimass.runner.workspace import Workspace


def publish(place: Workspace, folder: Path, name: str) -> None:
    """FOLDER as the next version of NAME."""
    manifest = seal("release", folder, [])
    place.bytes.put(folder, manifest)
    place.catalog.add_artifact(manifest)
    release = place.open(manifest.digest)
    assert isinstance(release, Release)
    publish_version(place, release, name)


@pytest.fixture(scope="session")
def published(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which flights@1, flights@2 and the models of the table of behaviour are published."""
    root = tmp_path_factory.mktemp("published")
    place = Workspace(root / "workspace")
    for number in (1, 2):
        made = root / "flights" / str(number)
        shutil.copytree(folder, made)
        (made / "release.json").write_text(str(number))
        publish(place, made, "flights")
    for name in write_models(root):
        publish(place, root / name / "1", name)
    return place.folder


@contextmanager
def commanded(*words: str, **options: Any) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """Python with WORDS in a process of its own, and what it says once it answers."""
    command = [sys.executable, *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
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
    words = ["--workspace", str(published), "serve", "flights@1", "--on", "ray", "--replicas", "2", "--port", "0"]
    with commanded("-m", "aimass", *words, "--json") as found:
        yield found

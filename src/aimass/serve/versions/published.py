"""The versions published in a workspace, as a running server may load them."""

from __future__ import annotations

from pathlib import Path

from aimass.publish.registry import find_release
from aimass.runner.workspace import Workspace
from aimass.serve.versions.repository import Registry


def registry_of(place: Workspace) -> Registry:
    """Of the workspace PLACE."""

    def listed() -> list[tuple[str, str]]:
        rows = sorted((str(row["name"]), int(row["number"])) for row in place.versions())
        return [(name, str(number)) for name, number in rows]

    def found(name: str, word: str) -> tuple[Path, int]:
        release, number = find_release(place, f"{name}@{word}" if word else name)
        return release.folder, number

    return Registry(listed, found)

"""Releases by name: `flights@3` is a version and never changes, `flights@champion` is an alias and may move."""

from __future__ import annotations

from aimass.core.artifact import Release
from aimass.core.errors import InputError, suggest, unknown
from aimass.publish.names import CHAMPION, check_alias, check_name, split_ref
from aimass.runner.workspace import Workspace


def publish_version(workspace: Workspace, release: Release, name: str, alias: str = CHAMPION) -> str:
    """Register RELEASE as the next version of NAME and let NAME@ALIAS point to it; gives "flights@3".

    Publishing the newest version again keeps its number.  Raises InputError for a name that cannot be one.
    """
    check_name(name)
    check_alias(alias)
    if release.kind != Release.kind:
        raise InputError(
            f"{release.digest[:12]} is a {release.kind}, so it cannot become a version of {name}",
            expected="a release",
            todo="run `aimass publish` on the model first",
        )
    number = workspace.register_version(name, release.digest)
    workspace.alias(release.digest, f"{name}@{alias}")
    return f"{name}@{number}"


def find_release(workspace: Workspace, ref: str) -> tuple[Release, int]:
    """The release REF names ("flights", "flights@3", "flights@champion") and its version number.

    Raises InputError with the nearest known name, version or alias.
    """
    name, which = split_ref(ref)
    numbers = {int(row["number"]): str(row["digest"]) for row in workspace.versions(name)}
    if not numbers:
        published = {row["name"] for row in workspace.versions()}
        raise unknown("published model", name, published, todo="publish one: aimass run PROJECT")
    number = _version(name, which, numbers) if which.isdigit() else _aliased(workspace, name, which, numbers)
    release = workspace.open(numbers[number])
    if not isinstance(release, Release):
        raise InputError(f"{name}@{number} is a {release.kind}", expected="a release")
    return release, number


def _version(name: str, which: str, numbers: dict[int, str]) -> int:
    number = int(which)
    if number not in numbers:
        raise InputError(
            f"{name} has no version {number}",
            expected=f"one of: {', '.join(map(str, sorted(numbers)))}",
            todo=f"the newest is {name}@{max(numbers)}",
        )
    return number


def _aliased(workspace: Workspace, name: str, which: str, numbers: dict[int, str]) -> int:
    """The newest version that NAME@WHICH points to."""
    aliases = {row["name"].partition("@")[2]: row["digest"] for row in workspace.names() if _of(row["name"], name)}
    alias = which or CHAMPION
    if alias not in aliases:
        raise InputError(
            f"{name} has no alias {alias!r}{suggest(alias, aliases)}",
            expected=f"one of: {', '.join(sorted(aliases)) or '(none)'}, or a version 1..{max(numbers)}",
            todo=f"name the version: {name}@{max(numbers)}",
        )
    found = [number for number, digest in numbers.items() if digest == aliases[alias]]
    if not found:
        raise InputError(
            f"{name}@{alias} points to {aliases[alias][:12]}, which was never published as {name}",
            expected="an alias of a published version",
            todo=f"name the version: {name}@{max(numbers)}",
        )
    return max(found)


def _of(alias: str, name: str) -> bool:
    return alias.partition("@")[0] == name and "@" in alias

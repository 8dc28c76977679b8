"""Where versions come from: folders that were named at the start, a folder of folders, or a workspace's registry.

A request names a model and a version in words; what is not in the list does not exist, so no word reaches the disk.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

from aimass.core.errors import InputError, suggest
from aimass.serve.access.sight import seen
from aimass.serve.failures import no_model
from aimass.serve.messages import Refused
from aimass.serve.predictor import NEEDED, Wanted

NUMBER = re.compile("[1-9][0-9]*")  # as it is said again: 007 would be version 7


class Repository(Protocol):
    """Versions that can be loaded."""

    def list(self) -> list[tuple[str, str]]:
        """Name and version of each, oldest version of a name first."""

    def find(self, name: str, word: str) -> Wanted:
        """The version that WORD names, the one to be served for no word.  Raises Refused."""


class Given:
    """The folders WANTED, and no others."""

    def __init__(self, wanted: Iterable[Wanted]) -> None:
        self.wanted = {(one.name, one.word): one for one in wanted}

    def list(self) -> list[tuple[str, str]]:
        return list(self.wanted)

    def find(self, name: str, word: str) -> Wanted:
        return self.wanted[name, chosen(self.list(), name, word)]


class Folder:
    """FOLDER/NAME/VERSION/model.onnx: versions are numbers, and the highest is served."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def list(self) -> list[tuple[str, str]]:
        places = [place for place in self.folder.glob("*/*") if NUMBER.fullmatch(place.name)]
        found = [(place.parent.name, place.name) for place in places if (place / NEEDED[0]).is_file()]
        return sorted(found, key=lambda one: (one[0], int(one[1])))

    def find(self, name: str, word: str) -> Wanted:
        version = chosen(self.list(), name, word)
        return Wanted(self.folder / name / version, name, int(version))


class Registry:
    """Published versions: LISTED gives them, FOUND the folder and number of one by its word."""

    def __init__(
        self, listed: Callable[[], list[tuple[str, str]]], found: Callable[[str, str], tuple[Path, int]]
    ) -> None:
        self.listed, self.found = listed, found

    def list(self) -> list[tuple[str, str]]:
        return self.listed()

    def find(self, name: str, word: str) -> Wanted:
        check_known(self.listed(), name)
        try:
            folder, number = self.found(name, word)
        except InputError as error:
            raise Refused(404, error.what, expected=error.expected, to_do=error.todo) from error
        return Wanted(folder, name, number)


def check_known(known: list[tuple[str, str]], name: str) -> None:
    """Raises Refused when NAME is not among those KNOWN to the caller."""
    names = seen(dict.fromkeys(one for one, _ in known))
    if name not in names:
        raise no_model(name, names)


def chosen(known: list[tuple[str, str]], name: str, word: str) -> str:
    """The version of NAME that WORD means among those KNOWN; the last for no word.  Raises Refused."""
    check_known(known, name)
    versions = [version for one, version in known if one == name]
    if word and word not in versions:
        raise Refused(404, f"{name} has no version {word!r}{suggest(word, versions)}", expected=", ".join(versions))
    return word or versions[-1]

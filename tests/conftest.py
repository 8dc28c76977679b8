"""What holds for every test: a busy machine is slow, and that alone fails nothing; and who carries out which."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadFileScheduling

settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")

TOGETHER = ("tests/whole", "tests/serve/ray")  # share what is dear to make, or to keep
FIRST = (*TOGETHER, "tests/console/browser", "tests/train")  # they take longest


class ByFolderOrFile(LoadFileScheduling):
    """A process has all tests of a file, and of a folder in TOGETHER; in the order in which they were collected."""

    def _split_scope(self, nodeid: str) -> str:
        whole = (folder for folder in TOGETHER if nodeid.startswith(f"{folder}/"))
        return next(whole, super()._split_scope(nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFolderOrFile | None:
    if config.getvalue("dist") != "loadfile":
        return None
    config.option.loadscopereorder = False
    return ByFolderOrFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first, so that no process has a long end to itself."""
    items.sort(key=lambda item: next((i for i, one in enumerate(FIRST) if item.nodeid.startswith(one)), len(FIRST)))

"""Examples made by hand, and contexts whose attempts share a folder of checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from aimass.core.artifact import Examples
from tests.train.by_hand import FakeContext, write_examples


@pytest.fixture
def make_examples(tmp_path: Path) -> Callable[..., Examples]:
    """Sealed examples of a task with these kinds of tensors."""

    def make(task: str, *kinds: str, **options: Any) -> Examples:
        folder = tmp_path / f"examples-{task}-{'-'.join(kinds)}-{len(list(tmp_path.iterdir()))}"
        return write_examples(folder, task, *kinds, **options)

    return make


@pytest.fixture
def context(tmp_path: Path) -> Callable[..., FakeContext]:
    """A context of its own folder; RESUME names the folder of checkpoints that attempts share."""

    def make(name: str, resume: str = "", **options: Any) -> FakeContext:
        return FakeContext(tmp_path / "out" / name, tmp_path / "resume" / (resume or name), **options)

    return make


@pytest.fixture
def one_thread() -> Iterator[None]:
    """A second one, for networks as small as these, mostly waits on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)

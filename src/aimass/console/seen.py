"""A workspace for somebody who finds nothing in its catalog but what is within reach."""

from __future__ import annotations

from copy import copy

from aimass.runner.workspace import Workspace
from aimass.store.reach import Reach, Seen


def seen_by(space: Workspace, reach: Reach) -> Workspace:
    """SPACE with what REACH leaves of its catalog; all else of it is the same."""
    seen = copy(space)
    seen.catalog = Seen(space.catalog, reach)
    return seen

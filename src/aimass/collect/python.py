"""A third party's generator, by import path, with its arguments as one table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aimass.collect.base import Collector, Rows
from aimass.collect.guest import called
from aimass.core.errors import InputError, inside
from aimass.core.part import knob, load, revision_of_source


class Python(Collector):
    """Calls "package.module:function" with the cursor and ARGUMENTS; it yields dicts, Arrow batches and cursors.

    The short way is the path itself: use = "package.module:function", with its settings beside.
    """

    call: str = knob("", help='where the function is: "package.module:function"')
    arguments: dict[str, Any] | None = knob(None, help="its keyword arguments")

    def read(self, cursor: Any | None) -> Iterator[Rows]:
        yield from called(self._function(), cursor, self.arguments or {}, self.call)

    def identity(self) -> dict[str, Any]:
        return {**super().identity(), "code": revision_of_source(self._function())}

    def _function(self) -> Any:
        if ":" not in self.call:
            raise InputError(f"call is {self.call!r}", expected='"package.module:function"', key="call")
        with inside("call"):
            return load(self.call, f"the collector {self.call!r}")

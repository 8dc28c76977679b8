"""A third party's generator, by import path, with its arguments as one table."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

from aimass.collect.base import Collector, Rows
from aimass.collect.guest import called
from aimass.core.errors import InputError, unknown
from aimass.core.part import knob, revision_of_source


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
        module_name, colon, name = self.call.partition(":")
        if not colon:
            raise InputError(f"call is {self.call!r}", expected='"package.module:function"', key="call")
        try:
            module = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            raise InputError(f"{self.call}: {error}", expected="a module that can be imported", key="call",
                             todo="install it, or put the file beside your project file") from error  # fmt: skip
        if not hasattr(module, name):
            raise unknown(f"function in {module_name}", name, [n for n in vars(module) if n[0] != "_"])
        return getattr(module, name)

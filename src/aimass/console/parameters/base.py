"""What a parameter is, and what a subsystem offers that has some."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from aimass.console.place import Place
from aimass.core.errors import InputError
from aimass.store.catalog import Row

Value = float | str
NOW = "at once"


@dataclass(frozen=True)
class Parameter:
    """A number of UNIT from LOW to HIGH, or one of CHOICES.  EFFECT says when a change of it is felt."""

    default: Value
    unit: str
    help: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    effect: str = NOW
    whole: bool = False

    def checked(self, name: str, value: Any) -> Value:
        """VALUE for what is called NAME.  Raises InputError."""
        if self.choices:
            if value not in self.choices:
                raise _wrong(name, value, f"one of: {', '.join(self.choices)}")
            return str(value)
        assert self.low is not None and self.high is not None
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not self.low <= value <= self.high or (self.whole and value != int(value)):
            kind = "a whole number" if self.whole else "a number"
            raise _wrong(name, value, f"{kind} from {self.low:g} to {self.high:g}")
        return int(value) if self.whole else float(value)

    def row(self, name: str, value: Value | None = None, wanted: Value | None = None, default: Any = None) -> Row:
        """As the registry lists it: VALUE now (the default), and what is WANTED where that is not in effect yet."""
        default = self.default if default is None else default
        value = default if value is None else value
        return {
            "name": name, "value": value, "default": default, "low": self.low, "high": self.high,
            "choices": [*self.choices], "whole": self.whole, "unit": self.unit, "help": self.help,
            "effect": self.effect, "wanted": None if wanted in (None, value) else wanted,
        }  # fmt: skip


def _wrong(name: str, value: Any, expected: str) -> InputError:
    return InputError(f"{name} is {str(value)[:40]!r}", expected=expected, key=name)


class Source(Protocol):
    """What can be changed of SUBSYSTEMS, with which its names begin: `jobs/workers`."""

    subsystems: tuple[str, ...]

    def rows(self, place: Place) -> list[Row]:
        """Rows as `Parameter.row` makes them.  Raises Refusal when the subsystem cannot be asked."""

    def set(self, place: Place, values: Mapping[str, Any]) -> None:
        """Change what VALUES name (None: as at the start), all or nothing.  Raises InputError, Refusal."""

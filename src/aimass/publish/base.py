"""The contract of a gate: may this model become a release?"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from aimass.core.artifact import Model, Report
from aimass.core.part import Part


@dataclass(frozen=True)
class Verdict:
    """What a gate says, and why; the reason is written into the release either way."""

    passed: bool
    reason: str

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Gate(Part):
    """Looks at a model and the ledger that argues for it.  Looks only: a gate measures and changes nothing."""

    family: ClassVar[str] = "gate"

    def check(self, model: Model, ledger: Report | None) -> Verdict:
        """The verdict on MODEL given LEDGER.  Raises InputError when it needs a ledger and has none it can read."""
        raise NotImplementedError

"""The contract of a fusion: how the answers of several models become one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from aimass.core.artifact import Examples, Model
from aimass.core.errors import InputError, unknown
from aimass.core.part import Part
from aimass.core.signature import Signature

if TYPE_CHECKING:
    import numpy as np

    from aimass.ensemble.joint import Joint

CLASSES = ("binary", "multiclass")


@dataclass(frozen=True)
class Members:
    """The models of an ensemble by name, the SIGNATURE they share, and what they answer to the validation rows."""

    models: Mapping[str, Model]
    examples: Examples
    signature: Signature

    @property
    def output(self) -> str:
        """The output that is fused."""
        return "probabilities" if self.signature.classes else "value"

    @cached_property
    def answered(self) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """(truth [N], answers [N, K] or [N] by member) of the validation rows, whose graphs are run as served.

        Raises InputError where there are none, or a member answers something that is not finite.
        """
        from aimass.engines.base import Engine
        from aimass.engines.chosen import DEFAULT
        from aimass.measure.quality import answers

        _check_kept(self.examples.folder)
        engine: Engine = Engine.from_settings(DEFAULT)
        asked = {
            name: answers(model.folder, self.examples.folder, self.examples.signature, engine, "valid")
            for name, model in self.models.items()
        }
        truth = next(iter(asked.values()))[0]
        return truth, {name: answer[self.output] for name, (_, answer) in asked.items()}

    def as_answer(self, fused: np.ndarray) -> dict[str, Any]:
        """FUSED [N, K] or [N] as the outputs of a model, for metrics."""
        import numpy as np

        if not self.signature.classes:
            return {"value": fused}
        return {"label": np.array(self.signature.classes, object)[fused.argmax(axis=1)], "probabilities": fused}

    def check(self, *names: str, key: str) -> None:
        """Raises InputError for a name in NAMES that is no member."""
        for name in names:
            if name not in self.models:
                raise unknown("member", name, list(self.models), key=key)


def _check_kept(examples: Path) -> None:
    if not (examples / "valid.parquet").is_file():
        raise InputError(
            f"{examples.name} has no valid.parquet: the validation rows were not kept raw",
            expected="examples as `prepare` makes them",
            todo="prepare the examples again, and train the members on them",
        )


class Fusion(Part):
    """Makes one answer of several."""

    family: ClassVar[str] = "fusion"
    tasks: ClassVar[tuple[str, ...]] = (*CLASSES, "regression")

    def fuse(self, members: Members, joint: Joint) -> tuple[str, dict[str, Any]]:
        """Draw into JOINT how the answers of MEMBERS become one.

        Returns the name of the answer there (probabilities [N, K] or value [N], float32) and what was found on the
        way: weights, a threshold.  Raises InputError when MEMBERS do not suit.
        """
        raise NotImplementedError

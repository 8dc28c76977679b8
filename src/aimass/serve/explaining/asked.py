"""What is asked to be explained, read in one place for all who ask: at once, beside a prediction or as a job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import orjson

from aimass.engines.base import Tensors
from aimass.explain.settings import Limits, question_of
from aimass.serve.explaining.prefer import Preferred, preferred
from aimass.serve.explaining.word import WORD
from aimass.serve.messages import Refused
from aimass.serve.predictor import Served

LIMITS = Limits(budget_ms=600_000.0, evaluations=10_000_000)
LONGEST = 60  # seconds that a request may wait; what takes longer is a job

Rows = list[Any] | Tensors  # records, or columns by name


@dataclass(frozen=True)
class Wish:
    """How it is to be explained, as it was ASKED; the SECONDS that it may take; what the caller would RATHER have."""

    asked: Mapping[str, Any]
    seconds: float
    rather: Preferred = Preferred()

    @classmethod
    def of(cls, said: Any, prefer: bytes | None = None) -> Self:
        """What is SAID: true, an object, or one as text, where parameters cannot be objects; and what stands in PREFER.

        Raises Refused or InputError.
        """
        asked = _object(said)
        return cls(asked, question_of(asked, LIMITS).budget_ms / 1000, preferred(prefer, LONGEST))

    @property
    def is_job(self) -> bool:
        """Whether it may outlast its request."""
        return self.rather.later or self.seconds > LONGEST

    @property
    def waits(self) -> float:
        """Seconds for which a request waits for it, at least."""
        return self.rather.wait if self.is_job else self.seconds


def question(served: Served, rows: Rows, wish: Wish) -> bytes:
    """What the process that explains is told, as JSON.

    Raises Refused for what was read and cannot be written: half a character, a whole number of many digits.
    """
    records, columns = (rows, None) if isinstance(rows, list) else (None, plain(rows))
    model = {"folder": str(served.folder), "name": served.name}
    told = {**model, "asked": wish.asked, "records": records, "columns": columns}
    try:
        return orjson.dumps(told, option=orjson.OPT_SERIALIZE_NUMPY)
    except orjson.JSONEncodeError as error:
        raise Refused(400, f"the question cannot be passed on: {error}", to_do="send plain JSON in UTF-8") from error


def plain(columns: Tensors) -> dict[str, Any]:
    """COLUMNS as JSON can say them: numbers stay arrays, which is quicker."""
    return {
        name: np.ascontiguousarray(array)
        if array.dtype.kind in "iufb" and array.dtype != np.float16
        else array.tolist()
        for name, array in columns.items()
    }


def _object(said: Any) -> dict[str, Any]:
    if said is True:
        return {}
    found = said
    if isinstance(said, str):
        try:
            found = orjson.loads(said)
        except orjson.JSONDecodeError:
            found = None
    if not isinstance(found, dict):
        raise Refused(400, f"{WORD!r} is {str(said)[:40]!r}", expected="an object, or true")
    return found

"""The word that asks for an explanation, wherever it stands; what it asks for is read elsewhere, when it is said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aimass.serve.batch.base import Ask
from aimass.serve.failures import Then

WORD = "explain"

Explains = Callable[..., Ask]  # an ask and what is said of explanations: the ask whose answer will hold one


def is_asked(said: Any) -> bool:
    """Whether what is SAID asks for an explanation at all."""
    return said is not None and said is not False


def taken(body: Any, columns: frozenset[str] = frozenset()) -> Any:
    """What BODY says of explanations, taken out of it; None where that is nothing, or the word is one of COLUMNS."""
    if isinstance(body, dict) and WORD in body and WORD not in columns:
        said = body.pop(WORD)
        return said if is_asked(said) else None
    return None


def explaining(explains: Explains, said: Any, then: Then) -> Then:
    """THEN, for what is asked with an explanation as SAID."""
    return lambda ask: then(explains(ask, said))

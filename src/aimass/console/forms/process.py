"""The process that knows steps: a question of JSON a line comes in, an answer a line goes out, until the line ends."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any

from aimass.core.errors import AimassError, InputError

Said = dict[str, Any]


def main() -> None:
    """Answer until nobody asks any more."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a module prints as it is imported is no answer
    sys.path[:] = json.loads(sys.stdin.readline())["path"]
    for line in sys.stdin:
        answers.write(f"{json.dumps(_answered(json.loads(line)))}\n")
        answers.flush()


def _answered(question: Said) -> Said:
    try:
        return {"answer": _asked(question.pop("ask"))(**question)}
    except AimassError as error:
        return {"error": error.as_json()}
    except RecursionError:
        return {"error": InputError("it is nested too deeply", expected="a few levels").as_json()}


def _asked(what: str) -> Callable[..., Said]:
    from aimass.console.forms.check import checked
    from aimass.console.forms.fields import form_of

    known: dict[str, Callable[..., Said]] = {"form": form_of, "check": checked}
    return known[what]


if __name__ == "__main__":
    main()

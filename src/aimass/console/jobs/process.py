"""The process of one job: its order comes over stdin; which runs it begins, and its end, it tells on a pipe."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aimass.console.logs.stamp import Stamped
from aimass.core.errors import AimassError, Stopped
from aimass.runner.worker import die_with_parent

Told = dict[str, Any]


def main() -> None:
    """Carry out one job."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever started the worker may have left it ignored
    order: Told = json.loads(sys.stdin.read())
    die_with_parent(order["parent"])
    sys.path[:] = order["path"]
    sys.stdout = sys.stderr = Stamped(2)  # one file: what it says has its time in the stream of all logs
    with os.fdopen(order["answer"], "w", encoding="utf-8") as pipe:

        def tell(**facts: Any) -> None:
            pipe.write(f"{json.dumps(facts)}\n")
            pipe.flush()

        try:
            found = _carried_out(order, tell)
        except AimassError as error:
            print(error, file=sys.stderr, flush=True)
            tell(error=error.as_json())
        except KeyboardInterrupt:
            tell(error=Stopped("the job was interrupted", todo="resume it").as_json())
        else:
            tell(outcome=found)


def _carried_out(order: Told, tell: Callable[..., None]) -> Told:
    from aimass.console.jobs import story
    from aimass.console.jobs.work import carry_out
    from aimass.runner.workspace import Event, Workspace

    workspace, folder = Workspace.reopen(order["url"]), Path(order["folder"])
    story.begin(folder)

    def happened(event: Event) -> None:
        seconds = f"  {event.seconds:.1f} s" if event.seconds else ""
        print(f"{event.kind:9} {event.task.step} {event.task.label} {event.text}".rstrip() + seconds, flush=True)
        story.add(folder, event)
        if event.kind == "started":
            tell(run=event.run)

    workspace.observe(happened)
    with workspace:
        return carry_out(order["kind"], order["work"], workspace, folder)


if __name__ == "__main__":
    main()

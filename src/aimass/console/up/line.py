"""What a kept process and its keeper tell each other: lines of JSON over a socket that only the two of them have.

The process says that it is ready, that it is not stuck (a beat), and what it does; it may ask its keeper for something.
The keeper tells it values of parameters, and answers.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from aimass import __version__
from aimass.core.errors import AimassError, error_from_json

BEAT = 1.0  # seconds between signs of life
PATIENCE = 10.0  # seconds for an answer of the keeper

Dials = Mapping[str, Callable[[Any], None]]  # what a process lets be changed: name -> how


class Line:
    """The process's end, CONNECTION being the socket.  Safe for threads."""

    def __init__(self, connection: socket.socket, values: Mapping[str, Any] | None = None) -> None:
        self.connection = connection
        self.values = dict(values or {})  # of parameters, as the keeper wants them
        self._dials: dict[str, Callable[[Any], None]] = {}
        self._answers: dict[int, dict[str, Any] | None] = {}  # by the number of what was asked
        self._count, self._beaten = 0, 0.0
        self._changed, self._sending = threading.Condition(), threading.Lock()
        threading.Thread(target=self._listen, daemon=True).start()

    # -- what the process says ------------------------------------------------------------------------------------

    def say(self, **facts: Any) -> None:
        """Tell the keeper FACTS; a keeper that is gone takes this process with it."""
        with self._sending:
            self.connection.sendall(json.dumps(facts).encode() + b"\n")

    def ready(self, **facts: Any) -> None:
        """It does its work from now on; FACTS are for all who look."""
        self.say(ready=facts, version=__version__)

    def beat(self) -> None:
        """It is not stuck: to be called often by what does the work, never by a thread of its own."""
        clock = time.monotonic()
        if clock - self._beaten >= BEAT / 2:
            self._beaten = clock
            self.say(beat=True)

    def tell(self, **facts: Any) -> None:
        """Facts that are others by now; None takes one back."""
        self.say(facts=facts)

    def ask(self, **what: Any) -> Any:
        """The keeper's answer to WHAT.  Raises what it refuses with, and Refusal (504) when it says nothing."""
        with self._changed:
            self._count += 1
            number = self._count
            self._answers[number] = None
        self.say(ask=what, number=number)
        with self._changed:
            self._changed.wait_for(lambda: self._answers[number] is not None, PATIENCE)
            found = self._answers.pop(number)
        if found is None:
            from aimass.console.refusals import Refusal  # with the web framework, which only a console has loaded

            raise Refusal(504, f"`aimass up` said nothing for {PATIENCE:g} s", todo="look at: aimass status")
        if "error" in found:
            raise error_from_json(found["error"])
        return found["answer"]

    # -- what the keeper says -------------------------------------------------------------------------------------

    def offer(self, dials: Dials) -> None:
        """Let the keeper change what DIALS name, beginning with what it has wanted so far."""
        with self._changed:
            self._dials.update(dials)
            self._turn({name: self.values[name] for name in dials if name in self.values})

    def _turn(self, values: Mapping[str, Any]) -> None:
        """Do as VALUES say, and tell which are in effect."""
        done = {}
        for name, value in values.items():
            if name in self._dials:
                self._dials[name](value)
                done[name] = value
        if done:
            self.say(values=done)

    def _listen(self) -> None:
        with self.connection.makefile("rb") as lines:
            for line in lines:
                told = json.loads(line)
                with self._changed:
                    if "set" in told:
                        self.values.update(told["set"])
                        self._turn(told["set"])
                    elif told.get("number") in self._answers:
                        self._answers[told["number"]] = told
                        self._changed.notify_all()


def answered(act: Callable[[], Any], number: int) -> dict[str, Any]:
    """What the keeper says to the request NUMBER: what ACT gives, or why it does not."""
    try:
        return {"number": number, "answer": act()}
    except AimassError as error:
        return {"number": number, "error": error.as_json()}

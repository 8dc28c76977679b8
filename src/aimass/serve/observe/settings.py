"""What is to be seen of a server, and those who look while it runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aimass.core.errors import InputError
from aimass.core.part import Settings, knob, load
from aimass.serve.log import PredictionLog
from aimass.serve.observe.access_log import AccessLog

TRACES = "aimass.serve.observe.traces:Traces"


class Observing(Settings):
    """The prediction log of every model, the access log and traces of the server; the last two are off by default."""

    log: PredictionLog = PredictionLog()
    access_log: str = knob("", help="file for the access log; - is the standard output")
    access_log_sample: float = knob(1.0, 0.0, 1.0, help="share of good answers in the access log")
    otel_endpoint: str = knob("", help="URL of a collector of OpenTelemetry, for traces")
    otel_sample: float = knob(0.0, 0.0, 1.0, help="share of requests without a trace that begin one")

    def begin(self) -> Observers:
        """Raises InputError where a package is missing, StoreError where a log cannot be begun."""
        found: list[Any] = []
        if self.otel_endpoint:
            found.append(load(TRACES, "--otel-endpoint")(self.otel_endpoint, share=self.otel_sample))
        if self.access_log:
            found.append(AccessLog(self.access_log, share=self.access_log_sample))
        return Observers(found)


class Observers:
    """Those of ALL who look at each answer."""

    def __init__(self, all: Sequence[Any] = ()) -> None:
        self.all = tuple(all)

    def health(self) -> dict[str, Any]:
        """Empty when all is well."""
        facts: dict[str, Any] = {}
        for one in self.all:
            facts.update(one.health())
        return facts

    def reopen(self) -> None:
        """Begin new files: another program has moved the old ones away."""
        for one in self.all:
            if isinstance(one, AccessLog):
                one.reopen()

    def close(self) -> None:
        """Write and send what waits."""
        for one in self.all:
            one.close()


def log_of(pairs: Sequence[str]) -> dict[str, Any]:
    """The settings of a prediction log from texts "sample=0.1".  Raises InputError."""
    import tomllib  # most servers are told none

    table: dict[str, Any] = {"use": "prediction-log"}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        try:
            table[key] = tomllib.loads(f"value = {text}")["value"] if equals else text
        except tomllib.TOMLDecodeError:
            equals = ""
        if not equals:
            raise InputError(
                f"--log {pair!r} is no setting", expected="KEY=VALUE, such as sample=0.1",
                todo="see docs/serve.md for the settings of the prediction log",
            )  # fmt: skip
    return table

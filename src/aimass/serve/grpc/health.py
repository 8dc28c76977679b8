"""grpc.health.v1.Health: whether the server answers; asked once, or told whenever it changes.

Says nothing of models, as anybody may ask (see `access.scopes`).
github.com/grpc/grpc/blob/master/doc/health-checking.md
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.message import DecodeError

from aimass.serve.grpc.messages import PACKAGE, classes
from aimass.serve.http2.call import INVALID_ARGUMENT, NOT_FOUND, UNAVAILABLE, Call

HEALTH = "grpc.health.v1"
SERVING, NOT_SERVING, SERVICE_UNKNOWN = 1, 2, 3
MESSAGES = classes(HEALTH, {"HealthCheckRequest": "string service = 1", "HealthCheckResponse": "int32 status = 1"})
KNOWN = ("", f"{PACKAGE}.GRPCInferenceService")  # names of the server


class Health:
    """As ANSWERS says."""

    def __init__(self, answers: Callable[[], bool]) -> None:
        self.answers = answers
        self.watching: dict[Call, tuple[str, int]] = {}  # who asked for which service, and was told what
        self.methods: dict[bytes, Callable[[Call], None]] = {
            f"/{HEALTH}.Health/Check".encode(): self.check,
            f"/{HEALTH}.Health/Watch".encode(): self.watch,
        }

    def status(self, service: str) -> int:
        if service not in KNOWN:
            return SERVICE_UNKNOWN
        return SERVING if self.answers() else NOT_SERVING

    def check(self, call: Call) -> None:
        service = _service(call)
        if service is None:
            return
        status = self.status(service)
        if status == SERVICE_UNKNOWN:
            call.refuse(NOT_FOUND, f"there is no service {service!r}")
        else:
            call.reply(_answer(status))

    def watch(self, call: Call) -> None:
        service = _service(call)
        if service is not None:
            self.watching[call] = service, -1
            self.look()

    def look(self) -> None:
        """Tell what has changed.  Called once a second."""
        for call, (service, told) in list(self.watching.items()):
            if call.gone or call.done:
                del self.watching[call]
                continue
            status = self.status(service)
            if status != told:
                self.watching[call] = service, status
                call.write(_answer(status))
            if not self.answers():
                call.refuse(UNAVAILABLE, "the server is about to end")


def _service(call: Call) -> str | None:
    """What CALL asks for; None when that could not be read, and it was refused."""
    try:
        asked: Any = MESSAGES["HealthCheckRequest"].FromString(call.body)
    except DecodeError as error:
        call.refuse(INVALID_ARGUMENT, f"the message is no HealthCheckRequest: {error}")
        return None
    return str(asked.service)


def _answer(status: int) -> bytes:
    found: bytes = MESSAGES["HealthCheckResponse"](status=status).SerializeToString()
    return found

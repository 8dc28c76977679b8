"""What Triton has beside the protocol and this server has not: said clearly, by REST and gRPC in the same words."""

from __future__ import annotations

import re
from typing import NoReturn

from aimass.serve.messages import Refused, Request
from aimass.serve.paths import NAME, Place

SHARED = "shared memory is not read here"
TRACES = "traces are not set over the network"
LOGS = "logs are not set over the network"
INSTEAD = {SHARED: "send the tensors in the request, as bytes behind its JSON"}

KINDS, VERBS = ("System", "Cuda"), ("Status", "Register", "Unregister")
CALLS = {
    "TraceSetting": TRACES,
    "LogSettings": LOGS,
    **{f"{kind}SharedMemory{verb}": SHARED for kind in KINDS for verb in VERBS},
}  # fmt: skip
PATHS = {
    rf"/v2(?:/models/{NAME})?/trace/setting": TRACES,
    "/v2/logging": LOGS,
    r"/v2/(?:system|cuda)sharedmemory(?:/region/(?P<region>[^/]+))?/(?:status|register|unregister)": SHARED,
}


def places() -> list[Place]:
    return [Place(re.compile(path), dict.fromkeys(("GET", "POST"), _Told(why))) for path, why in PATHS.items()]


class _Told:
    def __init__(self, why: str) -> None:
        self.why = why

    async def __call__(self, request: Request, **said: str) -> NoReturn:
        raise Refused(404, self.why, to_do=INSTEAD.get(self.why, ""))

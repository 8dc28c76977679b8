"""Where a server answers, as those are told who wait for it."""

from __future__ import annotations

import os
import socket
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Listening:
    """Where a server answers."""

    url: str
    host: str
    port: int
    pid: int
    model: str

    def as_json(self) -> dict[str, Any]:
        return {"ready": True, **asdict(self)}


def say(where: Listening) -> None:
    """Tell a person."""
    print(f"{where.model} answers at {where.url}/v1/predict/{where.model.partition('@')[0]}", flush=True)
    print(f"how to ask: {where.url}/v1/docs   end it: Ctrl-C", flush=True)


def where_of(bound: socket.socket, scheme: str, host: str, label: str) -> Listening:
    """Where BOUND answers over SCHEME; LABEL is what it serves."""
    port = int(bound.getsockname()[1])
    shown = f"[{host}]" if ":" in host else host
    return Listening(f"{scheme}://{shown}:{port}", host, port, os.getpid(), label)

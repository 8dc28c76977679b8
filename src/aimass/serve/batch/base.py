"""The contract of what can share a call of a model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from typing import Any, Protocol

from aimass.engines.base import Tensors

under_way: ContextVar[Sequence[Ask]] = ContextVar("aimass_under_way")  # whose rows the model is asked for, in order


class Busy(Exception):
    """There is no room.  RETRY: seconds after which there may be."""

    def __init__(self, what: str, retry: float) -> None:
        super().__init__(what)
        self.retry = retry


class Spent(Busy):
    """The client has had what it may have, for now."""


class Late(Exception):
    """The deadline passed before the model was asked."""


class Counting:
    """Who is told of the calls of a model; here nobody.  Times are of `time.perf_counter`."""

    def called(self, asks: Sequence[Ask], rows: int, began: float, joined: float, ended: float) -> None:
        """ROWS of ASKS went through the model: tensors were made of them by JOINED.  They are answered next."""

    def told(self, seconds: float) -> None:
        """The callers of that call were answered, which took SECONDS."""

    def failed(self) -> None:
        """A call raised; its rows are tried again in halves."""

    def gone(self) -> None:
        """The caller of a request had gone before its call was made."""


class Client(Protocol):
    """Who asks, where that is known.  Clients take turns; WEIGHT is the share of one."""

    id: str
    weight: float

    def check(self, rows: int) -> None:
        """Raises Spent or Refused when ROWS may not be asked for."""

    def take(self, rows: int) -> None:
        """ROWS wait for their turn; fewer than none were sent away again."""


class Form(ABC):
    """How requests of one kind become tensors together, and are answered together.

    Both work on many at once: what a request costs beside the model is what a server of small models spends.
    """

    @abstractmethod
    def join(self, parts: Sequence[Any]) -> Tensors:
        """The columns of all PARTS, one behind the other.  Raises what each one alone would raise."""

    @abstractmethod
    def answer(self, asks: Sequence[Ask], outputs: Tensors) -> None:
        """Give ASKS what the model said: OUTPUTS hold their rows, one behind the other."""

    @abstractmethod
    def fail(self, ask: Ask, error: Exception) -> None:
        """Tell the caller of ASK what went wrong with it, or with the model at its rows."""


class Ask:
    """A request of ROWS rows: its PART of a batch, as its FORM understands it.

    The caller waits TIMEOUT seconds, 0 for ever; `deadline` is in `time.perf_counter`, 0 for none.  ID is the caller's
    own, to be given back.  Who wants to see the answer, too, waits at `tap`.
    """

    __slots__ = ("client", "deadline", "exchange", "form", "id", "part", "rows", "tap")

    def __init__(self, form: Form, part: Any, rows: int, exchange: Any, *, id: str = "", timeout: float = 0.0) -> None:
        self.form, self.part, self.rows, self.exchange, self.id = form, part, rows, exchange, id
        self.client: Client | None = exchange.client
        self.tap: Any = None
        self.deadline = exchange.arrived + timeout if timeout else 0.0

    @property
    def name(self) -> str:
        """What the caller calls it, else what the server does."""
        return self.id or str(self.exchange.id)


def spans(asks: Sequence[Ask]) -> Iterator[tuple[int, int]]:
    """Where the rows of each of ASKS begin and end."""
    at = 0
    for ask in asks:
        yield at, at + ask.rows
        at += ask.rows

"""A connection: however its bytes are cut, the same requests are heard, and answered in their order."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.serve.wire import Wire

from aimass.serve.http.connection import Taking
from aimass.serve.http.crowd import Crowd
from aimass.serve.http.exchange import Exchange
from aimass.serve.http.front import Front
from aimass.serve.http.limits import Limits

HOST = b"host: a\r\n"
POST = b"POST /infer HTTP/1.1\r\n" + HOST + b"content-length: 4\r\n\r\n"


class Other(asyncio.Protocol):
    """Who speaks HTTP/2."""

    def __init__(self) -> None:
        self.heard, self.transport = b"", None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.heard += data


class Talk:
    """One caller of a server that answers with method, path and body, at once or when it is told to."""

    def __init__(self, at_once: bool = True, **limits: Any) -> None:
        self.heard: list[Exchange] = []
        self.at_once = at_once
        self.front = Front(lambda head: self.hear, Crowd(Limits(**limits)))
        self.connection, self.wire = self.front.connection(), Wire()
        self.connection.connection_made(self.wire)  # type: ignore[arg-type]

    def hear(self, exchange: Exchange) -> None:
        self.heard.append(exchange)
        if self.at_once:
            self.answer(exchange)

    def answer(self, exchange: Exchange) -> None:
        head = exchange.head
        exchange.reply(b"%b %b %b" % (head.method.encode(), head.path.encode(), exchange.body))

    def send(self, *pieces: bytes) -> list[tuple[int, bytes]]:
        """What is answered to PIECES, status and body."""
        for piece in pieces:
            if not self.wire.closed:
                self.connection.data_received(piece)
        return list(answers(self.wire.sent))


def answers(sent: bytes) -> Iterator[tuple[int, bytes]]:
    while sent:
        head, _, sent = sent.partition(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        length = int(fields.get(b"content-length", b"0"))
        yield int(head.split()[1]), sent[:length]
        sent = sent[length:]


REQUESTS = st.one_of(
    st.binary(max_size=40).map(
        lambda body: b"POST /infer HTTP/1.1\r\n%bcontent-length: %d\r\n\r\n%b" % (HOST, len(body), body)
    ),
    st.lists(st.binary(min_size=1, max_size=9), max_size=4).map(
        lambda parts: (
            b"POST /chunks HTTP/1.1\r\n%btransfer-encoding: chunked\r\n\r\n%b0\r\n\r\n"
            % (HOST, b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts))
        )
    ),
    st.sampled_from([b"GET /live HTTP/1.1\r\n" + HOST + b"\r\n", POST + b"same", POST + b"like"]),
)


@given(requests=st.lists(REQUESTS, min_size=1, max_size=12), data=st.data())
@settings(max_examples=300, deadline=None)
def test_the_same_is_heard_however_it_is_cut(requests: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(requests)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    expected = Talk().send(*requests)
    assert len(expected) == len(requests) and all(status == 200 for status, _ in expected)
    talk = Talk()
    assert talk.send(*[piece for piece in pieces if piece]) == expected
    assert talk.front.crowd.held == 0 and not talk.connection.open


@given(orders=st.permutations(range(6)))
def test_answers_come_in_the_order_of_the_questions(orders: list[int]) -> None:
    talk = Talk(at_once=False)
    talk.send(b"".join(POST + b"%04d" % i for i in range(6)))
    for i in orders:
        talk.answer(talk.heard[i])
    assert [body[-4:] for _, body in answers(talk.wire.sent)] == [b"%04d" % i for i in range(6)]


def test_a_head_that_was_parsed_before_is_looked_up() -> None:
    talk = Talk()
    talk.send(POST + b"once")
    known = talk.front.heads.get(POST)
    assert known is not None
    talk.connection.parser = None  # type: ignore[assignment]  # it is not asked again
    assert talk.send(POST + b"more")[-1] == (200, b"POST /infer more")
    assert talk.heard[-1].head is known


@pytest.mark.parametrize("field", [b"transfer-encoding: chunked", b"expect: 100-continue", b"connection: close"])
def test_a_head_that_leaves_something_to_decide_is_parsed_each_time(field: bytes) -> None:
    talk = Talk()
    raw = b"POST /infer HTTP/1.1\r\n" + HOST + field + b"\r\n\r\n"
    talk.send(raw + (b"0\r\n\r\n" if b"chunked" in field else b""))
    assert len(talk.heard) == 1 and talk.front.heads.get(raw) is None


def test_blank_lines_before_a_head_are_not_taken_for_it() -> None:
    talk = Talk()
    talk.send(b"\r\n\r\n" + POST + b"once")
    assert talk.send(b"\r\n\r\n" + POST + b"more") == [(200, b"POST /infer once"), (200, b"POST /infer more")]


def test_what_comes_behind_the_last_request_is_nobodys() -> None:
    talk = Talk()
    asked = b"POST /infer HTTP/1.1\r\n" + HOST + b"connection: close\r\ncontent-length: 4\r\n\r\n"
    assert talk.send(asked + b"bodyjunk") == [(200, b"POST /infer body")]


def test_the_end_of_a_long_body_does_not_count_as_the_next_head() -> None:
    talk = Talk()
    begin = b"POST /infer HTTP/1.1\r\n" + HOST + b"content-length: 200000\r\n\r\n"
    replies = talk.send(begin + bytes(100_000), bytes(100_000) + POST[:10], POST[10:] + b"next")
    assert [status for status, _ in replies] == [200, 200]


def test_trailers_are_not_headers_and_cannot_grow_without_end() -> None:
    talk = Talk()
    chunked = b"POST /infer HTTP/1.1\r\n" + HOST + b"transfer-encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n"
    talk.send(chunked + b"content-encoding: gzip\r\n\r\n")
    assert talk.heard[0].head.get(b"content-encoding") is None
    talk.send(chunked, b"a: ", *[bytes(8192).replace(b"\0", b"b") for _ in range(20)])
    assert [status for status, _ in answers(talk.wire.sent)] == [200, 413]


def test_reading_goes_on_after_many_requests_with_long_answers() -> None:
    talk = Talk(at_once=False, pipelined=4)
    talk.send(b"".join(b"POST /%d HTTP/1.1\r\n%bcontent-length: 4\r\n\r\nbody" % (i, HOST) for i in range(10)))
    assert not talk.wire.reading
    for exchange in list(talk.heard):
        talk.connection.pause_writing()
        talk.answer(exchange)
        talk.connection.resume_writing()
    assert talk.wire.reading and len(list(answers(talk.wire.sent))) == 10


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"POST / HTTP/1.1\r\ncontent-length: 4\r\n\r\nbody", 400),  # no host
        (b"POST / HTTP/1.1\r\n" + 2 * HOST + b"content-length: 4\r\n\r\nbody", 400),
        (b"POST / HTTP/1.1\r\n" + HOST + b"content-length: 4\r\ncontent-length: 5\r\n\r\nbody!", 400),
        (b"POST / HTTP/1.1\r\n" + HOST + b"content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\n" + HOST + b"content-length: -4\r\n\r\nbody", 400),
        (b"POST / HTTP/1.1\r\n" + HOST + b"content-length: +4\r\n\r\nbody", 400),
        (b"POST / HTTP/1.1\r\n" + HOST + b"transfer-encoding : chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\n" + HOST + b"transfer-encoding: chunked\r\n\r\nzz\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b" folded: a\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\n" + HOST + b"\r\n", 400),
        (b"\x16\x03\x01\x02\x00", 400),  # TLS at a plain port
        (b"GET /" + 9000 * b"a" + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414),
        (b"GET / HTTP/1.1\r\n" + HOST + b"".join(b"a%d: b\r\n" % i for i in range(200)) + b"\r\n", 431),
        (b"POST / HTTP/1.1\r\n" + HOST + b"content-length: 99999999999\r\n\r\n", 413),
    ],
)  # fmt: skip
def test_what_can_be_read_in_two_ways_or_is_too_much_is_refused_and_ends_the_connection(
    raw: bytes, status: int
) -> None:
    talk = Talk()
    assert [found for found, _ in talk.send(raw + POST + b"next")] == [status]
    assert talk.wire.closed and not talk.heard


@pytest.mark.parametrize("before", [b"", POST + b"body", b"\r\n"])
@pytest.mark.parametrize("piece", [1 << 10, 60_000, 1 << 20])
@pytest.mark.parametrize("large", [b"a: " + b"b" * 66_000 + b"\r\n", (b"a: " + b"b" * 1000 + b"\r\n") * 70])
def test_a_head_of_more_than_64_kib_is_refused_however_it_arrives(large: bytes, piece: int, before: bytes) -> None:
    sent = before + b"GET / HTTP/1.1\r\n" + HOST + large + b"\r\n"
    talk = Talk()
    talk.send(*[sent[at : at + piece] for at in range(0, len(sent), piece)])
    first = [200] if before[:1] == b"P" else []
    assert [status for status, _ in answers(talk.wire.sent)] == [*first, 431]


def test_a_head_of_almost_64_kib_is_heard() -> None:
    raw = b"GET / HTTP/1.1\r\n" + HOST + (b"a: " + b"b" * 1000 + b"\r\n") * 60 + b"\r\n"
    assert [status for status, _ in Talk().send(raw)] == [200]


def test_a_head_without_end_is_cut_off() -> None:
    talk = Talk()
    replies = talk.send(b"GET / HTTP/1.1\r\n" + HOST, *[b"a" * 8192 for _ in range(20)])
    assert [status for status, _ in replies] == [431] and talk.wire.closed


def test_a_body_that_grows_beyond_its_limit_is_cut_off() -> None:
    talk = Talk(body=100)
    replies = talk.send(
        b"POST / HTTP/1.1\r\n" + HOST + b"transfer-encoding: chunked\r\n\r\n", *[b"10\r\n" + 16 * b"a" + b"\r\n"] * 9
    )
    assert [status for status, _ in replies] == [413] and talk.wire.closed and talk.front.crowd.held == 0


def test_who_asks_much_before_reading_waits() -> None:
    talk = Talk(at_once=False, pipelined=4)
    talk.send(POST + b"once")
    talk.answer(talk.heard[0])
    talk.send(b"".join(POST + b"%04d" % i for i in range(10)))
    assert len(talk.heard) == 5 and not talk.wire.reading
    for i in range(1, 11):
        talk.answer(talk.heard[i])
    assert [body[-4:] for _, body in answers(talk.wire.sent)][1:] == [b"%04d" % i for i in range(10)]
    assert talk.wire.reading


def test_who_does_not_read_is_not_heard() -> None:
    talk = Talk()
    talk.connection.pause_writing()
    assert not talk.wire.reading and talk.send(POST + b"late") == []
    talk.connection.resume_writing()
    assert talk.wire.reading and [body for _, body in answers(talk.wire.sent)] == [b"POST /infer late"]


def test_who_announces_a_body_is_told_to_go_on() -> None:
    talk = Talk()
    talk.send(b"POST /infer HTTP/1.1\r\n" + HOST + b"expect: 100-continue\r\ncontent-length: 4\r\n\r\n")
    assert talk.wire.sent == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert talk.send(b"body")[-1] == (200, b"POST /infer body")


def test_what_is_spoken_is_http_1_1_also_to_who_would_upgrade() -> None:
    talk = Talk()
    upgrade = b"connection: upgrade\r\nupgrade: h2c\r\n"
    asked = b"POST /infer HTTP/1.1\r\n" + HOST + upgrade + b"content-length: 4\r\n\r\nbody"
    assert talk.send(asked, POST + b"next") == [(200, b"POST /infer body"), (200, b"POST /infer next")]


@pytest.mark.parametrize(
    ("asked", "closes", "says"),
    [
        (b"GET / HTTP/1.0\r\n\r\n", True, b"connection: close"),
        (b"GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n", False, b"connection: keep-alive"),
        (b"GET / HTTP/1.1\r\n" + HOST + b"connection: close\r\n\r\n", True, b"connection: close"),
    ],
)
def test_a_connection_ends_as_its_caller_wants(asked: bytes, closes: bool, says: bytes) -> None:
    talk = Talk()
    talk.send(asked)
    assert talk.wire.closed == closes and says in talk.wire.sent


def test_a_caller_who_has_said_all_still_gets_the_answer() -> None:
    talk = Talk(at_once=False)
    talk.send(POST + b"last")
    assert talk.connection.eof_received() and not talk.wire.closed
    talk.answer(talk.heard[0])
    assert talk.wire.closed and b"POST /infer last" in talk.wire.sent


def test_an_answer_to_a_caller_who_has_gone_is_nothing() -> None:
    talk = Talk(at_once=False)
    talk.send(POST + b"gone")
    talk.connection.connection_lost(None)
    assert talk.heard[0].gone and talk.front.crowd.held == 0
    talk.answer(talk.heard[0])
    assert talk.wire.sent == b"" and not talk.front.crowd.connections


def test_a_request_is_counted_once_also_when_its_caller_goes() -> None:
    talk = Talk(at_once=False)
    talk.send(POST + b"1111" + POST + b"2222" + POST + b"3333")
    talk.answer(talk.heard[0])
    talk.answer(talk.heard[2])  # waits for the second
    talk.connection.connection_lost(None)
    talk.answer(talk.heard[1])
    assert talk.front.crowd.counts.statuses == {200: 2, 499: 1}


def test_what_takes_too_long_is_ended() -> None:
    talk = Talk(head_seconds=1.0, idle_seconds=5.0)
    talk.send(b"POST / HTTP/1.1\r\n")
    talk.connection.overdue(talk.connection.since + 0.5)
    assert not talk.wire.closed
    talk.connection.overdue(talk.connection.since + 1.5)
    assert talk.wire.closed and b" 408 " in talk.wire.sent
    idle = Talk(head_seconds=1.0, idle_seconds=5.0)
    idle.connection.overdue(idle.connection.since + 4)
    assert not idle.wire.closed
    idle.connection.overdue(idle.connection.since + 6)
    assert idle.wire.closed and idle.wire.sent == b""


def test_more_callers_than_there_may_be_are_told() -> None:
    front = Front(lambda head: lambda exchange: None, Crowd(Limits(connections=2)))
    wires = []
    for _ in range(3):
        connection, wire = front.connection(), Wire()
        connection.connection_made(wire)  # type: ignore[arg-type]
        wires.append(wire)
    assert [wire.closed for wire in wires] == [False, False, True] and b" 503 " in wires[2].sent


def test_an_error_nobody_foresaw_is_told_with_its_id_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    def fails(exchange: Exchange) -> None:
        raise ZeroDivisionError("a bug")

    front, wire = Front(lambda head: fails), Wire()
    connection = front.connection()
    connection.connection_made(wire)  # type: ignore[arg-type]
    connection.data_received(POST + b"body")
    assert b" 500 " in wire.sent and b"a bug" not in wire.sent and "a bug" in caplog.text


@given(
    junk=st.lists(st.one_of(st.binary(max_size=200), st.sampled_from([POST, b"\r\n\r\n", b"0\r\n", HOST])), max_size=10)
)
@settings(max_examples=300, deadline=None)
def test_no_bytes_break_it(junk: list[bytes]) -> None:
    talk = Talk()
    for piece in junk:
        if piece and not talk.wire.closed:
            talk.connection.data_received(piece)
    assert all(status in (200, 400, 413, 414, 431) for status, _ in answers(talk.wire.sent))


def test_who_speaks_http2_waits_unheard_until_somebody_can_take_the_connection_over() -> None:
    talk, fetched, other = Talk(), list[Taking](), Other()
    talk.front.http2 = fetched.append
    talk.connection.data_received(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    assert not talk.wire.reading and not talk.wire.sent and len(fetched) == 1
    fetched[0](other)
    assert talk.wire.protocol is other and talk.wire.reading and talk.connection not in talk.front.crowd.connections
    assert other.transport is talk.wire and other.heard == b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def test_who_went_before_somebody_could_take_the_connection_over_is_nobodys() -> None:
    talk, fetched, other = Talk(), list[Taking](), Other()
    talk.front.http2 = fetched.append
    talk.connection.data_received(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    talk.connection.connection_lost(None)
    fetched[0](other)
    assert other.transport is None


@pytest.mark.parametrize("sent", [b"", POST + b"data", POST + b"da", b"GET / HTT", b"nonsense\r\n\r\n"])
def test_a_connection_that_ended_is_gone_without_a_collection_of_garbage(sent: bytes) -> None:
    talk = Talk()
    ended = weakref.ref(talk.connection)
    gc.disable()
    try:
        talk.connection.data_received(sent)
        talk.connection.connection_lost(None)
        talk.heard.clear()
        del talk.connection
        assert ended() is None
    finally:
        gc.enable()

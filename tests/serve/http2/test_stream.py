"""Calls of many messages: each is heard once, what is under way is bounded, and every way to end is one."""

from __future__ import annotations

import gzip
import zlib
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.serve.http2.conftest import STREAM, Talk, begun, packed

from aimass.serve.http2 import frames as f
from aimass.serve.http2.frames import frame
from aimass.serve.http2.stream import AT_ONCE

HALF_CLOSED = frame(f.DATA, f.END_STREAM, 1, b"")


def opened(talk: Talk, **more: str) -> Talk:
    talk.send(talk.head(1, path=STREAM, **more))
    return talk


def data(*messages: bytes, flags: int = 0, stream: int = 1) -> bytes:
    return frame(f.DATA, flags, stream, b"".join(map(packed, messages)))


def opening(talk: Talk) -> int:
    """Bytes by which the window of the call was opened since the last time."""
    told = [payload for kind, _, stream, payload in talk.frames() if kind == f.WINDOW_UPDATE and stream == 1]
    return sum(f.LONG.unpack(payload)[0] for payload in told)


@given(messages=st.lists(st.binary(max_size=60), max_size=40), cuts=st.lists(st.integers(0, 2600), max_size=10))
@settings(max_examples=150, deadline=None)
def test_every_message_is_heard_once_in_its_order_however_it_is_cut(messages: list[bytes], cuts: list[int]) -> None:
    talk = begun()
    opened(talk)
    whole = b"".join(map(packed, messages))
    ends = [0, *sorted(cut for cut in cuts if cut < len(whole)), len(whole)]
    talk.send(*[frame(f.DATA, 0, 1, whole[a:b]) for a, b in pairwise(ends)], HALF_CLOSED)
    sent, fields = talk.answers()[1]
    assert sent == whole and fields["grpc-status"] == "0" and fields[":status"] == "200"
    assert not talk.connection.calls and talk.front.crowd.held == 0


def test_answers_come_before_the_caller_has_said_all() -> None:
    talk = opened(begun())
    talk.send(data(b"one"))
    assert [payload for kind, _, _, payload in talk.frames() if kind == f.DATA] == [packed(b"one")]
    talk.send(data(b"two", flags=f.END_STREAM))
    assert talk.answers()[1][0] == packed(b"two")


def test_a_caller_who_is_done_is_told_so_behind_the_last_answer() -> None:
    talk = opened(begun(at_once=False))
    talk.send(data(b"one", b"two", flags=f.END_STREAM))
    talk.answer()
    assert not talk.answers()
    talk.answer()
    assert talk.answers()[1][1]["grpc-status"] == "0"


def test_no_more_is_heard_than_may_be_under_way_and_the_window_stays_closed_meanwhile() -> None:
    talk = opened(begun(at_once=False))
    size = len(packed(b"12345"))
    talk.send(*[data(b"12345") for _ in range(2 * AT_ONCE)])
    assert len(talk.heard) == AT_ONCE and opening(talk) == (AT_ONCE - 1) * size
    talk.answer()
    assert len(talk.heard) == AT_ONCE and opening(talk) == 0
    for _ in range(2 * AT_ONCE - 1):
        talk.answer()
    assert opening(talk) == (AT_ONCE + 1) * size and talk.front.crowd.held == 0


def test_answers_that_are_not_taken_are_not_more_than_may_be_under_way() -> None:
    talk = Talk()
    talk.send(f.PREFACE + f.settings({f.INITIAL_WINDOW_SIZE: 0}), talk.head(1, path=STREAM))
    talk.send(*[data(b"12345") for _ in range(3 * AT_ONCE)])
    call = talk.connection.calls[1]
    assert len(call.waiting) == AT_ONCE
    talk.send(frame(f.WINDOW_UPDATE, 0, 1, f.LONG.pack(1 << 20)), HALF_CLOSED)
    assert talk.answers()[1][0] == 3 * AT_ONCE * packed(b"12345")


def test_a_message_that_is_larger_than_the_window_comes_in() -> None:
    talk = opened(begun())
    message = bytes(3 << 20)
    whole = packed(message)
    for begin in range(0, len(whole), f.FRAME):
        talk.send(frame(f.DATA, 0, 1, whole[begin : begin + f.FRAME]))
    assert opening(talk) == len(whole)


def test_a_message_beyond_the_limit_ends_the_call_before_it_has_come() -> None:
    talk = opened(begun(body=1000))
    talk.send(data(bytes(1000)), frame(f.DATA, 0, 1, packed(bytes(1001))[:20]))
    sent, fields = talk.answers()[1]
    assert sent == packed(bytes(1000)) and fields["grpc-status"] == "8" and talk.front.crowd.held == 0


def test_a_call_that_ends_inside_a_message_is_told() -> None:
    talk = opened(begun())
    talk.send(data(b"one"), frame(f.DATA, f.END_STREAM, 1, packed(b"two")[:6]))
    sent, fields = talk.answers()[1]
    assert sent == packed(b"one") and fields["grpc-status"] == "3" and talk.front.crowd.held == 0


def test_what_is_answered_after_the_caller_has_gone_reaches_nobody() -> None:
    talk = opened(begun(at_once=False))
    talk.send(data(b"one", b"two"), frame(f.RST_STREAM, 0, 1, f.LONG.pack(8)))
    talk.answer()
    talk.answer()
    assert not talk.answers() and talk.front.crowd.held == 0 and talk.front.crowd.counts.statuses == {499: 1}


def test_when_the_server_ends_what_was_heard_is_answered_and_nothing_more() -> None:
    talk = opened(begun(at_once=False))
    talk.send(data(b"one"))
    talk.connection.end()
    assert not talk.wire.closed
    talk.answer()
    sent, fields = talk.answers()[1]
    assert sent == packed(b"one") and fields["grpc-status"] == "14" and talk.wire.closed


def test_a_stream_may_be_idle_but_not_stop_inside_a_message() -> None:
    talk = opened(begun(body_seconds=60))
    talk.connection.overdue(talk.front.crowd.now + 1000)
    talk.send(frame(f.DATA, 0, 1, packed(b"long")[:7]))
    talk.connection.overdue(talk.front.crowd.now + 59)
    assert not talk.answers()
    talk.connection.overdue(talk.front.crowd.now + 61)
    assert talk.answers()[1][1]["grpc-status"] == "4"


def test_a_method_that_fails_ends_its_call_only() -> None:
    talk = opened(begun())
    talk.heard = None  # type: ignore[assignment]
    talk.send(data(b"one"))
    assert talk.answers()[1][1]["grpc-status"] == "13"
    talk.send(talk.call(3, b"x"))
    assert talk.answers()[3][0] == packed(b"x")


# -- packed messages -----------------------------------------------------------------------------------------------

PACKERS = {"gzip": gzip.compress, "deflate": zlib.compress, "identity": bytes}


def wrapped(body: bytes) -> bytes:
    return b"\1" + packed(body)[1:]


@pytest.mark.parametrize("encoding", PACKERS)
def test_packed_messages_are_unpacked(encoding: str) -> None:
    talk = begun()
    body = wrapped(PACKERS[encoding](b"text " * 99)) + packed(b"as it is")
    opened(talk, grpc_encoding=encoding)
    talk.send(frame(f.DATA, f.END_STREAM, 1, body))
    assert talk.answers()[1][0] == packed(b"text " * 99) + packed(b"as it is") and talk.front.crowd.held == 0
    talk.send(talk.head(3, grpc_encoding=encoding), frame(f.DATA, f.END_STREAM, 3, wrapped(PACKERS[encoding](b"x"))))
    sent, fields = talk.answers()[3]
    assert sent == packed(b"x") and fields["grpc-accept-encoding"] == "identity,deflate,gzip"


@pytest.mark.parametrize(
    ("encoding", "body", "code"),
    [
        ("br", b"x", "12"),  # and the answer says which are understood
        ("gzip", b"no gzip", "3"),
        ("gzip", gzip.compress(b"cut off")[:-9], "3"),
        ("gzip", gzip.compress(bytes(2 << 20)), "8"),  # a bomb
        ("", b"x", "3"),
    ],
    ids=["unknown", "damaged", "cut", "bomb", "unnamed"],
)
def test_what_cannot_be_unpacked_is_refused(encoding: str, body: bytes, code: str) -> None:
    said = {"grpc_encoding": encoding} if encoding else {}
    for path in ("/test/Echo", STREAM):
        talk = begun(body=1 << 20)
        talk.send(talk.head(1, path=path, **said), frame(f.DATA, f.END_STREAM, 1, wrapped(body)))
        fields = talk.answers()[1][1]
        assert fields["grpc-status"] == code and "gzip" in fields["grpc-accept-encoding"]
        assert talk.front.crowd.held == 0 and not talk.heard


def test_the_id_of_a_request_comes_back() -> None:
    for path in ("/test/Echo", STREAM):
        talk = begun()
        talk.send(talk.head(1, path=path, x_request_id="mine"), data(b"x", flags=f.END_STREAM))
        assert talk.answers()[1][1]["x-request-id"] == "mine"
    talk = begun()
    talk.send(talk.head(1, path="/test/Nothing", x_request_id="mine"), data(b"x", flags=f.END_STREAM))
    assert talk.answers()[1][1]["x-request-id"] == "mine"


@given(junk=st.lists(st.builds(frame, st.integers(0, 9), st.integers(0, 63), st.just(1), st.binary(max_size=30))))
@settings(max_examples=200, deadline=None)
def test_no_bytes_break_it(junk: list[bytes]) -> None:
    talk = opened(begun())
    talk.send(*junk)
    talk.connection.connection_lost(None)
    assert talk.front.crowd.held == 0 and not talk.front.crowd.connections

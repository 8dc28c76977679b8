"""HTTP/2 as gRPC speaks it: calls however they are cut, windows that are kept, and what a peer may not do."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.serve.http2.conftest import Talk, begun, packed

from aimass.serve.http2 import frames as f
from aimass.serve.http2.frames import frame


@given(messages=st.lists(st.binary(max_size=60), min_size=1, max_size=8), data=st.data())
@settings(max_examples=150, deadline=None)
def test_every_call_is_answered_however_the_bytes_are_cut(messages: list[bytes], data: st.DataObject) -> None:
    talk = Talk()
    whole = f.PREFACE + f.settings({})
    for i, message in enumerate(messages):
        body, stream = packed(message), 2 * i + 1
        at = data.draw(st.integers(0, len(body)))
        last = frame(f.DATA, f.END_STREAM | f.PADDED, stream, b"\x03" + body[at:] + b"pad")
        whole += talk.head(stream) + frame(f.DATA, 0, stream, body[:at]) + last
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=10)))
    talk.send(*[whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)])
    found = talk.answers()
    for i, message in enumerate(messages):
        sent, fields = found[2 * i + 1]
        assert sent == packed(message) and fields["grpc-status"] == "0" and fields[":status"] == "200"
    assert not talk.connection.calls and talk.front.crowd.held == 0


def test_a_block_that_was_read_before_is_looked_up() -> None:
    talk = begun()
    for stream in range(1, 12, 2):
        talk.send(talk.call(stream, b"x"))
    assert len(talk.connection.blocks.known) == 1
    talk.connection.blocks.decoder = None  # type: ignore[assignment]  # it is not asked again
    talk.send(talk.call(13, b"more"))
    assert talk.answers()[13][0] == packed(b"more")


def test_a_block_that_changes_the_table_is_never_looked_up() -> None:
    talk = begun()
    for i, stream in enumerate(range(1, 40, 2)):
        talk.send(talk.call(stream, b"x", **{f"x-{i}": "y" * 50}))
    assert len(talk.answers()) == 20 and talk.calls[-1].fields[b"x-19"] == 50 * b"y"


def test_a_long_block_comes_in_pieces() -> None:
    talk = begun()
    whole = talk.head(1, x_long="a" * 5000)
    block = whole[9:]
    talk.send(
        frame(f.HEADERS, 0, 1, block[:100]),
        frame(f.CONTINUATION, 0, 1, block[100:200]),
        frame(f.CONTINUATION, f.END_HEADERS, 1, block[200:]),
        frame(f.DATA, f.END_STREAM, 1, packed(b"x")),
    )
    assert talk.answers()[1][0] == packed(b"x")


@given(window=st.integers(0, 300), size=st.integers(0, 1000), steps=st.lists(st.integers(1, 400), max_size=12))
@settings(max_examples=100, deadline=None)
def test_no_more_is_sent_than_the_peer_has_room_for(window: int, size: int, steps: list[int]) -> None:
    talk = Talk()
    talk.send(f.PREFACE + f.settings({f.INITIAL_WINDOW_SIZE: window}), talk.call(1, bytes(size)))
    room, got = window, 0
    for step in [0, *steps, 2000]:
        if step:
            talk.send(frame(f.WINDOW_UPDATE, 0, 1, f.LONG.pack(step)))
            room += step
        for kind, _, stream, payload in talk.frames():
            if kind == f.DATA and stream == 1:
                got += len(payload)
        assert got <= room
    assert got == size + 5 and not talk.connection.calls


def test_a_window_that_shrinks_below_nothing_opens_again() -> None:
    talk = Talk(at_once=False)
    talk.send(f.PREFACE + f.settings({f.INITIAL_WINDOW_SIZE: 100}), talk.call(1, b"a" * 200))
    talk.calls[0].reply(b"a" * 200)
    assert sum(len(payload) for kind, _, _, payload in talk.frames() if kind == f.DATA) == 100
    talk.send(f.settings({f.INITIAL_WINDOW_SIZE: 10}))
    assert talk.connection.calls[1].window == -90
    talk.send(frame(f.WINDOW_UPDATE, 0, 1, f.LONG.pack(195)))
    assert sum(len(payload) for kind, _, _, payload in talk.frames() if kind == f.DATA) == 105


def test_our_windows_open_as_data_is_taken() -> None:
    talk = begun()
    talk.frames()
    talk.send(talk.head(1))
    for _ in range(20):
        talk.send(frame(f.DATA, 0, 1, bytes(f.FRAME * 60)))
    told = [
        (stream, f.LONG.unpack(payload)[0]) for kind, _, stream, payload in talk.frames() if kind == f.WINDOW_UPDATE
    ]
    assert sum(more for stream, more in told if stream == 1) == 20 * f.FRAME * 60
    assert sum(more for stream, more in told if stream == 0) >= 8 << 20


def test_a_call_that_was_cancelled_is_gone_and_the_connection_goes_on() -> None:
    talk = begun(at_once=False)
    talk.send(talk.call(1, b"x"), frame(f.RST_STREAM, 0, 1, f.LONG.pack(8)), talk.call(3, b"y"))
    assert talk.front.crowd.counts.statuses == {499: 1}
    assert talk.calls[0].gone and not talk.calls[1].gone and talk.front.crowd.held == len(packed(b"y"))
    for call in talk.calls:
        call.reply(b"late")
    assert list(talk.answers()) == [3]


def test_several_messages_and_then_an_error() -> None:
    talk = begun(at_once=False)
    talk.send(talk.call(1, b"x"))
    for message in (b"one", b"two"):
        talk.calls[0].write(message)
    talk.calls[0].refuse(8, "enough, ü")
    sent, fields = talk.answers()[1]
    assert sent == packed(b"one") + packed(b"two")
    assert fields["grpc-status"] == "8" and fields["grpc-message"] == "enough, %C3%BC"


def test_a_method_that_does_not_exist_is_told() -> None:
    talk = begun()
    talk.send(talk.head(1, path="/test/Nothing"), frame(f.DATA, f.END_STREAM, 1, packed(b"x")))
    assert talk.answers()[1][1]["grpc-status"] == "12"


@pytest.mark.parametrize(
    "body", [b"", b"\0\0", struct.pack(">BI", 0, 9) + b"short", struct.pack(">BI", 0, 1) + b"long"]
)
def test_a_message_of_another_length_than_it_says_is_refused(body: bytes) -> None:
    talk = begun()
    talk.send(talk.head(1) + frame(f.DATA, f.END_STREAM, 1, body))
    assert talk.answers()[1][1]["grpc-status"] == "3" and not talk.calls


def test_a_message_beyond_the_limit_is_refused_before_it_is_whole() -> None:
    talk = begun(body=1000)
    talk.send(talk.head(1), frame(f.DATA, 0, 1, bytes(1200)))
    assert talk.answers()[1][1]["grpc-status"] == "8" and talk.front.crowd.held == 0
    talk.send(frame(f.DATA, f.END_STREAM, 1, b"rest"), talk.call(3, b"next"))
    assert talk.answers()[3][0] == packed(b"next")


HEADERS_1 = frame(f.HEADERS, f.END_HEADERS, 1, b"\x83\x86")


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (frame(f.DATA, 0, 1, b"x"), f.PROTOCOL_ERROR),  # of a stream nobody opened
        (frame(f.HEADERS, f.END_HEADERS, 2, b"\x83"), f.PROTOCOL_ERROR),  # not a client's
        (frame(f.HEADERS, f.END_HEADERS, 5, b"\x83\x86") + HEADERS_1, f.STREAM_CLOSED),
        (HEADERS_1 + HEADERS_1, f.PROTOCOL_ERROR),
        (frame(f.HEADERS, f.END_HEADERS, 1, b"\xff\xff\xff\xff\xff\xff"), f.COMPRESSION_ERROR),
        (frame(f.HEADERS, f.END_HEADERS | f.PADDED, 1, b"\xff\x83"), f.PROTOCOL_ERROR),
        (frame(f.HEADERS, 0, 1, b"\x83") + frame(f.PING, 0, 0, bytes(8)), f.PROTOCOL_ERROR),
        (frame(f.CONTINUATION, 0, 1, b"\x83"), f.PROTOCOL_ERROR),
        (frame(f.HEADERS, 0, 1, b"") + 70 * frame(f.CONTINUATION, 0, 1, b""), f.ENHANCE_YOUR_CALM),
        (frame(f.SETTINGS, 0, 0, b"odd"), f.FRAME_SIZE_ERROR),
        (f.settings({f.INITIAL_WINDOW_SIZE: 1 << 31}), f.FLOW_CONTROL_ERROR),
        (f.settings({f.MAX_FRAME_SIZE: 1}), f.PROTOCOL_ERROR),
        (frame(f.WINDOW_UPDATE, 0, 0, f.LONG.pack(0)), f.PROTOCOL_ERROR),
        (frame(f.WINDOW_UPDATE, 0, 0, f.LONG.pack((1 << 31) - 1)), f.FLOW_CONTROL_ERROR),
        (frame(f.PING, 0, 0, b"short"), f.FRAME_SIZE_ERROR),
        (frame(f.RST_STREAM, 0, 9, f.LONG.pack(8)), f.PROTOCOL_ERROR),
        (f.HEAD.pack((2 << 20) << 8, 0, 1), f.FRAME_SIZE_ERROR),
        (1002 * frame(f.SETTINGS, f.ACK, 0), f.ENHANCE_YOUR_CALM),
        (1002 * frame(f.PING, 0, 0, bytes(8)), f.ENHANCE_YOUR_CALM),
    ],
)
def test_what_a_peer_may_not_do_ends_the_connection_with_a_reason(sent: bytes, code: int) -> None:
    talk = begun()
    talk.send(sent)
    assert talk.error() == code and talk.wire.closed


def test_who_opens_calls_to_cancel_them_is_sent_away() -> None:
    talk = begun(at_once=False)
    for stream in range(1, 4100, 2):
        talk.send(talk.head(stream) + frame(f.RST_STREAM, 0, stream, f.LONG.pack(8)))
    assert talk.wire.closed and talk.error() == f.ENHANCE_YOUR_CALM and talk.front.crowd.held == 0


def test_more_calls_at_once_than_there_may_be_are_refused_and_may_come_again() -> None:
    talk = begun(at_once=False)
    talk.send(*[talk.call(stream, b"x") for stream in range(1, 2 * 300, 2)])
    refused = [stream for kind, _, stream, payload in talk.frames() if kind == f.RST_STREAM]
    assert len(talk.calls) == 256 and refused == list(range(513, 600, 2))


def test_who_is_told_of_an_end_may_still_send_what_is_on_its_way() -> None:
    talk = begun()
    talk.connection.warn()
    told = [payload[:4] for kind, _, _, payload in talk.frames() if kind == f.GOAWAY]
    assert told == [f.LONG.pack(f.LARGEST_WINDOW)]
    talk.send(talk.call(1, b"x"))
    assert talk.answers()[1][0] == packed(b"x") and not talk.wire.closed
    talk.connection.end()
    assert talk.wire.closed


def test_at_the_end_no_call_is_lost_and_no_new_one_begun() -> None:
    talk = begun(at_once=False)
    talk.send(talk.call(1, b"x"))
    talk.connection.end()
    talk.send(talk.call(3, b"y"))
    assert not talk.wire.closed and len(talk.calls) == 1
    talk.calls[0].reply(b"x")
    assert talk.wire.closed and talk.answers()[1][0] == packed(b"x")


@given(junk=st.lists(st.one_of(
    st.binary(max_size=50),
    st.builds(frame, st.integers(0, 12), st.integers(0, 255), st.integers(0, 9), st.binary(max_size=30)),
), max_size=12))  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_no_bytes_break_it(junk: list[bytes]) -> None:
    talk = begun()
    talk.send(*junk)
    talk.connection.connection_lost(None)
    assert talk.front.crowd.held == 0 and not talk.front.crowd.connections

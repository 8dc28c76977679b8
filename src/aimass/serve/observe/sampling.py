"""Which requests are looked at, where not all are: a matter of their ids alone, so that logs agree with each other."""

from __future__ import annotations

from zlib import crc32

SPREAD = 2654435761  # 2**32 over the golden ratio: neighbours of a checksum part (Knuth, volume 3, section 6.4)


def sampled(id: str, share: float) -> bool:
    """Whether the request called ID is among the SHARE (0..1) of all that are looked at; also for a larger share."""
    if share >= 1:
        return True
    place = crc32(id.encode("utf-8", "surrogatepass")) * SPREAD & 0xFFFFFFFF
    return (place ^ place >> 16) < share * (1 << 32)

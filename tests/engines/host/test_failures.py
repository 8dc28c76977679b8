"""How long a host that fails waits, and when it is not started any more."""

from aimass.engines.host.failures import FIRST, LONGEST, Failures


def test_each_failure_doubles_the_wait_up_to_a_limit() -> None:
    failures = Failures(20, 100.0, lambda: 0.0)
    waits = [failures.add("why") for _ in range(19)]
    assert waits[:4] == [FIRST, 2 * FIRST, 4 * FIRST, 8 * FIRST]
    assert waits[-1] == LONGEST
    assert failures.add("the last") is None
    assert failures.last == "the last"


def test_failures_long_ago_are_forgotten() -> None:
    now = [0.0]
    failures = Failures(2, 10.0, lambda: now[0])
    assert failures.add("one") == FIRST
    now[0] = 10.5
    assert failures.count() == 0
    assert failures.add("two") == FIRST
    now[0] = 11.0
    assert failures.add("three") is None

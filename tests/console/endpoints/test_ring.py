"""The last hour of figures: what came, when, by version; gaps stay gaps, and nothing grows beyond the hour."""

from __future__ import annotations

from collections.abc import Callable

from aimass.console.endpoints.ring import HOUR, Ring
from aimass.console.endpoints.trouble import troubles
from aimass.console.refusals import Refusal
from aimass.serve.metrics import Counts
from aimass.serve.observe.exposition import exposition
from tests.console.endpoints.test_figures import counts


class Life:
    """A server with two versions of m, and a clock."""

    def __init__(self) -> None:
        self.now, self.silent = 1000.0, False
        self.versions = {"1": counts(version="1"), "2": counts(version="2")}
        self.ring = Ring(self.metrics, lambda: self.now)

    def metrics(self) -> str:
        if self.silent:
            raise Refusal(503, "nobody is there")
        return exposition([*self.versions.values()]).decode()

    def after(self, seconds: float, **answers: tuple[int, int]) -> None:
        """SECONDS later there were ANSWERS: v1=(10, 200) are ten with status 200."""
        for version, (many, status) in answers.items():
            for _ in range(many):
                self.versions[version[1:]].request(status, 0.004)
        self.now += seconds
        self.ring.look()


def test_what_was_before_the_first_look_is_not_news() -> None:
    life = Life()
    life.after(0, v1=(500, 200))
    assert life.ring.figures("m")["answers"] == 0 and life.ring.names() == []
    life.after(5, v1=(10, 200))
    found = life.ring.figures("m")
    assert (found["answers"], found["per_second"]) == (10, 2.0)
    assert 2.5 < found["p99_ms"] <= 5


def test_figures_are_of_the_last_minutes_and_of_a_version() -> None:
    life = Life()
    life.after(0)
    life.after(5, v1=(100, 500))
    for _ in range(60):
        life.after(5, v1=(9, 200), v2=(1, 200))
    assert life.ring.figures("m")["faults"] == 0
    assert life.ring.figures("m", "2")["per_second"] == 0.2
    assert life.ring.figures("m", seconds=HOUR)["faults"] == 100
    assert life.ring.figures("another")["answers"] == 0


def test_a_silent_server_leaves_a_gap_and_what_came_meanwhile_is_counted_over_it() -> None:
    life = Life()
    life.after(0)
    life.silent = True
    for _ in range(3):
        life.after(5, v1=(10, 200))
    life.silent = False
    life.after(5, v1=(10, 200))
    found = life.ring.figures("m")
    assert (found["answers"], found["per_second"]) == (40, 2.0)
    assert len(life.ring.series("m", HOUR, 720)[""]) == 1


def test_a_server_that_began_anew_is_no_negative_rate() -> None:
    life = Life()
    life.after(0, v1=(100, 200))
    life.versions["1"] = Counts("m", "1")
    life.after(5, v1=(5, 200))
    assert life.ring.figures("m")["answers"] == 5


def test_a_version_that_is_unloaded_and_comes_again_is_counted_once() -> None:
    life = Life()
    life.after(0)
    life.after(5, v1=(5, 200), v2=(50, 200))
    gone = life.versions.pop("2")
    life.after(5, v1=(5, 200))
    life.versions["2"] = gone
    life.after(5, v1=(5, 200), v2=(1, 200))
    assert life.ring.figures("m", "2")["answers"] == 51


def test_the_hour_is_all_that_is_kept_in_as_many_points_as_asked() -> None:
    life = Life()
    for _ in range(800):
        life.after(5, v1=(3, 200), v2=(1, 503))
    assert len(life.ring.looks) == 720
    found = life.ring.series("m", HOUR, 60)
    assert set(found) == {"", "1", "2"} and 60 <= len(found[""]) <= 61
    times = [point[0] for point in found[""]]
    assert times == sorted(times)
    assert {point[1] for point in found["1"]} == {0.6} and {point[5] for point in found[""]} == {0.25}


def test_it_looks_by_itself_until_it_is_told_to_stop() -> None:
    life = Life()
    life.ring.every = 0.001
    looked: list[bool] = []
    look: Callable[[], None] = life.ring.look
    life.ring.look = lambda: (looked.append(True), look(), life.ring.over.set() if len(looked) > 2 else None)[0]  # type: ignore[method-assign]
    with life.ring.looking():
        life.ring.over.wait(20)
    assert len(looked) == 3


def test_many_errors_need_somebody_and_few_do_not() -> None:
    life = Life()
    life.after(0)
    life.after(5, v1=(19, 500))
    assert troubles(life.ring) == []
    life.after(5, v1=(30, 200), v2=(2, 400))
    [need] = troubles(life.ring)
    assert need.what == "m: 37% of its answers are errors"
    assert (need.do, need.href) == ("Roll back m", "#/endpoints/m?act=rollback")
    life.after(5, v1=(1000, 200))
    assert troubles(life.ring) == []

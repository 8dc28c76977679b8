"""How many replicas, and what is refused before Ray is asked."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from aimass.cli.main import cli
from aimass.core.errors import InputError
from aimass.serve.ray.scale import TARGET, UNDER_WAY, scaled, wanted


def test_a_number_is_fixed_and_two_are_limits() -> None:
    assert scaled("3") == {"num_replicas": 3}
    limits = scaled("1..4")["autoscaling_config"]
    assert (limits["min_replicas"], limits["max_replicas"], limits["target_ongoing_requests"]) == (1, 4, TARGET)


@pytest.mark.parametrize("text", ["", "0", "-1", "4..1", "0..2", "1..", "two", "1...2", "99999"])
def test_what_is_no_number_of_replicas_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="no number of replicas"):
        scaled(text)


def test_requests_that_came_directly_count_as_those_through_the_proxy() -> None:
    config = SimpleNamespace(get_target_ongoing_requests=lambda: 8.0)
    context = SimpleNamespace(
        total_num_requests=4, aggregated_metrics={UNDER_WAY: {"a": 10.0, "b": 10.0}}, config=config
    )
    assert wanted(context) == (3.0, {})
    context.aggregated_metrics = None
    assert wanted(context) == (0.5, {})


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--replicas", "2"), "--replicas needs --on"),
        (("--on", "rai"), "'rai' is no place for replicas"),
        (("--on", "ray", "--replicas", "0"), "no number of replicas"),
    ],
)
def test_what_cannot_be_is_refused_before_ray_begins(published: Path, words: tuple[str, ...], told: str) -> None:
    done = CliRunner().invoke(cli, ["--workspace", str(published), "serve", "flights", *words])
    assert done.exit_code != 0 and told in f"{done.output} {done.exception}"

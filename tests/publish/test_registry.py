"""Versions never change, aliases move; whoever misspells is told the nearest name."""

from __future__ import annotations

import pytest

from aimass.core.errors import InputError
from aimass.publish.registry import find_release, publish_version


@pytest.fixture
def releases(add):
    return [add("release", **{"release.json": str(number)}) for number in range(3)]


def test_each_release_gets_the_next_number_and_the_alias_moves(workspace, releases) -> None:
    said = [publish_version(workspace, release, "flights") for release in releases]
    assert said == ["flights@1", "flights@2", "flights@3"]
    assert find_release(workspace, "flights")[1] == 3
    for number, release in enumerate(releases, start=1):
        found, version = find_release(workspace, f"flights@{number}")
        assert (found.digest, version) == (release.digest, number)
        assert workspace.get(f"flights@{number}", "release").digest == release.digest


def test_publishing_the_newest_again_keeps_its_number(workspace, releases) -> None:
    assert publish_version(workspace, releases[0], "flights") == "flights@1"
    assert publish_version(workspace, releases[0], "flights", alias="canary") == "flights@1"
    assert find_release(workspace, "flights@canary")[1] == 1


def test_an_older_release_published_again_becomes_a_new_version(workspace, releases) -> None:
    for release in (releases[0], releases[1], releases[0]):
        publish_version(workspace, release, "flights")
    found, version = find_release(workspace, "flights")
    assert (found.digest, version) == (releases[0].digest, 3)


def test_without_an_alias_the_champion_is_meant_not_the_newest(workspace, releases) -> None:
    publish_version(workspace, releases[0], "flights")
    publish_version(workspace, releases[1], "flights", alias="canary")
    assert find_release(workspace, "flights")[1] == 1
    assert find_release(workspace, "flights@canary")[1] == 2


def test_a_champion_moved_back_by_hand_is_served_under_its_own_number(workspace, releases) -> None:
    for release in releases:
        publish_version(workspace, release, "flights")
    workspace.alias("flights@1", "flights@champion")
    found, version = find_release(workspace, "flights")
    assert (found.digest, version) == (releases[0].digest, 1)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("fligths", "did you mean 'flights'"),
        ("flights@9", "no version 9"),
        ("flights@champoin", "did you mean 'champion'"),
        ("flights@", "cannot be a version or alias"),
        ("Flights", "cannot be a name"),
        ("flights@1@2", "cannot be a version or alias"),
    ],
)
def test_an_unknown_name_version_or_alias_is_told_the_nearest(asked, told, workspace, releases) -> None:
    publish_version(workspace, releases[0], "flights")
    publish_version(workspace, releases[1], "flights-2")
    with pytest.raises(InputError, match=told) as caught:
        find_release(workspace, asked)
    assert caught.value.expected


def test_with_nothing_published_the_answer_says_how_to_publish(workspace) -> None:
    with pytest.raises(InputError, match="no published model is called 'flights'") as caught:
        find_release(workspace, "flights")
    assert "aimass run" in caught.value.todo


def test_an_alias_of_something_never_published_is_refused(workspace, releases, model) -> None:
    publish_version(workspace, releases[0], "flights")
    workspace.alias(model.digest, "flights@odd")
    with pytest.raises(InputError, match="was never published as flights"):
        find_release(workspace, "flights@odd")


def test_only_a_release_becomes_a_version(workspace, model) -> None:
    with pytest.raises(InputError, match="is a model"):
        publish_version(workspace, model, "flights")
    assert workspace.versions() == []


def test_an_alias_that_reads_like_a_version_is_refused(workspace, releases) -> None:
    with pytest.raises(InputError, match="reads like a version"):
        publish_version(workspace, releases[0], "flights", alias="7")
    assert workspace.versions() == []

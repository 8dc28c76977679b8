"""Advice on several ranks: all make each move, what one cannot do none does, and nobody waits for ever."""

from __future__ import annotations

from typing import Any

import pytest

from aimass.runner.gang import Rank
from aimass.train import advised as module
from aimass.train.advised import advised, fingerprint, folder
from aimass.train.advisor.record import Advice
from aimass.train.advisor.session import Refusal, attempt
from aimass.train.agreed import NoTrial
from aimass.train.mirrored import MirroredTrial, Torn
from aimass.train.parallel.single import Single
from tests.train import mirrored_work
from tests.train.test_step import CPU, network, plan_of, ready_of


class Two(Single):
    """Two ranks, as far as one of them can tell."""

    def __init__(self) -> None:
        super().__init__(CPU)
        self.world = 2


def test_what_one_rank_cannot_build_is_refused_by_all_and_the_rest_goes_on(context) -> None:
    found = context("a", workers=2).gang(mirrored_work.experiments)
    assert found[0]["refused"] == "1 of 2 ranks cannot do it"
    assert found[0]["losses"] == pytest.approx(found[0]["alone"], rel=1e-4)  # of the whole batch, on two ranks too
    assert [each["kept"] for each in found] == [True, True]
    assert found[0]["told"] == ["no advice: 1 of 2 ranks cannot do it"]


def test_a_rank_that_fails_inside_a_move_ends_the_run_and_is_no_refusal() -> None:
    class Breaking:
        setup_seconds, peak_bytes = 0.0, 0

        def __init__(self, error: Exception) -> None:
            self.error = error

        def steps(self, count: int) -> None:
            raise self.error

    def tried(error: Exception) -> None:
        trial: Any = Breaking(error)
        attempt(lambda: MirroredTrial(trial, lambda *_, **given: None).steps(1))

    with pytest.raises(Torn, match="steps failed while the other ranks were in it: RuntimeError: no room"):
        tried(RuntimeError("no room"))
    with pytest.raises(Refusal):
        tried(NoTrial("no copy"))


def test_ranks_keep_their_advice_apart_from_that_of_a_single_one(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    def advise(bench: Any, **given: Any) -> Advice:
        asked.append(given)
        return Advice(bench.plan.having(update="foreach"), (), "adopted")

    monkeypatch.setattr(module, "advise", advise)
    job, _ = ready_of(network(), plan_of())
    plan, ledger = advised(9.0, None, print, Rank(0, 2))(job, plan_of(), Two())
    assert plan.update == "foreach" and ledger["verdict"] == "adopted"
    assert asked[0]["folder"] == folder() and asked[0]["key"] == fingerprint(job, plan_of(), 2)


def test_advice_that_cannot_be_had_is_told_to_the_other_ranks_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    def advise(bench: Any, **given: Any) -> Advice:
        raise NoTrial("the network cannot be copied")

    monkeypatch.setattr(module, "advise", advise)
    job, _ = ready_of(network(), plan_of())
    told: list[str] = []
    assert advised(9.0, None, told.append, Rank(0, 2))(job, plan_of(), Two()) == (plan_of(), {})
    assert told == ["no advice: the network cannot be copied"]

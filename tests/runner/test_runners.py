"""Every runner keeps the same promises; the same tasks give the same digests on all of them."""

from __future__ import annotations

import os
import queue
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aimass.core.errors import InputError, StoreError, TaskFailed
from aimass.core.step import Step
from aimass.core.task import Task
from aimass.runner.context import RunContext
from aimass.runner.workspace import Workspace
from tests.runner import chain, gangs

ROOT = str(Path(__file__).parent.parent.parent)


def task_of(step: Step, inputs: dict, **settings: object) -> Task:
    found = step.task(inputs, settings)
    return Task(f"{step.__module__}:{step.name}", found.revision, found.settings, found.inputs, found.seed)


@pytest.fixture(scope="module")
def two_node_cluster() -> Iterator[None]:
    """A Ray cluster of two nodes on this machine."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray = pytest.importorskip("ray", reason="the extra `ray` is not installed")
    from ray.cluster_utils import Cluster

    os.environ["PYTHONPATH"] = os.pathsep.join([ROOT, os.environ.get("PYTHONPATH", "")])
    small = {"num_cpus": 1, "object_store_memory": 80_000_000}
    cluster = Cluster(initialize_head=True, head_node_args={**small, "include_dashboard": False})
    cluster.add_node(**small)
    ray.init(address=cluster.address, log_to_driver=False)
    assert len(ray.nodes()) == 2
    yield
    ray.shutdown()
    cluster.shutdown()


class RunnerContract:
    """What every place to work promises."""

    name = ""
    group = False  # whether the ranks of its gangs talk through torch.distributed too

    @pytest.fixture
    def workspace(self, tmp_path: Path) -> Workspace:
        return Workspace(tmp_path / "w", runner=self.name)

    def test_a_chain_of_tasks_gives_the_known_digests(self, workspace: Workspace) -> None:
        rows = workspace.run(task_of(chain.make, {}, rows=10))
        report = workspace.run(task_of(chain.total, {"dataset": rows.digest}))
        assert report.read_json("report.json") == {"total": 285}
        assert (rows.digest[:12], report.digest[:12]) == ("7004631517fa", "0eae42c2b543")

    def test_live_metrics_arrive_in_the_catalog(self, workspace: Workspace) -> None:
        rows = workspace.run(task_of(chain.make, {}, rows=4))
        workspace.run(task_of(chain.total, {"dataset": rows.digest}))
        run = workspace.runs()[0]["id"]
        assert [point["value"] for point in workspace.metrics(run, "value")] == [0, 1, 5, 14]
        assert workspace.latest(run) == {"value": 14}

    def test_an_error_for_the_user_keeps_its_fields(self, workspace: Workspace) -> None:
        with pytest.raises(InputError) as caught:
            workspace.run(task_of(chain.fail, {}, how="input"))
        assert (caught.value.what, caught.value.expected, caught.value.todo) == ("bad rows", "good rows", "mend them")
        assert workspace.runs()[0]["state"] == "failed"

    def test_an_error_longer_than_a_pipe_arrives_whole(self, workspace: Workspace) -> None:
        with pytest.raises(InputError) as caught:
            workspace.run(task_of(chain.fail, {}, how="long"))
        assert caught.value.what == "x" * 100_000

    def test_numbers_that_are_none_are_left_out_and_hide_no_error(self, workspace: Workspace) -> None:
        with pytest.raises(InputError, match="bad rows"):
            workspace.run(task_of(chain.fail, {}, how="nan"))
        assert workspace.latest(workspace.runs()[0]["id"]) == {"kept": 1}

    def test_a_bug_in_a_body_is_a_failed_task_with_its_traceback_in_the_log(self, workspace: Workspace) -> None:
        with pytest.raises(TaskFailed, match="ValueError: a bug in the body"):
            workspace.run(task_of(chain.fail, {}, how="bug"))
        assert "Traceback" in workspace.logs(workspace.runs()[0]["id"])[0]["text"]

    def test_a_gang_of_two_gives_what_one_rank_gives(self, workspace: Workspace) -> None:
        made = workspace.run(task_of(gangs.counted, {}, rows=11, group=self.group), needs={"workers": 2})
        assert made.read_json("report.json") == {"total": 55}
        assert made.facts == {"rows": 11, "workers": 2}
        run = workspace.runs()[0]["id"]
        assert [point["value"] for point in workspace.metrics(run, "rows")] == [11, 5.5, 11 / 3]
        assert workspace.logs(run)[0]["text"] == "counted"


class IsolatedContract(RunnerContract):
    """Runners outside this process also survive the death of a task."""

    @pytest.mark.parametrize("how", ["kill", "exit"])
    def test_the_death_of_a_task_is_a_failed_task(self, workspace: Workspace, how: str) -> None:
        with pytest.raises(TaskFailed):
            workspace.run(task_of(chain.fail, {}, how=how))
        assert workspace.runs()[0]["state"] == "failed"
        assert workspace.run(task_of(chain.make, {}, rows=2)).facts == {"rows": 2}


class TestInline(RunnerContract):
    name = "inline"


class TestProcesses(IsolatedContract):
    name = "processes"

    def test_a_killed_task_says_which_signal(self, workspace: Workspace) -> None:
        with pytest.raises(TaskFailed, match="SIGKILL"):
            workspace.run(task_of(chain.fail, {}, how="kill"))


@pytest.mark.usefixtures("two_node_cluster")
class TestRay(IsolatedContract):
    name = "ray"
    group = True

    @pytest.mark.slow  # Ray Train starts five processes
    def test_a_gang_of_two_gives_what_one_rank_gives(self, workspace: Workspace) -> None:
        super().test_a_gang_of_two_gives_what_one_rank_gives(workspace)


def test_a_runner_whose_extra_is_missing_says_which(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "aimass.runner.ray", raising=False)
    with pytest.raises(InputError, match="runner 'ray' needs ray, which is not installed"):
        Workspace(tmp_path).run(task_of(chain.make, {}, rows=1), on="ray")


def test_a_full_catalog_at_the_end_does_not_hide_what_the_body_said(tmp_path: Path) -> None:
    class Full:
        def add_metrics(self, run: str, points: list[object]) -> None:
            raise StoreError("full")

    place = {"folder": tmp_path, "resume": tmp_path, "seed": 0, "lake": "", "run": "1"}
    with pytest.raises(InputError, match="bad rows") as caught, RunContext(**place, catalog=Full()):  # type: ignore[arg-type]
        raise InputError("bad rows")
    assert caught.value.__notes__ == ["its last metrics were not kept: full"]
    with pytest.raises(StoreError), RunContext(**place, catalog=Full()):  # type: ignore[arg-type]
        pass


def test_a_figure_is_written_at_once_and_those_that_follow_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = queue.SimpleQueue[list[Any]]()

    class Seen:
        def add_metrics(self, run: str, points: list[Any]) -> None:
            written.put(points)

        def run_row(self, run: str) -> dict[str, str]:
            return {"state": "running"}

    monkeypatch.setattr("aimass.runner.context.CADENCE", 3600.0)
    monkeypatch.setattr("aimass.runner.machine.sampler.SOON", 3600.0)
    place = {"folder": tmp_path, "resume": tmp_path, "seed": 0, "lake": "", "run": "1"}
    with RunContext(**place, catalog=Seen()) as ctx:  # type: ignore[arg-type]
        ctx.report(1, loss=0.5)
        assert written.get(timeout=60) == [("loss", 1, 0.5)]
        ctx.report(2, loss=0.4)
        ctx.report(3, loss=0.3)
    assert written.get(timeout=60) == [("loss", 2, 0.4), ("loss", 3, 0.3)]


def test_an_unknown_runner_suggests_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="did you mean 'processes'"):
        Workspace(tmp_path, runner="process").run(task_of(chain.make, {}, rows=1))

"""Every runner keeps the same promises; the same tasks give the same digests on all of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from aimass.core.errors import InputError, TaskFailed
from aimass.core.step import Step
from aimass.core.task import Task
from aimass.runner.workspace import Workspace
from tests.runner import chain

ROOT = str(Path(__file__).parent.parent.parent)


def task_of(step: Step, inputs: dict, **settings: object) -> Task:
    found = step.task(inputs, settings)
    return Task(f"{chain.HERE}:{step.name}", found.revision, found.settings, found.inputs, found.seed)


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

    def test_a_bug_in_a_body_is_a_failed_task_with_its_traceback_in_the_log(self, workspace: Workspace) -> None:
        with pytest.raises(TaskFailed, match="ValueError: a bug in the body"):
            workspace.run(task_of(chain.fail, {}, how="bug"))
        assert "Traceback" in workspace.logs(workspace.runs()[0]["id"])[0]["text"]


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


def test_an_unknown_runner_suggests_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="did you mean 'processes'"):
        Workspace(tmp_path, runner="process").run(task_of(chain.make, {}, rows=1))

"""What a run's machine does is told while it works, costs it nothing, and ends with it."""

from __future__ import annotations

import ctypes
import os
import queue
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from aimass.core.errors import Stopped, TaskFailed
from aimass.runner.desk import Desk, Line
from aimass.runner.machine import proc, sampler
from aimass.runner.machine.gpus import Gpus, visible
from aimass.runner.machine.look import Look, look
from aimass.runner.machine.sampler import Sampler, due
from aimass.runner.machine.stretch import Stretch, figures
from aimass.runner.workspace import Workspace
from aimass.store.figures import MACHINE, of_machine
from tests.runner import chain
from tests.runner.test_runners import task_of

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
BURN = "import os\nwhile sum(os.times()[:2]) < 0.3: pass"


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks come at once and often."""
    for name, seconds in (("SOON", 0.0), ("EVERY", 0.02), ("SHORTEST", 0.0), ("SHARE", 1.0)):
        monkeypatch.setattr(sampler, name, seconds)


def looking() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "machine"]


@LINUX
def test_a_run_tells_what_its_processes_and_their_machine_do(tmp_path: Path, eager: None) -> None:
    place = Workspace(tmp_path / "w")
    digest = place.run(task_of(chain.labour, {}, folder=str(tmp_path / "w"))).digest
    told = place.curves("1")
    assert {name.removeprefix(MACHINE) for name in told} >= {
        "run_cpu_percent", "cpu_percent", "run_memory_gb", "memory_gb", "read_mb_per_s", "written_mb_per_s",
    }  # fmt: skip
    assert all(of_machine(name) and all(at is None for at, _, _ in curve) for name, curve in told.items())
    most = {name.removeprefix(MACHINE): max(value for _, value, _ in curve) for name, curve in told.items()}
    assert most["run_cpu_percent"] > 0 and most["run_memory_gb"] > 0.01
    assert most["memory_gb"] * 1e9 < os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert place.latest("1") == {} and place.open(digest).facts == {}  # nothing that the step itself said


@pytest.mark.parametrize(
    ("how", "raises"), [("", None), ("bug", TaskFailed), ("interrupt", KeyboardInterrupt), ("stop", Stopped)]
)
@LINUX
def test_nobody_looks_any_more_when_a_run_has_ended_whatever_its_end(
    how: str, raises: type[BaseException] | None, tmp_path: Path, eager: None
) -> None:
    place = Workspace(tmp_path / "w")
    task = task_of(chain.labour, {}, folder=str(tmp_path / "w"), how=how)
    if raises is None:
        place.run(task)
    else:
        with pytest.raises(raises):
            place.run(task)
    assert not looking()


def test_a_run_of_a_moment_is_not_looked_at(tmp_path: Path) -> None:
    looks = queue.SimpleQueue[None]()

    def never() -> Look:
        looks.put(None)
        return look()

    with Sampler(lambda reading: None, look=never):
        assert looking()
    assert not looking() and looks.empty()


def test_where_looking_fails_the_run_is_well_and_its_log_says_so_once(
    tmp_path: Path, eager: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = threading.Event()

    def fails() -> Look:
        failed.set()
        raise PermissionError(13, "Permission denied", "/proc/1/stat")

    monkeypatch.setattr("aimass.runner.context.Sampler", partial(Sampler, look=fails))
    monkeypatch.setattr(chain.Workspace, "metrics", lambda *asked: [{"value": failed.wait(60)}])
    place = Workspace(tmp_path / "w")
    place.run(task_of(chain.labour, {}, folder=str(tmp_path / "w")))
    assert place.runs()[0]["state"] == "finished" and place.curves("1") == {}
    [line] = [line["text"] for line in place.logs("1")]
    assert line == ("what the machine does is not reported any more: "
                    "PermissionError: [Errno 13] Permission denied: '/proc/1/stat'")  # fmt: skip


@LINUX
def test_a_folder_that_does_not_tell_of_this_process_is_no_proc(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="does not tell of process"):
        look(tmp_path)


def test_a_run_of_a_year_is_told_of_three_thousand_times() -> None:
    def points(seconds: float, every: float = 2.0) -> int:
        age = last = count = 0.0
        while age < seconds:
            age += max(every, age / 1000)  # looks, fewer than there are: quick to count, and never more points
            if due(age, age - last):
                last, count = age, count + 1
        return int(count)

    assert points(60) == 30
    assert points(500) == 250
    assert points(86_400) < 2000
    assert points(365 * 86_400) < 3500


@LINUX
def test_what_children_used_is_counted_while_they_live_and_when_they_have_ended() -> None:
    before = look()
    with subprocess.Popen([sys.executable, "-c", f"{BURN}\ninput()"], stdin=subprocess.PIPE) as child:
        while (now := proc.process(child.pid)) and now.seconds < 0.3:
            pass
        living = look()
        assert child.pid in living.pids and living.cpu - before.cpu >= 0.3
        assert set(living.pids) == proc.tree(proc.processes(), os.getpid())
        assert child.stdin is not None
        child.stdin.close()
    ended = look()
    assert child.pid not in ended.pids and ended.cpu >= living.cpu


@LINUX
def test_a_kernel_that_does_not_tell_of_children_is_asked_for_all_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        direct = proc.below(os.getpid())
        monkeypatch.setattr(Path, "exists", lambda path: False)
        assert child.pid in direct and proc.below(os.getpid()) == sorted(direct)


def test_elsewhere_than_on_linux_the_system_tells_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    stretch = Stretch(look(), Gpus())
    stretch.add(stretch.end._replace(clock=stretch.end.clock + 2, cpu=stretch.end.cpu + 1))
    found = figures([stretch.reading()])
    assert found.keys() == {MACHINE + "run_cpu_percent", MACHINE + "run_memory_gb"}
    assert found[MACHINE + "run_cpu_percent"] == pytest.approx(50 / (os.cpu_count() or 1))


def test_a_stretch_holds_the_most_memory_and_the_rates_of_all_its_time() -> None:
    begin = Look(10.0, (1,), 5.0, 100, 0, 1000, 50.0, 9)
    stretch = Stretch(begin, Gpus())
    stretch.add(Look(12.0, (1,), 6.0, 900, 0, 1000, 52.0, 99))
    stretch.add(Look(14.0, (1,), 5.5, 200, 400, 900, 58.0, 9))  # a child was waited for by somebody else
    told = stretch.reading()
    assert (told["cpu"], told["memory"], told["used"]) == (0.125, 900, 99)
    assert (told["read"], told["written"], told["busy"]) == (100.0, 0.0, 2.0)


def test_ranks_add_up_and_what_belongs_to_a_host_counts_once() -> None:
    one = {"host": "a", "cores": 4, "cpu": 1.0, "memory": 1e9, "read": 1e6, "written": None, "busy": 2.0, "used": 8e9,
           "gpus": {"GPU-1": (50.0, 2e9)}}  # fmt: skip
    found = figures([one, {**one, "cpu": 2.0}, {**one, "host": "b", "busy": 6.0, "gpus": {"GPU-2": (100.0, 4e9)}}])
    assert {name.removeprefix(MACHINE): value for name, value in found.items()} == {
        "run_cpu_percent": 50.0, "cpu_percent": 100.0, "run_memory_gb": 3.0, "memory_gb": 16.0, "read_mb_per_s": 3.0,
        "gpu_percent": 75.0, "gpu_memory_gb": 6.0,
    }  # fmt: skip


def test_a_desk_hears_what_the_machine_of_a_rank_does_until_the_rank_is_gone() -> None:
    heard = queue.SimpleQueue[Any]()
    ctx: Any = None
    with Desk(ctx, 2, hear=lambda rank, told: heard.put((rank, told))) as desk:
        line = Line(desk.address, 1)
        assert line.ask("machine", value={"host": "b"}) is None
        assert heard.get(timeout=60) == (1, {"host": "b"})
        line.close()
        assert heard.get(timeout=60) == (1, None)


# -- GPUs -----------------------------------------------------------------------------------------------------


class Driver:
    """NVIDIA's library with two devices, as C sees it."""

    def __init__(self, answer: int = 0) -> None:
        self.answer = answer

    def nvmlInit_v2(self) -> int:
        return self.answer

    def nvmlDeviceGetCount_v2(self, count: Any) -> int:
        count._obj.value = 2
        return 0

    def nvmlDeviceGetHandleByIndex_v2(self, index: int, device: Any) -> int:
        device._obj.value = index + 1
        return 0

    def nvmlDeviceGetUUID(self, device: ctypes.c_void_p, uuid: Any, size: int) -> int:
        uuid.value = f"GPU-{device.value}".encode()
        return 0

    def nvmlDeviceGetUtilizationRates(self, device: ctypes.c_void_p, busy: Any) -> int:
        busy._obj.gpu = 40 * (device.value or 0)
        return 0

    def nvmlDeviceGetMemoryInfo(self, device: ctypes.c_void_p, memory: Any) -> int:
        memory._obj.used = 10**9
        return 0


@pytest.fixture
def opened(tmp_path: Path) -> Path:
    """A /proc in which process 7 has opened a device, and process 8 none."""
    for pid, file in ((7, "/dev/nvidia0"), (8, "/dev/nvidiactl")):
        (tmp_path / str(pid) / "fd").mkdir(parents=True)
        (tmp_path / str(pid) / "fd" / "3").symlink_to(file)
    return tmp_path


def test_gpus_are_told_of_from_when_a_process_of_the_run_has_opened_one(
    opened: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    asked: list[str] = []
    gpus = Gpus(opened, opened, lambda name: asked.append(name) or Driver())
    assert gpus.look([8, 99]) == {} and not asked
    assert gpus.look([7]) == {"GPU-1": (40.0, 10**9), "GPU-2": (80.0, 10**9)}
    assert gpus.look([8]) != {} and asked == ["libnvidia-ml.so.1"]


def test_a_driver_that_does_not_answer_is_asked_once(opened: Path) -> None:
    asked: list[str] = []
    gpus = Gpus(opened, opened, lambda name: asked.append(name) or Driver(answer=9))
    assert gpus.look([7]) == gpus.look([7]) == {} and len(asked) == 1
    assert Gpus(opened, opened / "none").look([7]) == {}


@pytest.mark.parametrize(("said", "left"), [(None, "abc"), ("", ""), ("1", "b"), ("2, 0", "ac"), ("GPU-b", "b")])
def test_only_gpus_that_the_run_may_see_are_its(said: str | None, left: str) -> None:
    assert "".join(visible({f"GPU-{name}": name for name in "abc"}, said).values()) == left

"""A model in a process of its own: it answers as it would here, and what it does there harms nobody."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from aimass.core.errors import InputError, TaskFailed
from aimass.core.part import resolve
from aimass.engines.base import Died, Engine
from aimass.engines.host import Hosted, Limits
from aimass.engines.onnxruntime import OnnxRuntime
from tests.engines.host.conftest import GUESTS, alive, leftovers, wait_until
from tests.engines.test_onnxruntime import ROWS, model  # noqa: F401  # a fixture

Make = Callable[..., Hosted]
TWO = {"a": np.array([1.0, 2.0])}


class TestAnswers:
    def test_they_are_those_of_the_engine_in_this_process(self, model: Path) -> None:  # noqa: F811
        here = OnnxRuntime().load(model)
        with Hosted(OnnxRuntime(), model) as hosted:
            for rows in (0, 1, 2):
                columns = {name: array[:rows] for name, array in ROWS.items()}
                expected, found = here(columns), hosted(columns)
                assert found.keys() == expected.keys()
                for name, array in expected.items():
                    assert found[name].dtype == array.dtype
                    assert found[name].tolist() == array.tolist()

    def test_what_the_engine_refuses_is_refused_in_its_words(self, model: Path) -> None:  # noqa: F811
        wrong = {**ROWS, "a": np.zeros((2, 2))}
        with pytest.raises(InputError) as here:
            OnnxRuntime().load(model)(wrong)
        with Hosted(OnnxRuntime(), model) as hosted, pytest.raises(InputError) as there:
            hosted(wrong)
        assert there.value.as_json() == here.value.as_json()

    def test_every_type_and_size_comes_back(self, host: Make) -> None:
        columns = {
            "bool": np.array([True, False]),
            "int64": np.array([-(1 << 63), (1 << 63) - 1]),
            "float16": np.array([[1.5, np.nan]], np.float16),
            "image": np.random.default_rng(0).random((300, 3, 64, 64), np.float32),  # 15 MB
            "none": np.empty((0, 7), np.int32),
            "text": np.array([["", "é\0x"], ["\ud800", "x" * 100_000]], dtype=object),
        }
        hosted = host("Echo")
        for _ in range(2):
            found = hosted(columns)
            for name, array in columns.items():
                np.testing.assert_array_equal(found[name], array)

    def test_they_are_the_callers_own(self, host: Make) -> None:
        hosted = host("Echo")
        first = hosted({"a": np.array([1.0])})
        hosted({"a": np.array([2.0])})
        assert first["a"].tolist() == [1.0]

    def test_callers_of_many_threads_get_their_own(self, host: Make) -> None:
        hosted, wrong = host("Echo"), []

        def ask(number: int) -> None:
            for i in range(50):
                value = np.full(number + 1, 1000 * number + i)
                if hosted({"a": value})["a"].tolist() != value.tolist():
                    wrong.append(number)

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []

    def test_what_does_not_fit_is_refused_and_the_process_goes_on(self, host: Make) -> None:
        hosted = host("Echo", room_mb=2.0)
        pid = hosted.pid
        with pytest.raises(InputError, match=r"8\.0 MB in one call"):
            hosted({"a": np.zeros(1_000_000)})
        assert hosted(TWO)["a"].tolist() == [1.0, 2.0]
        assert hosted.pid == pid

    def test_the_host_is_an_engine_like_the_others(self, model: Path) -> None:  # noqa: F811
        engine = resolve("engine", "host").from_settings(
            {"use": "host", "engine": {"use": "onnxruntime", "threads": 2}, "limits": {"nice": 1}}
        )
        assert isinstance(engine, Engine)
        again = Engine.from_settings(engine.settings())
        assert again == engine
        predict = again.load(model)
        assert predict(ROWS)["value"].tolist() == [2.5, 4.0]
        predict.close()  # type: ignore[attr-defined]


class TestTheProcess:
    def test_twenty_kills_while_calling_give_right_answers_or_one_clean_error(self, host: Make) -> None:
        hosted, died, killed = host("Wicked", {"on": -1}, window=0.1), 0, 0
        done = threading.Event()

        def kill() -> None:
            nonlocal killed
            while killed < 20:
                time.sleep(0.02)
                if pid := hosted.pid:
                    os.kill(pid, signal.SIGKILL)
                    killed += 1
                    wait_until(lambda before=pid: hosted.pid not in (None, before))
            done.set()

        killer = threading.Thread(target=kill)
        killer.start()
        number = 0
        while not done.is_set():
            number += 1
            try:
                assert hosted({"a": np.array([number])})["a"].tolist() == [2 * number]
            except Died as error:
                died += 1
                assert "SIGKILL" in error.what
        killer.join()
        assert died <= killed == 20
        assert hosted(TWO)["a"].tolist() == [2.0, 4.0]
        assert hosted.starts == 21

    def test_it_has_its_limits_and_not_our_secrets(self, host: Make, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AIMASS_SECRET", "hunter2")
        hosted = host("Facts", nice=7, cores=1)
        answer = hosted({})
        nice, cores, helper = answer["numbers"].tolist()
        assert (answer["secret"].tolist(), nice - os.nice(0), cores) == ([""], 7, 1)
        hosted.close()
        wait_until(lambda: not alive(helper))

    def test_it_is_gone_when_closed_and_nothing_is_left(self, host: Make) -> None:
        before = leftovers()
        hosted = host("Echo")
        hosted(TWO)
        pid = hosted.pid
        assert len(leftovers()) > len(before)
        hosted.close()
        assert not alive(pid or 0)
        assert leftovers() == before
        with pytest.raises(Died, match="not running"):
            hosted(TWO)
        assert hosted.start()(TWO)["a"].tolist() == [1.0, 2.0]

    def test_it_is_gone_when_nobody_can_call_it(self, tmp_path: Path) -> None:
        hosted = Hosted(resolve("engine", f"{GUESTS}:Echo")(), tmp_path).start()  # type: ignore[arg-type]
        pid = hosted.pid or 0
        assert alive(pid)
        del hosted
        wait_until(lambda: not alive(pid))

    def test_it_dies_with_its_parent(self, tmp_path: Path) -> None:
        script = (
            "import sys, time; from pathlib import Path; from aimass.core.part import resolve\n"
            "from aimass.engines.host import Hosted\n"
            f"h = Hosted(resolve('engine', '{GUESTS}:Echo')(), Path(sys.argv[1])).start()\n"
            "print(h.pid, flush=True); time.sleep(60)"
        )
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        command = [sys.executable, "-c", script, str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as parent:
            assert parent.stdout is not None
            pid = int(parent.stdout.readline())
            assert alive(pid)
            parent.kill()
        wait_until(lambda: not alive(pid))

    def test_closing_it_ends_a_call_under_way(self, host: Make) -> None:
        hosted = host("Wicked", {"how": "sleep"})
        closing = threading.Timer(0.2, hosted.close)
        closing.start()
        with pytest.raises(Died):
            hosted(TWO)
        closing.join()
        assert hosted.state == "stopped"


class TestFailures:
    def test_exit_at_load_is_one_error_with_its_last_words_and_nothing_runs(self, host: Make) -> None:
        hosted = host("Wicked", {"at_load": "exit"}, start=False)
        with pytest.raises(TaskFailed, match=r"exited with code 3; its last lines:\n +no more of this"):
            hosted.start()
        assert (hosted.state, hosted.pid, hosted.starts) == ("stopped", None, 1)

    def test_what_raises_at_load_is_told(self, host: Make, tmp_path: Path) -> None:
        with pytest.raises(TaskFailed, match="RuntimeError: bad weather"):
            host("Wicked", {"at_load": "fail"})
        with pytest.raises(InputError, match="does not exist"):
            Hosted(OnnxRuntime(), tmp_path).start()

    def test_one_that_is_not_ready_in_time_is_ended(self, host: Make) -> None:
        with pytest.raises(TaskFailed, match="was not ready after 1 s"):
            host("Wicked", {"at_load": "sleep"}, load_seconds=1.0)

    def test_exit_on_a_later_call_is_one_error_and_it_is_back(self, host: Make) -> None:
        hosted = host("Wicked", {"on": 100})
        for _ in range(99):
            assert hosted(TWO)["a"].tolist() == [2.0, 4.0]
        with pytest.raises(Died, match="exited with code 3"):
            hosted(TWO)
        assert hosted(TWO)["a"].tolist() == [2.0, 4.0]
        facts = hosted.health()["host"]
        assert (facts["state"], facts["failures"], facts["last_failure"]) == (
            "ready", 1, "its process exited with code 3",
        )  # fmt: skip

    @pytest.mark.parametrize(
        ("how", "why"),
        [("sleep", r"gave no answer in 0.3 s"), ("spin", r"gave no answer in 0.3 s"), ("crash", "killed by SIGSEGV"),
         ("lie", "cannot be read"), ("boast", "cannot be read"), ("stammer", "cannot be read")],
    )  # fmt: skip
    def test_each_failure_is_one_clean_error_and_the_second_means_quarantine(
        self, host: Make, how: str, why: str
    ) -> None:
        hosted = host("Wicked", {"how": how}, seconds=0.3 if how in ("sleep", "spin") else 20.0, failures=2)
        with pytest.raises(Died, match=why):
            hosted(TWO)
        wait_until(lambda: hosted.state == "ready")
        with pytest.raises(Died, match=why):
            hosted(TWO)
        wait_until(lambda: hosted.state == "quarantined")
        with pytest.raises(Died, match=f"in quarantine: 2 failures in 300 s, the last: its process .*{why}"):
            hosted(TWO)
        assert hosted.health()["host"]["state"] == "quarantined"

    def test_one_in_quarantine_is_started_when_asked_to(self, host: Make) -> None:
        hosted = host("Wicked", {"on": 2}, failures=1)
        hosted(TWO)
        with pytest.raises(Died):
            hosted(TWO)
        wait_until(lambda: hosted.state == "quarantined")
        assert hosted.start()(TWO)["a"].tolist() == [2.0, 4.0]
        assert hosted.health() == {}

    def test_one_that_has_served_is_tried_again_at_load_and_then_no_more(self, host: Make) -> None:
        hosted = host("Wicked", {"at_load": "exit later"}, failures=3)
        with pytest.raises(Died):
            hosted(TWO)
        wait_until(lambda: hosted.state == "quarantined")
        assert hosted.starts == 3

    def test_memory_that_is_asked_for_at_once_is_refused_there(self, host: Make) -> None:
        hosted = host("Wicked", {"how": "allocate"}, memory_mb=200.0)
        with pytest.raises(TaskFailed, match="ran out of memory"):
            hosted(TWO)
        wait_until(lambda: hosted.starts == 2)

    def test_memory_that_grows_is_seen(self, host: Make) -> None:
        hosted = host("Wicked", {"how": "grow"}, memory_mb=200.0)
        with pytest.raises(Died, match=r"held \d+ MB of the 200 MB"):
            hosted(TWO)

    def test_an_exception_of_the_model_is_told_and_its_process_lives(self, host: Make) -> None:
        hosted = host("Wicked", {"how": "fail"})
        pid = hosted.pid
        with pytest.raises(TaskFailed, match="RuntimeError: bad weather"):
            hosted(TWO)
        assert hosted(TWO)["a"].tolist() == [2.0, 4.0]
        assert hosted.pid == pid
        assert hosted.health() == {}

    def test_limits_are_checked_as_every_setting(self) -> None:
        with pytest.raises(InputError, match="seconds must lie in"):
            Limits.from_settings({"seconds": 0})

"""Lanes as real processes: they train, fail and die without taking the run along."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from threading import Event

import numpy as np
import psutil
import pytest

from gyropilot.engine.algorithms.catalogue import find_algorithms
from gyropilot.engine.budget import Deadline
from gyropilot.engine.contracts import LaneDied, Plan, read_part
from gyropilot.engine.data.store import read_training_data, write_training_data
from gyropilot.engine.errors import LaneError
from gyropilot.engine.lanes import forking, local
from gyropilot.engine.lanes.forking import find_nursery
from gyropilot.engine.lanes.imports import import_libraries
from gyropilot.engine.lanes.local import LocalLanes
from gyropilot.engine.lanes.memory import choose_limit, measure_processes
from gyropilot.engine.lanes.messages import Advance, Advanced, Begin, Failed, Open, Opened, Ready
from gyropilot.engine.lanes.outcomes import Began, GaveUp, Outcome, Trained
from gyropilot.engine.lanes.stages import OneStage
from gyropilot.engine.lanes.training import Limits, Training
from gyropilot.engine.task import ProblemType
from gyropilot.testing.algorithms import FOLDS, make_data

PARAMETERS = {"learning_rate": 0.1, "num_leaves": 7, "min_data_in_leaf": 5}
PLAN = Plan(id="c01", algorithm="lightgbm", parameters=PARAMETERS, seed=1)
ENDLESS = Plan(id="c00", algorithm="lightgbm", parameters={**PARAMETERS, "learning_rate": 1e-6}, seed=1)


@pytest.fixture
def data_folder(tmp_path: Path) -> Path:
    write_training_data(make_data(ProblemType.BINARY), tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def lanes(tmp_path: Path) -> Iterator[LocalLanes]:
    lanes = LocalLanes(2, tmp_path / "lanes", ["lightgbm"])
    yield lanes
    lanes.close()


def hear(lanes: LocalLanes) -> tuple[int, object]:
    received = lanes.receive(60)
    assert received is not None
    return received


def train(lanes: LocalLanes, data: Path, folder: Path, plans: Sequence[Plan], limits: Limits) -> Iterator[Outcome]:
    waiting = iter(plans)
    return Training(
        lanes=lanes,
        data_folder=data,
        candidates_folder=folder,
        next_plan=lambda: next(waiting, None),
        referee=OneStage(FOLDS),
        check_rows=[0, 1, 2],
        limits=limits,
    ).run()


def limits(seconds: float | None = None, *, stop: Event | None = None, per_candidate: float | None = None) -> Limits:
    return Limits(
        deadline=Deadline.after(seconds),
        reserve=lambda: 0.0,
        seconds_per_candidate=per_candidate,
        stop=stop or Event(),
    )


def test_stored_data_is_the_same(data_folder: Path) -> None:
    written, read = make_data(ProblemType.BINARY), read_training_data(data_folder)
    for name in ("features", "codes", "target", "weights", "folds"):
        np.testing.assert_array_equal(getattr(read, name), getattr(written, name))
    assert all((one == other).all() for one, other in zip(read.borders, written.borders, strict=True))
    assert not read.features.flags.writeable


def test_failing_fit_costs_the_fit_and_not_the_lane(lanes: LocalLanes, data_folder: Path) -> None:
    lanes.send(0, Open(str(data_folder)))
    lanes.send(0, Begin("a.0", "lightgbm", {"num_leaves": -3}, 0, 1))
    lanes.send(0, Begin("b.0", "lightgbm", dict(PARAMETERS), 0, 1))
    lanes.send(0, Advance("b.0", 3, 10.0))
    heard = [hear(lanes) for _ in range(6)]
    answers = [answer for lane, answer in heard if lane == 0]
    assert isinstance(answers[0], Ready)
    assert isinstance(answers[1], Opened)
    assert isinstance(answers[2], Failed)
    assert "num_leaves" in answers[2].reason
    assert isinstance(answers[-1], Advanced)
    assert len(answers[-1].losses) == 3


@pytest.mark.parametrize("can_fork", [True, False])
def test_killed_lane_is_told_and_can_be_restarted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, can_fork: bool
) -> None:
    monkeypatch.setattr(local, "CAN_FORK", can_fork)
    with closing(LocalLanes(2, tmp_path / "lanes", ())) as lanes:
        assert {hear(lanes)[0], hear(lanes)[0]} == {0, 1}
        os.kill(lanes.pids[1], signal.SIGKILL)
        lane, answer = hear(lanes)
        assert lane == 1
        assert isinstance(answer, LaneDied)
        assert "SIGKILL" in answer.words
        lanes.restart(1)
        assert hear(lanes) == (1, Ready())


def test_death_is_told_although_the_logs_are_gone(tmp_path: Path) -> None:
    with closing(LocalLanes(1, tmp_path / "lanes", ())) as lanes:
        assert hear(lanes) == (0, Ready())
        shutil.rmtree(tmp_path / "lanes")
        os.kill(lanes.pids[0], signal.SIGKILL)
        _, answer = hear(lanes)
        assert isinstance(answer, LaneDied)
        assert "SIGKILL" in answer.words
        assert "lane-0.log" in answer.words


def test_nursery_has_no_threads(tmp_path: Path) -> None:
    modules = [module for each in find_algorithms(()) if not each.abilities.extra for module in each.abilities.modules]
    with closing(LocalLanes(1, tmp_path / "lanes", modules)) as lanes:
        assert hear(lanes) == (0, Ready())
        assert psutil.Process(find_nursery().pid).num_threads() == 1
        assert psutil.Process(lanes.pids[0]).ppid() == find_nursery().pid


def test_lanes_end_with_their_nursery(lanes: LocalLanes) -> None:
    assert {hear(lanes)[0], hear(lanes)[0]} == {0, 1}
    os.kill(find_nursery().pid, signal.SIGKILL)
    for _ in range(2):
        answer = hear(lanes)[1]
        assert isinstance(answer, LaneDied)
        assert "starts the lanes ended with code -9" in answer.words
    lanes.restart(0)
    assert hear(lanes) == (0, Ready())


def test_lanes_end_with_the_program(tmp_path: Path) -> None:
    program = f"""
import os, pathlib, signal
from gyropilot.engine.lanes.forking import find_nursery
from gyropilot.engine.lanes.local import LocalLanes
lanes = LocalLanes(2, pathlib.Path({str(tmp_path)!r}), ())
print(*lanes.pids, find_nursery().pid, flush=True)
input()
os.kill(os.getpid(), signal.SIGKILL)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        processes = [psutil.Process(int(number)) for number in running.stdout.readline().split()]
        assert len(processes) == 3
        running.communicate(b"\n")
    assert running.returncode == -signal.SIGKILL
    assert psutil.wait_procs(processes, timeout=30)[1] == []


def test_library_that_cannot_be_imported_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_library.py").write_text("raise OSError('libmissing.so.1 is not there')")
    monkeypatch.syspath_prepend(tmp_path)
    for _ in range(2):
        with pytest.raises(ImportError, match=r"broken_library cannot be imported: OSError: libmissing\.so\.1 is not"):
            import_libraries(["json", "broken_library"])


def test_lane_without_a_library_is_ready_for_others(tmp_path: Path, data_folder: Path) -> None:
    with closing(LocalLanes(1, tmp_path / "lanes", ["gyropilot.no_such_module"])) as lanes:
        outcomes = list(train(lanes, data_folder, tmp_path / "c", [PLAN], limits()))
    assert [type(outcome) for outcome in outcomes] == [Began, Trained]


def test_training_stores_every_fold(lanes: LocalLanes, data_folder: Path, tmp_path: Path) -> None:
    outcomes = list(train(lanes, data_folder, tmp_path / "c", [PLAN], limits()))
    assert outcomes[0] == Began(plan=PLAN)
    trained = outcomes[1]
    assert isinstance(trained, Trained)
    data = read_training_data(data_folder)
    for fold, path in enumerate(trained.paths):
        assert np.load(f"{path}-validation.npy").shape == (len(data.validation_rows(fold)), 1)
        assert np.load(f"{path}-check.npy").shape == (3, 1)
        read_part(Path(f"{path}.npz"))
    assert 1 <= trained.steps < 4000


def test_lanes_are_started_anew_for_what_needs_more_libraries(data_folder: Path, tmp_path: Path) -> None:
    parameters = {"strongest": 0.01, "weakest": 1.0, "penalties": 2}
    first = Plan(id="c00", algorithm="linear-learner", parameters=parameters, seed=1)
    with closing(LocalLanes(2, tmp_path / "lanes", ["scipy.optimize"])) as lanes:
        early = lanes.pids
        assert all(lanes.is_ready_for(lane, "lightgbm") for lane in (0, 1))  # which is imported when it is begun
        lanes.expect(["scipy.optimize", "lightgbm"])
        assert not any(lanes.is_ready_for(lane, "lightgbm") for lane in (0, 1))
        assert all(lanes.is_ready_for(lane, "linear-learner") for lane in (0, 1))
        outcomes = train(lanes, data_folder, tmp_path / "c", [first, PLAN], limits(120))
        assert [(type(outcome), outcome.plan.id) for outcome in outcomes] == [
            (Began, "c00"),
            (Trained, "c00"),
            (Began, "c01"),
            (Trained, "c01"),
        ]
        assert set(early).isdisjoint(lanes.pids)
        assert all(lanes.is_ready_for(lane, "lightgbm") for lane in (0, 1))


def test_failing_candidate_leaves_the_others(lanes: LocalLanes, data_folder: Path, tmp_path: Path) -> None:
    bad = Plan(id="c00", algorithm="lightgbm", parameters={"num_leaves": -3}, seed=1)
    outcomes = list(train(lanes, data_folder, tmp_path / "c", [bad, PLAN], limits()))
    failures = [outcome for outcome in outcomes if isinstance(outcome, GaveUp)]
    assert [(failure.plan.id, failure.was_stopped) for failure in failures] == [("c00", False)]
    assert [outcome.plan.id for outcome in outcomes if isinstance(outcome, Trained)] == ["c01"]


def test_dead_lane_costs_what_it_was_at_work_on(lanes: LocalLanes, data_folder: Path, tmp_path: Path) -> None:
    plans = [Plan(id=f"c{number:02d}", algorithm="lightgbm", parameters=PARAMETERS, seed=1) for number in range(3)]
    outcomes = []
    for outcome in train(lanes, data_folder, tmp_path / "c", plans, limits()):
        outcomes.append(outcome)
        if isinstance(outcome, Began) and outcome.plan.id == "c01":
            os.kill(lanes.pids[0], signal.SIGKILL)
    given_up = [outcome for outcome in outcomes if isinstance(outcome, GaveUp)]
    trained = [outcome for outcome in outcomes if isinstance(outcome, Trained)]
    assert len(given_up) <= 1
    assert all("process died" in outcome.reason and "SIGKILL" in outcome.reason for outcome in given_up)
    assert len(trained) == len(plans) - len(given_up)
    assert len({outcome.steps for outcome in trained}) == 1  # what was lost is trained anew, to the same model


def test_candidate_that_takes_too_much_memory_is_given_up(lanes: LocalLanes, data_folder: Path, tmp_path: Path) -> None:
    pids = lanes.pids
    limit = replace(limits(), memory_bytes=1)
    later = replace(ENDLESS, id="c02")
    outcomes = list(train(lanes, data_folder, tmp_path / "c", [ENDLESS, later], limit))
    given_up = [outcome for outcome in outcomes if isinstance(outcome, GaveUp)]
    assert {outcome.plan.id for outcome in given_up} == {"c00", "c02"}
    assert not any(outcome.was_stopped for outcome in given_up)
    assert "of memory; the limit is 0.00 GiB" in given_up[0].reason + given_up[1].reason
    assert set(pids).isdisjoint(lanes.pids)


def test_memory_of_processes_is_measured() -> None:
    held = bytearray(os.urandom(2**24))
    measured = [measure_processes([os.getpid()], limit) for limit in (0, 2**50)]
    assert all(len(held) < each < psutil.Process().memory_info().rss * 1.1 for each in measured)
    limit = choose_limit()
    assert limit is not None
    assert 0 < limit < psutil.virtual_memory().total


def test_deadline_keeps_what_was_trained(lanes: LocalLanes, data_folder: Path, tmp_path: Path) -> None:
    list(train(lanes, data_folder, tmp_path / "c", [PLAN], limits()))  # the library is imported now
    outcomes = list(train(lanes, data_folder, tmp_path / "c", [ENDLESS], limits(6)))
    assert [type(outcome) for outcome in outcomes] == [Began, Trained]


def test_limit_of_a_candidate_keeps_what_was_trained(lanes: LocalLanes, data_folder: Path, tmp_path: Path) -> None:
    outcomes = list(train(lanes, data_folder, tmp_path / "c", [ENDLESS, PLAN], limits(per_candidate=4)))
    assert {outcome.plan.id for outcome in outcomes if isinstance(outcome, Trained)} == {"c00", "c01"}


def test_stop_begins_nothing_more(lanes: LocalLanes, data_folder: Path, tmp_path: Path) -> None:
    stop = Event()
    plans = [Plan(id=f"c{number:02d}", algorithm="lightgbm", parameters=PARAMETERS, seed=1) for number in range(20)]
    trained = 0
    for outcome in train(lanes, data_folder, tmp_path / "c", plans, limits(stop=stop)):
        trained += isinstance(outcome, Trained)
        if trained:
            stop.set()
    assert 1 <= trained <= 4


def test_lanes_that_never_live_are_told(tmp_path: Path, data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho no Python here >&2\nexit 3\n")
    broken.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(broken))
    monkeypatch.setattr(forking, "_nurseries", [])
    with (
        closing(LocalLanes(1, tmp_path / "lanes", ())) as lanes,
        pytest.raises(LaneError, match=r"ended with code 3\. no Python here"),
    ):
        list(train(lanes, data_folder, tmp_path / "c", [PLAN], limits()))

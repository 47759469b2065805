from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from benchmarks.children import Outcome, run_child


def run_python(code: str, folder: Path, limit_seconds: float = 30.0) -> Outcome:
    cores = sorted(os.sched_getaffinity(0))[:1]
    command = [sys.executable, "-c", code]
    return run_child(command, folder=folder, environment=os.environ, cores=cores, limit_seconds=limit_seconds)


def test_memory_of_what_it_starts_is_counted(tmp_path: Path) -> None:
    child = "import time; held = bytearray(120_000_000); time.sleep(1)"
    outcome = run_python(f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])", tmp_path)
    assert outcome.failure == ""
    assert outcome.peak_memory_bytes > 120_000_000


def test_it_has_the_cores_that_it_is_given(tmp_path: Path) -> None:
    assert run_python("import os; print(len(os.sched_getaffinity(0)))", tmp_path).last_words == "1"


def test_a_crash_leaves_its_last_words(tmp_path: Path) -> None:
    outcome = run_python("raise SystemExit('out of luck')", tmp_path)
    assert outcome.failure == "ended with 1: out of luck"


def test_what_lasts_too_long_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    child = "import pathlib, time; time.sleep(3); pathlib.Path('alive').touch()"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}], start_new_session=True)"
    outcome = run_python(code, tmp_path, limit_seconds=1.0)
    assert outcome.was_killed
    assert outcome.failure.startswith("killed after")
    assert outcome.wall_seconds < 3
    assert not (tmp_path / "alive").exists()


def test_daemons_that_lost_their_parent_do_not_outlive_it(tmp_path: Path) -> None:
    daemon = "import pathlib, time; time.sleep(2); pathlib.Path('alive').touch()"
    code = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {daemon!r}], start_new_session=True)"
    assert run_python(code, tmp_path).failure == ""
    time.sleep(2.5)
    assert not (tmp_path / "alive").exists()

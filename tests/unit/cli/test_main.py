from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest

from gyropilot import __version__
from gyropilot.cli import main
from gyropilot.cli.main import COMMANDS


def run(*arguments: str) -> int | str | None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    return caught.value.code


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there_and_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert isinstance(getattr(import_module(COMMANDS[name][0]), name), click.Command)
    assert run(name, "--help") == 0
    assert f"Usage: gyropilot {name}" in capsys.readouterr().out


def test_the_help_lists_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    out = capsys.readouterr().out
    assert all(name in out for name in COMMANDS)


def test_tells_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("version") == 0
    assert capsys.readouterr().out == f"gyropilot {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nonsense",), "No such command 'nonsense'"),
        (("fit", "--target", "y"), "Missing argument 'FILE...'"),
        (("fit", "nowhere.csv", "--target", "y"), "File 'nowhere.csv' does not exist"),
        (("fit", __file__), "Missing option '--target'"),
        (("fit", __file__, "--target", "y", "--max-runtime", "0"), "'--max-runtime'"),
        (("fit", __file__, "--target", "y", "--objective", "speed"), "'--objective'"),
        (("serve", "--port", "70000"), "'--port'"),
        (("describe",), "Missing argument 'JOB'"),
    ],
)
def test_wrong_usage_ends_with_2(arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*arguments) == 2
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.out == ""


def test_a_failure_is_one_line_and_ends_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "a.csv"
    table.write_text("x,y\n1,2\n")
    assert run("fit", str(table), "--target", "z") == 1
    assert capsys.readouterr().err == f"Error: {table} has no column 'z'. It has: x, y.\n"


def test_a_server_that_is_not_there_is_a_failure_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {
        "GYROPILOT_HOME": str(tmp_path),
        "GYROPILOT_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
    }.items():
        monkeypatch.setenv(name, value)
    assert run("jobs") == 1
    error = capsys.readouterr().err
    assert error.startswith("Error: The server does not answer")
    assert "Traceback" not in error


def test_help_needs_neither_boto_nor_rich() -> None:
    code = "import sys\nfrom gyropilot.cli import main\ntry: main(['fit', '--help'])\nexcept SystemExit: pass\n"
    code += "print(sorted({'boto3', 'botocore', 'rich', 'numpy', 'urllib3'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"

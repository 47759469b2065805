from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import click
import pytest

from gyropilot import __version__
from gyropilot.cli import main
from gyropilot.cli.durations import Duration
from gyropilot.cli.frame import Command
from gyropilot.cli.main import COMMANDS, SECTIONS, cli


def run(*arguments: str) -> int | str | None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    return caught.value.code


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there_and_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert isinstance(getattr(import_module(f"gyropilot.cli.{name}"), name), click.Command)
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
        (("fti",), "No such command 'fti'. Did you mean 'fit'?"),
        (("fit", __file__, "--targe", "y"), "'--target'"),
        (("fit", __file__, "--target", "y", "--time", "0"), "'0' is no duration above 0"),
        (("fit", __file__, "--target", "y", "--time", "soon"), "write 90, 90s, 5m or 1h30m"),
        (("fit", __file__, "--target", "y", "--metric", "speed"), "'speed' is none of Accuracy, AUC"),
        (("fit", __file__, "--target", "y", "--metric", "acuracy"), "Did you mean 'Accuracy' or"),
        (("fit", __file__, "--target", "y", "--mode", "ensemble"), "Did you mean 'ENSEMBLING'?"),
        (("fit", __file__, "--target", "y", "--validation", "1.5"), "less than 1, not 1.5"),
        (("fit", __file__, "--target", "y", "--validation", "none.csv"), "neither a file nor a share"),
        (("fit", __file__, "--target", "y", "--seed", "-1"), "'--seed'"),
        (("predict", "model.tar.gz", "nowhere.csv"), "'nowhere.csv' does not exist"),
        (("invoke", "endpoint"), "Give a file, or one row with --row"),
        (("completion", "powershell"), "is none of bash, zsh, fish"),
        (("serve", "--port", "70000"), "'--port'"),
        (("describe",), "Missing argument 'JOB'"),
    ],
)
def test_wrong_usage_ends_with_2(arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*arguments) == 2
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.out == ""


def test_what_is_not_there_is_one_line_and_ends_with_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "a.csv"
    table.write_text("x,y\n1,2\n")
    assert run("fit", str(table), "--target", "z") == 3
    words = f"--target: {table} has no column 'z'; it has: x, y."
    assert capsys.readouterr().err == f"Error: {words}\n"
    assert run("fit", str(table), "--target", "z", "--json") == 3
    captured = capsys.readouterr()
    assert json.loads(captured.err) == {"error": words, "exit_code": 3}
    assert captured.out == ""


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("5m", 300), ("1h30m", 5400), ("1D", 86_400)])
def test_durations_are_read(text: str, seconds: int) -> None:
    assert Duration().convert(text, None, None) == seconds


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
    assert run("jobs") == 4
    error = capsys.readouterr().err
    assert error.startswith("Error: The server does not answer")
    assert "Traceback" not in error
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assert run("jobs") == 4
    assert "There are no keys to sign requests with.\nName the server's state folder" in capsys.readouterr().err


def test_help_needs_neither_boto_nor_rich() -> None:
    code = "import sys\nfrom gyropilot.cli import main\ntry: main(['fit', '--help'])\nexcept SystemExit: pass\n"
    code += "print(sorted({'boto3', 'botocore', 'rich', 'numpy', 'urllib3'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def find_commands(group: click.Group) -> Iterator[Command]:
    """Yield every command that does something, those of groups too."""
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        if isinstance(found, click.Group):
            yield from find_commands(found)
        else:
            assert isinstance(found, Command), f"{name} has no frame"
            yield found


EXAMPLES = [
    pytest.param(command, example, id=example) for command in find_commands(cli) for example in command.examples
]


@pytest.mark.parametrize(("command", "example"), EXAMPLES)
def test_examples_can_be_typed(command: Command, example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parse an example as it is; the files that it names are there."""
    monkeypatch.chdir(tmp_path)
    for name in re.findall(r"[\w-]+\.(?:csv|parquet|jsonl|tar\.gz)", example):
        (tmp_path / name).touch()
    typed = re.search(r"gyropilot ([^|>)]*)", example)
    assert typed is not None
    name, found, words = cli.resolve_command(click.Context(cli), shlex.split(typed.group(1).rstrip('" ')))
    while isinstance(found, click.Group):
        name, found, words = found.resolve_command(click.Context(found), words)
    assert found is not None
    assert found.name == command.name
    command.make_context(name, words)


def test_every_command_has_an_example_and_writes_json() -> None:
    for command in find_commands(cli):
        assert command.examples, command.name
        assert "--json" in {option for parameter in command.params for option in parameter.opts}, command.name


def test_the_list_of_commands_says_what_the_commands_say() -> None:
    """The lines of the list are written down, so that `--help` imports no command."""
    context = click.Context(cli)
    for section in SECTIONS.values():
        for name, line in section.items():
            found = cli.get_command(context, name)
            assert found is not None
            assert found.help is not None
            assert line.rstrip(".").split()[0] == found.help.split()[0], name

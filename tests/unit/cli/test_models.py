"""Commands that need no server: a model in a file is asked, scored and written elsewhere."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import onnx
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from tests.acceptance.running import wait_for
from tests.architecture.repository import ROOT
from tests.unit.cli.test_main import run

MODEL = str(ROOT / "tests" / "data" / "bundles" / "0.1.0-binary.tar.gz")
ROWS = "amount,colour,when\n0.5,red,2024-03-04\n-2,,2023-12-31\n"


@pytest.fixture(autouse=True)
def no_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GYROPILOT_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("GYROPILOT_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "new.csv").write_text(ROWS)


def test_predictions_are_csv_for_a_pipe(capfd: pytest.CaptureFixture[str]) -> None:
    assert run("predict", MODEL, "new.csv", "--proba") == 0
    header, first, second = capfd.readouterr().out.splitlines()
    assert header == "answer,probability of no,probability of yes"
    assert first.startswith("yes,0.0617")
    assert second.startswith("no,0.9969")


def test_predictions_are_a_document_for_programs(capfd: pytest.CaptureFixture[str]) -> None:
    assert run("predict", MODEL, "new.csv", "--json") == 0
    document = json.loads(capfd.readouterr().out)
    assert document == {"target": "answer", "predictions": [{"answer": "yes"}, {"answer": "no"}]}


@pytest.mark.parametrize("name", ["out.csv", "out.parquet", "out.jsonl"])
def test_predictions_are_written_as_the_file_is_named(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run("predict", MODEL, "new.csv", "--output", name) == 0
    assert capfd.readouterr().out == ""
    path = Path(name)
    if path.suffix == ".csv":
        read = pyarrow.csv.read_csv(path).to_pylist()
    elif path.suffix == ".parquet":
        read = pyarrow.parquet.read_table(path).to_pylist()
    else:
        read = [json.loads(line) for line in path.read_text().splitlines()]
    assert read == [{"answer": "yes"}, {"answer": "no"}]


def test_rows_come_as_parquet_json_lines_and_from_standard_input(capfd: pytest.CaptureFixture[str]) -> None:
    rows = [
        {"amount": 0.5, "colour": "red", "when": "2024-03-04"},
        {"amount": -2.0, "colour": "", "when": "2023-12-31"},
    ]
    pyarrow.parquet.write_table(pa.Table.from_pylist(rows), "new.parquet")
    Path("new.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for name in ("new.parquet", "new.jsonl"):
        assert run("predict", MODEL, name) == 0
        assert capfd.readouterr().out == "answer\nyes\nno\n"
    done = subprocess.run(
        [sys.executable, "-m", "gyropilot.cli", "predict", MODEL, "-"],
        input=ROWS, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "answer\nyes\nno\n"


def test_a_model_is_scored(capsys: pytest.CaptureFixture[str]) -> None:
    Path("known.csv").write_text("amount,colour,when,answer\n0.5,red,2024-03-04,yes\n-2,,2023-12-31,yes\n")
    assert run("evaluate", MODEL, "known.csv", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["problem_type"] == "binary"
    assert document["metrics"]["Accuracy"] == 0.5
    assert run("evaluate", MODEL, "known.csv") == 0
    assert "Accuracy" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("predict", MODEL, "new.csv", "--output", "out.xlsx"), 2, "must end with one of .csv"),
        (("predict", MODEL, "new.csv", "--output", "none/out.csv"), 2, "There is no folder none"),
        (("predict", MODEL, "new.csv", "--candidate", "c1"), 2, "--candidate chooses among a job's models"),
        (("predict", "new.csv", "new.csv"), 1, "new.csv is not a model"),
        (("predict", MODEL, "broken.jsonl"), 1, "broken.jsonl cannot be read as JSON lines"),
        (("predict", MODEL.replace("binary", "regression"), "new.csv", "--proba"), 1, "gives no probabilities"),
        (("evaluate", MODEL, "new.csv"), 1, "lacks the column 'answer'"),
        (("export", MODEL, "--output", "new.csv"), 1, "new.csv is there already"),
        (("export", MODEL, "--format", "onx"), 2, "Did you mean 'onnx'?"),
    ],
)
def test_failures_are_words(
    arguments: tuple[str, ...], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("broken.jsonl").write_text("{")
    assert run(*arguments) == code
    captured = capsys.readouterr()
    assert words in captured.err
    assert "Traceback" not in captured.err


def test_a_bundle_and_its_graph_are_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("export", MODEL, "--output", "churn.tar.gz") == 0
    assert capsys.readouterr().out == "Wrote churn.tar.gz\n"
    assert run("export", "churn.tar.gz", "--format", "onnx", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"model": "churn.tar.gz", "format": "onnx", "output": "churn.onnx"}
    onnx.checker.check_model(onnx.load("churn.onnx"))


def test_a_container_is_written_whose_command_serves_the_model(tmp_path: Path) -> None:
    """Do what the Dockerfile says but for the build: unpack the model and run the command, on a port that is free."""
    assert run("export", MODEL, "--format", "docker", "--output", "server") == 0
    lines = Path("server/Dockerfile").read_text().splitlines()
    (added,) = [line.split()[1] for line in lines if line.startswith("ADD ")]
    entry, command = (
        json.loads(line.removeprefix(word))
        for word in ("ENTRYPOINT ", "CMD ")
        for line in lines
        if line.startswith(word)
    )
    (tmp_path / "model").mkdir()
    subprocess.run(["tar", "-xf", f"server/{added}", "-C", str(tmp_path / "model")], check=True)
    assert (entry[0], added) == ("python", "model.tar.gz")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    here = {**os.environ, "SM_MODEL_DIR": str(tmp_path / "model"), "SAGEMAKER_BIND_TO_PORT": str(port)}
    address = f"http://127.0.0.1:{port}"
    with subprocess.Popen([sys.executable, *entry[1:], *command], env=here) as server:
        wait_for(lambda: is_answering(f"{address}/ping"), bool)
        request = urllib.request.Request(
            f"{address}/invocations", b"0.5,red,2024-03-04\n", {"Content-Type": "text/csv"}
        )
        with urllib.request.urlopen(request) as answer:
            assert answer.read().decode().strip() == "yes"
        server.terminate()


def is_answering(url: str) -> bool:
    try:
        with urllib.request.urlopen(url) as answer:
            return bool(answer.status == 200)
    except urllib.error.URLError:
        return False


def test_the_pins_of_the_container_are_all_that_the_model_server_imports() -> None:
    """Import the model server without anything that is not pinned, nor needed by what is."""
    assert run("export", MODEL, "--format", "docker", "--output", "server") == 0
    pinned = {line.partition("==")[0] for line in Path("server/requirements.txt").read_text().split()}
    code = (
        "import sys, gyropilot.serving.__main__\n"
        "from importlib.metadata import packages_distributions as homes\n"
        "found = homes()\n"
        "print(*{name.lower() for module in sys.modules for name in found.get(module.partition('.')[0], ())})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    needed_by_pinned = {"anyio", "click", "flatbuffers", "h11", "idna", "protobuf", "sniffio", "typing_extensions"}
    reloading = {"python-multipart", "setuptools", "watchfiles"}  # used when they are there
    assert {*done.stdout.split()} - pinned - needed_by_pinned - reloading - {"gyropilot"} == set()


def test_completion_scripts_are_what_the_shells_read(tmp_path: Path) -> None:
    """Source the script in bash, and ask for completions as bash does."""
    script = subprocess.run(
        [sys.executable, "-m", "gyropilot.cli", "completion", "bash"], capture_output=True, text=True, check=True
    )
    program = tmp_path / "bin" / "gyropilot"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m gyropilot.cli "$@"\n')
    program.chmod(0o755)
    asking = "COMP_WORDS=(gyropilot {words}); COMP_CWORD={count}; COMPREPLY=(); _gyropilot_completion gyropilot\n"
    asking += 'echo "${{COMPREPLY[@]}}"'
    code = "\n".join(
        asking.format(words=words, count=count)
        for words, count in (("fi", 1), ("fit --metr", 2), ("fit new.csv --target co", 4))
    )
    environment = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "--norc", "-c", f"{script.stdout}\n{code}"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == ["fit", "--metric", "colour"]
    for shell in ("zsh", "fish"):
        written = subprocess.run(
            [sys.executable, "-m", "gyropilot.cli", "completion", shell], capture_output=True, text=True, check=True
        )
        assert f"_GYROPILOT_COMPLETE={shell}_complete" in written.stdout

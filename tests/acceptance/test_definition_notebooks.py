"""The candidate definition notebook is run as a person would: downloaded, perhaps changed, from top to bottom."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from gyropilot.sdk import Session
from tests.acceptance.conftest import ROWS
from tests.acceptance.running import (
    BUCKET,
    RunningServer,
    create,
    describe,
    read_rows,
    request,
    text_of,
    wait_for_end,
    write_rows,
)

pytestmark = pytest.mark.usefixtures("tables")

NAME = "SageMakerAutopilotCandidateDefinitionNotebook.ipynb"
TELL = """
import json

told = {
    "best": [best.candidate, best.pipeline, best.algorithm],
    "parameters": best.parameters,
    "leaderboard": leaderboard.to_dict("records"),
}
Path("told.json").write_text(json.dumps(told))
"""


def fetch(session: Session, url: str) -> str:
    bucket, _, key = url.removeprefix("s3://").partition("/")
    return session.read_s3_file(bucket, key)


def define(session: Session, name: str, key: str, **config: Any) -> str:
    """Have a job's candidates defined and return where the notebook lies."""
    create(session, request(name, key, "income", 0, AutoMLJobConfig=config, GenerateCandidateDefinitionsOnly=True))
    job = wait_for_end(session, name)
    assert job["AutoMLJobStatus"] == "Completed", job.get("FailureReason")
    url = str(job["AutoMLJobArtifacts"]["CandidateDefinitionNotebookLocation"])
    assert url in text_of(session, name)
    return url


def of_algorithms(*names: str, most: int) -> dict[str, Any]:
    return {
        "CandidateGenerationConfig": {"AlgorithmsConfig": [{"AutoMLAlgorithms": names}]},
        "CompletionCriteria": {"MaxCandidates": most},
    }


def execute(text: str, server: RunningServer, folder: Path, changes: dict[str, str]) -> tuple[Any, Any]:
    """Run a notebook with a cell behind each of those that have a tag; return what it tells, and its cells."""
    notebook = nbformat.reads(text, as_version=4)
    cells = []
    for cell in [*notebook.cells, nbformat.v4.new_code_cell(TELL)]:
        tags = cell.metadata.get("tags", [])
        cells += [cell, *(nbformat.v4.new_code_cell(changes[tag]) for tag in tags if tag in changes)]
    notebook.cells = cells
    client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}})
    client.execute(env=server.environment)
    return json.loads((folder / "told.json").read_text()), notebook.cells


def output_of(cells: Any, beginning: str) -> str:
    """Return what the cell with this line printed and showed."""
    cell = next(cell for cell in cells if cell.cell_type == "code" and beginning in cell.source)
    return "".join(each.get("text", "") or each["data"]["text/plain"] for each in cell.outputs)


@pytest.fixture(scope="module")
def tuning(session: Session) -> str:
    header, rows = read_rows("adult.csv", ROWS)
    halves = {"p_1.csv": [header, *rows[::2]], "p_2.csv": [header, *rows[1::2]], "_SUCCESS": []}
    for name, half in halves.items():
        session.client("s3").put_object(Bucket=BUCKET, Key=f"halves/{name}", Body=write_rows(half))
    return define(session, "notebook-tuning", "halves/p", **of_algorithms("xgboost", "linear-learner", most=2))


def test_the_notebook_of_tuning_and_its_module_lie_together(session: Session, tuning: str) -> None:
    folder = tuning.removesuffix(f"/notebooks/{NAME}")
    bucket, _, prefix = folder.removeprefix("s3://").partition("/")
    assert prefix.startswith("out/notebook-tuning/sagemaker-automl-candidates/pr-1-")
    names = {key.removeprefix(f"{prefix}/") for key in session.list_s3_files(bucket, prefix)}
    processors = {f"generated_module/candidate_data_processors/dpp{number}.py" for number in range(3)}
    others = {
        "trainer.py",
        "sagemaker_serve.py",
        "README.md",
        "pyproject.toml",
        "candidate_data_processors/__init__.py",
    }
    assert names >= {f"notebooks/{NAME}", *processors, *(f"generated_module/{name}" for name in others)}


def test_it_runs_as_it_is(session: Session, server: RunningServer, tuning: str, tmp_path: Path) -> None:
    told, cells = execute(fetch(session, tuning), server, tmp_path, {})
    assert told["leaderboard"][0]["pipeline"] in {"dpp0", "dpp1"}
    assert 1 <= len(told["leaderboard"]) <= 2
    candidate, pipeline, algorithm = told["best"]
    assert candidate in {entry["id"] for entry in told["leaderboard"]}
    assert f"Pipeline(name='{pipeline}', algorithm='{algorithm}'" in output_of(cells, "pipelines[best.pipeline]")
    assert "files to learn from: 2 bytes: " in output_of(cells, "training = fetch")
    assert f"{ROWS} rows, 14 columns: binary, ranked by f1" in output_of(cells, "trainer.train(")
    assert (tmp_path / "notebook-tuning-candidates" / "model.tar.gz").stat().st_size > 0


def test_what_is_changed_counts(session: Session, server: RunningServer, tuning: str, tmp_path: Path) -> None:
    changes = {
        "parameters": 'FOLDER, PIPELINES, MAX_CANDIDATES, DEPLOY = "mine", ["dpp0"], 1, True',
        "changes": 'pipelines = {"own": engine.Pipeline(name="own", algorithm="xgboost", recipe=("robust-impute",))}\n'
        'ranges["xgboost"] = {"max_depth": engine.Range(low=3, high=3, is_whole=True),'
        ' "eta": engine.Range(low=0.3, high=0.3)}',
    }
    told, cells = execute(fetch(session, tuning), server, tmp_path, changes)
    assert told["best"][1:] == ["own", "xgboost"]
    assert [entry["id"] for entry in told["leaderboard"]] == [told["best"][0]]
    assert (told["parameters"]["max_depth"], told["parameters"]["eta"]) == (3, 0.3)
    answer = output_of(cells, "if DEPLOY")
    assert answer.startswith("[['<=50K', '0.") or answer.startswith("[['>50K', '0.")
    assert (tmp_path / "mine" / "generated_module" / "trainer.py").exists()


def test_the_notebook_of_ensembling(session: Session, server: RunningServer, tmp_path: Path) -> None:
    config = {"Mode": "ENSEMBLING", **of_algorithms("lightgbm", "linear-learner", most=2)}
    url = define(session, "notebook-ensembling", "adult/", **config)
    assert url == f"s3://acceptance/out/notebook-ensembling/sagemaker-automl-candidates/notebooks/{NAME}"
    told, _ = execute(fetch(session, url), server, tmp_path, {"parameters": 'ALGORITHMS = ["linear-learner"]'})
    assert {entry["algorithm"] for entry in told["leaderboard"]} == {"linear-learner"}
    assert "CandidateDefinitionNotebookLocation" in describe(session, "notebook-ensembling")["AutoMLJobArtifacts"]

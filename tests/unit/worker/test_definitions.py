"""What candidate definitions are made of: literals, prose, the module, the notebook."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import pyarrow as pa
import pyarrow.csv as pv
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from gyropilot import engine
from gyropilot.engine.contracts import Plan
from gyropilot.engine.events import DataRead
from gyropilot.service.ports import iterate_blobs
from gyropilot.service.records import AutoMLJob
from gyropilot.storage.blobs_memory import MemoryBlobStore
from gyropilot.worker.definitions.literals import write_value
from gyropilot.worker.definitions.wording import describe_split, describe_trials, make_table, quote_findings, show
from gyropilot.worker.definitions.write import DefinitionWriter
from gyropilot.worker.reports.shelf import ReportShelf
from tests.unit.service.house import BEGINNING, IDENTITY, PROBLEM

ODD = 'it\'s "odd"\\|`*_<b>$x\n{{y}}'
"""A name of a column that would break out of anything."""
TASK = engine.Task(
    target=ODD,
    mode=engine.Mode.HYPERPARAMETER_TUNING,
    algorithms=("xgboost", "linear-learner"),
    column_kinds={"day": engine.ColumnKind.DATETIME, "kind": engine.ColumnKind.CATEGORICAL},
    seed=3,
)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table with a column of each of some kinds, gaps and odd names."""
    numbers = range(80)
    columns = {
        ODD: [("yes", "no<script>")[number % 3 == 0] for number in numbers],
        "amount": [None if number % 7 == 0 else number * 37 % 11 + number / 8 for number in numbers],
        "kind": [f"kind {number % 4}" for number in numbers],
        "day": [f"2026-0{1 + number % 9}-{10 + number % 18}" for number in numbers],
    }
    path = tmp_path_factory.mktemp("table") / "table.csv"
    pv.write_csv(pa.table(columns), path)
    return path


def write_all(table: Path, **problem: Any) -> dict[str, str]:
    """Return what is written for a job of tuning, by its place below the job's candidates."""
    blobs, job = make_job(mode="hyperparameter_tuning", **problem)
    recommended = engine.recommend(table, TASK)
    shelf = ReportShelf(blobs=blobs, job=job)
    url = DefinitionWriter(shelf=shelf, identity=IDENTITY).write_tuning(TASK, recommended)
    assert url.startswith("s3://data/out/churn/sagemaker-automl-candidates/pr-1-")
    return read_all(blobs)


def make_job(**problem: Any) -> tuple[MemoryBlobStore, AutoMLJob]:
    blobs = MemoryBlobStore()
    blobs.create_bucket("data")
    job = AutoMLJob(
        name="churn", created_at=BEGINNING, modified_at=BEGINNING, request={}, problem=replace(PROBLEM, **problem)
    )
    return blobs, job


def read_all(blobs: MemoryBlobStore) -> dict[str, str]:
    found = {}
    for blob in iterate_blobs(blobs, "data", ""):
        with blobs.open("data", blob.key) as (_, content):
            found[blob.key.partition("candidates/")[2]] = content.read().decode()
    return found


@pytest.fixture(scope="module")
def folder(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything that is written for the table's job."""
    place = tmp_path_factory.mktemp("definitions")
    for name, text in write_all(table, max_candidates=1, validation_uri="s3://data/more", compression="gzip").items():
        path = place / name.partition("/")[2]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return place


@settings(deadline=None, derandomize=True)
@given(st.text())
def test_a_text_as_a_literal_is_the_text(text: str) -> None:
    literal = write_value(text)
    assert eval(literal) == text  # that it may be evaluated is the point
    assert "\n" not in literal


@pytest.mark.parametrize(
    "value",
    [
        TASK,
        {"xgboost": {"eta": engine.Range(low=1e-7, high=1, is_logarithmic=False)}, "mlp": {}},
        [engine.Choice(values=("128, 64", 3, 0.5)), None, True, ()],
        engine.Pipeline(name="dpp0", algorithm="mlp", recipe=("ordinal",)),
        {f"parameter {number}": ("x" * 20,) * number for number in range(8)},
    ],
)
def test_a_value_as_a_literal_is_the_value(value: Any) -> None:
    literal = write_value(value)
    assert eval(literal, {"engine": engine}) == value
    assert max(map(len, literal.splitlines())) <= 120


def test_there_is_no_literal_of_an_object() -> None:
    with pytest.raises(TypeError, match="no literal of <object"):
        write_value(object())


@settings(deadline=None, derandomize=True)
@given(st.text(min_size=1))
def test_a_name_in_a_table_is_neither_markup_nor_another_cell(name: str) -> None:
    markdown = MarkdownIt("commonmark").enable("table")
    rendered = markdown.render(make_table(["name", "more"], [[show(name), "x"]]))
    assert rendered.count("<") == markdown.render("| name | more |\n|-|-|\n| `x` | x |").count("<")


def test_findings_are_no_markup() -> None:
    rendered = MarkdownIt().render(quote_findings(["The column '<b>*x*</b>' is `constant`."]))
    assert "<li>The column '&lt;b&gt;*x*&lt;/b&gt;' is `constant`.</li>" in rendered
    assert quote_findings([]) == ""


def test_the_split_is_told() -> None:
    assert "5 folds" in describe_split(TASK, 5, has_validation=False)
    assert "25% of the rows" in describe_split(replace(TASK, validation_fraction=0.25), 5, has_validation=False)
    assert "validation channel" in describe_split(TASK, 5, has_validation=True)
    assert "held out, up to a fifth" in describe_split(TASK, 1, has_validation=False)


def test_trials_are_listed_with_their_settings() -> None:
    trials = [Plan(id="c01", algorithm="lightgbm", parameters={"num_leaves": 31, "extra": True}, seed=1)]
    assert describe_trials(trials).splitlines()[2] == "| 1 | `lightgbm` | `num_leaves=31`, `extra=True` |"


def test_the_same_job_has_the_same_definitions(table: Path) -> None:
    assert write_all(table) == write_all(table)


def test_what_is_written_is_in_the_shape_that_ruff_gives_it(folder: Path) -> None:
    for command in (["format", "--check", "--diff"], ["check", "--select", "E,F,W,I,N,UP,B,SIM,RUF,PTH"]):
        options = ["--isolated", "--line-length", "120", "--target-version", "py311", "."]
        ruff = [sys.executable, "-m", "ruff", *command, *options]
        run = subprocess.run(ruff, cwd=folder, capture_output=True, text=True)
        assert run.returncode == 0, run.stdout + run.stderr


def test_a_pipeline_is_a_file_that_tells_its_steps(folder: Path) -> None:
    text = (folder / "generated_module/candidate_data_processors/dpp1.py").read_text()
    scope: dict[str, Any] = {}
    exec(text, scope)
    pipeline = scope["PIPELINE"]
    assert (pipeline.name, pipeline.algorithm) == ("dpp1", "linear-learner")
    assert {"date-parts", "missing-indicators", "robust-impute", "one-hot"} <= {*pipeline.recipe}
    assert '# The median of a column\'s amounts stands for those that are missing.\n        "robust-impute",' in text


def test_the_notebook_has_its_sections_and_knobs(folder: Path) -> None:
    (path,) = (folder / "notebooks").iterdir()
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    headings = [line for line in prose.splitlines() if line.startswith("#")]
    assert headings[0] == "# Candidate definitions of the AutoML job `churn`"
    assert [line for line in headings if line.startswith("## ")] == [
        "## 1. Setup",
        "## 2. Candidate pipelines",
        "## 3. Running the pipelines",
        "## 4. The result",
        "## 5. Deployment",
    ]
    assert "#### `dpp0`: `xgboost`" in headings
    assert "<script>" not in MarkdownIt().render(prose)
    assert "**binary classification**" in prose
    assert "`f1` (harmonic mean of precision and recall of the positive class); the higher the better" in prose
    knobs = next(cell.source for cell in notebook.cells if "parameters" in cell.metadata.get("tags", []))
    scope: dict[str, Any] = {}
    exec(knobs, scope)
    assert (scope["MAX_CANDIDATES"], scope["MAX_RUNTIME_SECONDS"], scope["DEPLOY"]) == (1, None, False)
    assert scope["PIPELINES"][:2] == ["dpp0", "dpp1"]
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)


def test_the_trainer_trains_and_what_it_made_answers(folder: Path, table: Path, tmp_path: Path) -> None:
    module = folder / "generated_module"
    trainer = module / "trainer.py"
    plain = trainer.read_text().replace('COMPRESSION = "gzip"', 'COMPRESSION = ""')
    trainer.write_text(plain)
    options = ["--model", str(tmp_path / "model.tar.gz"), "--pipelines", "dpp1", "--validation", str(table)]
    assert "dpp1 linear-learner: f1 " in run_python(str(trainer), str(table), *options)
    asking = (
        f"import sys; sys.path.insert(0, {str(module)!r}); import sagemaker_serve as server\n"
        f"model = server.model_fn({str(tmp_path / 'model.tar.gz')!r})\n"
        "body, media_type = server.transform_fn(model, b'3.5,kind 1,2026-02-12', 'text/csv', 'application/json')\n"
        "print(media_type, body.decode())"
    )
    media_type, _, body = run_python("-c", asking).partition(" ")
    assert media_type == "application/json"
    assert json.loads(body)["predictions"][0]["predicted_label"] in {"yes", "no<script>"}


def run_python(*arguments: str) -> str:
    run = subprocess.run([sys.executable, *arguments], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_the_module_can_be_installed(folder: Path, tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=folder / "generated_module", check=True, capture_output=True)
    (wheel,) = tmp_path.glob("churn_candidates-1-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {"trainer.py", "sagemaker_serve.py", "candidate_data_processors/dpp0.py"} <= {*names}


@pytest.mark.parametrize(("data_format", "reads"), [("csv", "pd.read_csv("), ("parquet", "pd.read_parquet(")])
def test_the_notebook_of_ensembling_lists_the_portfolio(data_format: str, reads: str) -> None:
    blobs, job = make_job(data_format=data_format, max_candidates=3)
    writer = DefinitionWriter(shelf=ReportShelf(blobs=blobs, job=job), identity=IDENTITY)
    data = DataRead(rows=1000, columns=3, folds=5, problem_type="regression", objective="mse")
    task = engine.Task(target="y", algorithms=("lightgbm", "linear-learner"))
    writer.write_ensembling(task, data, ("A finding.",))
    ((name, text),) = read_all(blobs).items()
    assert name == "notebooks/SageMakerAutopilotCandidateDefinitionNotebook.ipynb"
    cells: list[Mapping[str, Any]] = nbformat.reads(text, as_version=4).cells
    together = "\n".join(cell["source"] for cell in cells)
    assert "* A finding." in together
    assert "| 2 | `" in together
    assert 'ALGORITHMS = ["lightgbm"' in together
    assert reads in together
    assert "RESPONSE_KEYS = []" in together

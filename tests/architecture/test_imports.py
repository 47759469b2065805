from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.repository import PACKAGE, ROOT, imported_modules, sources

RUNS_CODE_WHEN_READ = {"pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal", "jsonpickle"}
TRAINING_LIBRARIES = ("catboost", "lightgbm", "xgboost", "sklearn", "scipy", "onnx", "torch", "fastai")
TABLE_LIBRARIES = ("pyarrow", "pandas", "polars")
PREDICTING_LIBRARIES = ("onnxruntime", "numpy")


def test_the_arrows_point_downwards() -> None:
    linter = Path(sys.executable).with_name("lint-imports")  # in a process of its own: it configures logging
    run = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nothing_reads_a_format_that_runs_code(path: Path) -> None:
    roots = {name.partition(".")[0] for name in imported_modules(path)}
    assert not roots & RUNS_CODE_WHEN_READ
    assert not [line for line in path.read_text(encoding="utf-8").splitlines() if "allow_pickle=True" in line]


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("gyropilot", (*TRAINING_LIBRARIES, *PREDICTING_LIBRARIES, "boto3")),
        ("gyropilot.engine", (*TRAINING_LIBRARIES, *PREDICTING_LIBRARIES)),
        ("gyropilot.service.service", (*TRAINING_LIBRARIES, *PREDICTING_LIBRARIES, "botocore")),
        ("gyropilot.server", (*TRAINING_LIBRARIES, "onnxruntime")),
        ("gyropilot.sdk", (*TRAINING_LIBRARIES, *PREDICTING_LIBRARIES)),
        (
            "gyropilot.sdk.automl.automl_v2, gyropilot.sdk.models.pipeline_model",
            (*TRAINING_LIBRARIES, *PREDICTING_LIBRARIES, *TABLE_LIBRARIES, "boto3", "botocore", "rich", "yaml"),
        ),
        ("gyropilot.cli.main", (*TRAINING_LIBRARIES, *PREDICTING_LIBRARIES)),
        ("gyropilot.worker.transform.run", (*TRAINING_LIBRARIES, "pandas", "polars")),
        ("gyropilot.serving.app", (*TRAINING_LIBRARIES, *TABLE_LIBRARIES)),
        ("gyropilot.engine.bundle.load", (*TRAINING_LIBRARIES, *TABLE_LIBRARIES)),
        ("gyropilot.engine.model", (*TRAINING_LIBRARIES, "pandas", "polars")),
    ],
)
def test_importing_stays_light(module: str, forbidden: tuple[str, ...]) -> None:
    code = f"import {module}, sys; print(*sorted(set({forbidden!r}) & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == [], f"{module} imports {run.stdout.strip()}"

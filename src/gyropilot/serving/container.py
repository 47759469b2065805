"""How SageMaker starts a model server: with the word `serve`, and what it has to say in variables."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

COMMAND = "serve"
MODEL_FOLDER = "/opt/ml/model"
PORT = "8080"


def make_arguments(environment: Mapping[str, str]) -> list[str]:
    """Return the arguments that a container is started with.

    The model is in `SM_MODEL_DIR`, unpacked or as its archive; the port is `SAGEMAKER_BIND_TO_PORT`.

    Raises:
        ValueError: when the port is none.
    """
    folder = Path(environment.get("SM_MODEL_DIR") or MODEL_FOLDER)
    archive = folder / "model.tar.gz"
    port = environment.get("SAGEMAKER_BIND_TO_PORT") or PORT
    if not port.isdecimal() or not 0 < int(port) < 1 << 16:
        raise ValueError(f"SAGEMAKER_BIND_TO_PORT must be a number from 1 to 65535, not {port!r}")
    # A container has a network of its own.
    return ["--model", str(archive if archive.exists() else folder), "--port", port, "--host", "0.0.0.0"]  # noqa: S104

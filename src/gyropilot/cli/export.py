"""`gyropilot export`."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import click

from gyropilot import __version__
from gyropilot.cli.frame import Word, command, write_json

FORMATS = ("bundle", "onnx", "docker")
SERVING_PACKAGES = ("httptools", "msgspec", "numpy", "onnxruntime", "orjson", "starlette", "uvicorn", "uvloop")
"""What the model server imports."""
DOCKERFILE = """\
# Serves one model: docker build -t {name} . && docker run -p 8080:8080 {name}
FROM python:3.12-slim
COPY requirements.txt /
RUN pip install --no-cache-dir -r /requirements.txt && pip install --no-cache-dir --no-deps gyropilot=={version}
ADD model.tar.gz /opt/ml/model/
USER 1000
EXPOSE 8080
ENTRYPOINT ["python", "-m", "gyropilot.serving"]
CMD ["serve"]
"""


@command(
    "gyropilot export churn-1122-093000 --output churn.tar.gz",
    "gyropilot export churn-1122-093000 --format onnx --output churn.onnx",
    "gyropilot export churn-1122-093000 --format docker --output churn-server",
)
@click.argument("model")
@click.option("--format", "form", type=Word(FORMATS), default="bundle", show_default=True, help="What to write")
@click.option("--candidate", metavar="NAME", help="Which of a job's candidates  [default: the best]")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="Where to write it  [default: MODEL.tar.gz, MODEL.onnx or the folder MODEL-server]",
)
def export(model: str, form: str, candidate: str | None, output: Path | None, as_json: bool) -> None:
    """Write a model for use elsewhere.

    bundle is the model.tar.gz that gyropilot predict and the library open. onnx is its graph alone, which takes encoded
    numbers: the manifest in the bundle says how cells become them. docker is a folder from which a container with the
    model server is built. MODEL is a job, a model or a file, as for gyropilot predict.
    """
    from gyropilot.cli.lookup import find_archive
    from gyropilot.engine import load

    target = output or Path(_name(model) + {"bundle": ".tar.gz", "onnx": ".onnx", "docker": "-server"}[form])
    if target.exists():
        raise click.ClickException(f"{target} is there already; choose another place with --output.")
    if not target.absolute().parent.is_dir():
        raise click.BadParameter(f"There is no folder {target.parent}.", param_hint="--output")
    with find_archive(model, candidate) as archive:
        opened = load(archive)  # what is no model is not handed on
        if form == "bundle":
            opened.save(target)
        elif form == "onnx":
            with tempfile.TemporaryDirectory(prefix="gyropilot-export-") as folder:
                opened.save(Path(folder) / "model.tar.gz")
                _write_graph(Path(folder), target)
        else:
            target.mkdir()
            opened.save(target / "model.tar.gz")
            _write_context(target)
    if as_json:
        write_json({"model": model, "format": form, "output": str(target)})
    else:
        click.echo(f"Wrote {target}")


def _name(model: str) -> str:
    return Path(model).name.partition(".")[0] or "model"


def _write_graph(folder: Path, target: Path) -> None:
    """Take the graph out of the archive in a folder, by atomic rename."""
    from gyropilot.engine.bundle.archive import unpack
    from gyropilot.engine.bundle.manifest import PREDICTOR
    from gyropilot.engine.files import writing

    unpacked = folder / "model"
    unpacked.mkdir()
    unpack(folder / "model.tar.gz", unpacked)
    with writing(target) as partial:
        shutil.copyfile(unpacked / PREDICTOR, partial)


def _write_context(folder: Path) -> None:
    """Write what a container is built from, besides the model: pins of what runs here, and how to build it."""
    from importlib.metadata import version

    pins = [f"{package}=={version(package)}\n" for package in SERVING_PACKAGES]
    (folder / "requirements.txt").write_text("".join(pins), encoding="utf-8")
    name = "".join(each if each.isalnum() else "-" for each in folder.name.lower()).strip("-")
    dockerfile = DOCKERFILE.format(name=name or "model", version=__version__)
    (folder / "Dockerfile").write_text(dockerfile, encoding="utf-8")

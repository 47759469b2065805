"""The model server as a container runs it: as SageMaker starts it, with the packages of the image and no other."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import urllib3

from gyropilot.engine.bundle.archive import unpack
from gyropilot.serving.container import make_arguments
from gyropilot.testing.waiting import wait_until
from tests.unit.serving.running import GOLDEN

ROOT = Path(__file__).parents[3]
LOCK = ROOT / "requirements-serving.lock"

_PROGRAM = """
import sys

allowed = set(sys.argv.pop(1).split(",")) | sys.stdlib_module_names | {"gyropilot"}

class Image:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in allowed:
            raise ModuleNotFoundError(f"the image has no {name}", name=name)

sys.meta_path.insert(0, Image())
from gyropilot.serving.__main__ import main
main()
"""


def modules_of_image() -> str:
    """Return the modules of the packages that the image has."""
    pinned = {line.partition("==")[0] for line in LOCK.read_text().splitlines() if "==" in line}
    return ",".join(
        module
        for module, packages in packages_distributions().items()
        if {re.sub(r"[._]", "-", package.lower()) for package in packages} & pinned
    )


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    unpack(GOLDEN / "0.1.0-columns.tar.gz", tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    variables = {"SM_MODEL_DIR": str(tmp_path), "SAGEMAKER_BIND_TO_PORT": port, "PYTHONPATH": str(ROOT / "src")}
    process = subprocess.Popen([sys.executable, "-c", _PROGRAM, modules_of_image(), "serve"], env=variables)
    try:
        wait_until(lambda: process.poll() is not None or listens(int(port)))
        assert process.poll() is None
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def listens(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


def test_serves_with_the_packages_of_the_image(address: str) -> None:
    row = b"town 3,a Sailor,1.5;2,2024-03-05T08:30,1712016000,$1\n"
    headers = {"content-type": "text/csv", "connection": "close"}
    answer = urllib3.request("POST", f"{address}/invocations", body=row, headers=headers)
    assert answer.status == 200
    headers["content-type"] = "application/x-parquet"
    answer = urllib3.request("POST", f"{address}/invocations", body=row, headers=headers)
    assert (answer.status, answer.data[:44]) == (415, b"'application/x-parquet' needs pyarrow, which")


def test_the_words_of_sagemaker_become_arguments(tmp_path: Path) -> None:
    everywhere = ["--host", "0.0.0.0"]
    assert make_arguments({}) == ["--model", "/opt/ml/model", "--port", "8080", *everywhere]
    asked = {"SM_MODEL_DIR": str(tmp_path), "SAGEMAKER_BIND_TO_PORT": "4000"}
    assert make_arguments(asked) == ["--model", str(tmp_path), "--port", "4000", *everywhere]
    (tmp_path / "model.tar.gz").touch()
    assert make_arguments(asked)[1] == str(tmp_path / "model.tar.gz")
    with pytest.raises(ValueError, match="SAGEMAKER_BIND_TO_PORT must be a number from 1 to 65535, not '0'"):
        make_arguments({"SAGEMAKER_BIND_TO_PORT": "0"})


def test_docker_is_given_the_files_that_it_copies() -> None:
    """`tools/check_image.sh` does what the Dockerfile says."""
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    names = {name for line in copied for name in line.split()}
    given = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert names == given
    assert [name for name in names if not (ROOT / name).exists()] == []

from __future__ import annotations

import signal
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from gyropilot.sdk import Session
from tests.acceptance.running import BUCKET, DATA, RunningServer, create, read_rows, request, write_rows

SECONDS = 20
"""More than these small tables need, so that a busy machine gets through as well."""
ROWS = 600


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    settings = {"GYROPILOT_MAX_RUNNING_JOBS": "2", "GYROPILOT_LEASE_SECONDS": "3"}
    running = RunningServer(tmp_path_factory.mktemp("home"), settings)
    running.start()
    yield running
    running.end(signal.SIGTERM)


@pytest.fixture(scope="session")
def session(server: RunningServer) -> Session:
    opened = Session(home=server.home)
    opened.client("s3").create_bucket(Bucket=BUCKET)
    return opened


@pytest.fixture(scope="session")
def tables(session: Session) -> None:
    """The tables of all tests, in the bucket."""
    s3 = session.client("s3")
    for name in ("adult.csv", "diamonds.csv"):
        header, rows = read_rows(name, ROWS)
        s3.put_object(Bucket=BUCKET, Key=f"{name.partition('.')[0]}/{name}", Body=write_rows([header, *rows]))
    forest = pyarrow.csv.read_csv(DATA / "covtype.csv").slice(0, ROWS)
    sink = pa.BufferOutputStream()
    pyarrow.parquet.write_table(forest, sink)
    s3.put_object(Bucket=BUCKET, Key="covtype/part-0.parquet", Body=sink.getvalue().to_pybytes())


@pytest.fixture(scope="session")
def jobs(session: Session, tables: None) -> None:
    """The jobs that several tests look at; they begin together and wait for their turn in the server."""
    create(session, request("two-classes", "adult/", "income", SECONDS))
    deployed = {"ModelDeployConfig": {"EndpointName": "one-click"}}
    create(session, request("a-number", "diamonds/diamonds.csv", "price", SECONDS, **deployed))
    create(session, request("many-classes", "covtype/part-0.parquet", "Cover_Type", SECONDS))

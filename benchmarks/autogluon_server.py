"""AutoGluon behind the wrapper that its users write: trained, timed in process, then served by Starlette and uvicorn.

Runs in AutoGluon's environment, which has no FastAPI; what that adds to Starlette would only slow it down.
"""

from __future__ import annotations

import argparse
import io
import json
import socket
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import pandas as pd  # type: ignore[import-not-found,import-untyped,unused-ignore]  # of another environment
import uvicorn
from autogluon.tabular import TabularPredictor  # type: ignore[import-not-found,import-untyped,unused-ignore]
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

CALLS = 50
MANY_ROWS = (1_000, 100_000)


def train(training: Path, target: str, budget: int, folder: Path) -> Any:
    """Return the predictor that one deploys: the best model alone, in memory."""
    predictor = TabularPredictor(label=target, eval_metric="roc_auc", path=str(folder / "training"))
    predictor.fit(pd.read_csv(training), time_limit=budget, presets="high_quality")
    deployed = predictor.clone_for_deployment(path=str(folder / "deployed"), return_clone=True)
    deployed.persist()
    return deployed


def measure(predictor: Any, rows: pd.DataFrame) -> dict[str, Any]:
    """Return what predicting costs without any HTTP."""
    frames = [rows.iloc[place : place + 1].reset_index(drop=True) for place in range(CALLS)]
    seconds = []
    for frame in frames:
        began_at = time.perf_counter()
        predictor.predict(frame)
        seconds.append(time.perf_counter() - began_at)
    found: dict[str, Any] = {"one_row_p50_ms": round(1000 * statistics.median(seconds), 2)}
    for count in MANY_ROWS:
        began_at = time.perf_counter()
        predictor.predict(rows.iloc[:count])
        found[f"{count}_rows_seconds"] = round(time.perf_counter() - began_at, 3)
    return found


def make_app(predictor: Any, columns: list[str]) -> Starlette:
    """Return the wrapper: CSV to a frame, `predict`, its labels as lines."""

    def predict(body: bytes) -> str:
        labels = predictor.predict(pd.read_csv(io.BytesIO(body), header=None, names=columns))
        return "\n".join(map(str, labels)) + "\n"

    async def invocations(request: Request) -> Response:
        return Response(await run_in_threadpool(predict, await request.body()), media_type="text/csv")

    return Starlette(routes=[Route("/invocations", invocations, methods=["POST"])])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("training", "rows", "figures", "announce"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--target", required=True)
    parser.add_argument("--budget", type=int, required=True)
    given = parser.parse_args()
    columns = [name for name in pd.read_csv(given.training, nrows=0).columns if name != given.target]
    with tempfile.TemporaryDirectory(prefix="autogluon-") as folder, socket.create_server(("127.0.0.1", 0)) as listener:
        predictor = train(given.training, given.target, given.budget, Path(folder))
        figures = measure(predictor, pd.read_csv(given.rows, header=None, names=columns))
        given.figures.write_text(json.dumps(figures), encoding="utf-8")
        partial = given.announce.with_suffix(".partial")
        partial.write_text(f"http://127.0.0.1:{listener.getsockname()[1]}", encoding="utf-8")
        partial.replace(given.announce)  # calls that come before it serves wait at the socket
        server = uvicorn.Server(uvicorn.Config(make_app(predictor, columns), log_level="warning"))
        server.run(sockets=[listener])


if __name__ == "__main__":
    main()

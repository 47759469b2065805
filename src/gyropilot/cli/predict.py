"""`gyropilot predict`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gyropilot.cli.frame import command, write_json

if TYPE_CHECKING:
    import pyarrow as pa

    from gyropilot.engine import Model


@command(
    "gyropilot predict churn-1122-093000 new.csv",
    "gyropilot predict model.tar.gz new.parquet --proba --output predictions.parquet",
    "cat new.csv | gyropilot predict model.tar.gz - --json",
)
@click.argument("model")
@click.argument("data", metavar="FILE", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--candidate", metavar="NAME", help="Which of a job's candidates  [default: the best]")
@click.option("--proba", is_flag=True, help="Add the probability of each class")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write: .csv, .parquet or .jsonl  [default: CSV to standard output]",
)
def predict(model: str, data: str, candidate: str | None, proba: bool, output: Path | None, as_json: bool) -> None:
    """Predict the rows of a CSV, Parquet or JSON lines file; - reads CSV from standard input.

    MODEL is a model.tar.gz or the folder it unpacks to, for which no server is needed, or a job or a model of the
    server.
    """
    from gyropilot.cli.lookup import find_archive
    from gyropilot.cli.rows import check_output, open_rows, write_rows
    from gyropilot.engine import load

    check_output(output)
    with find_archive(model, candidate) as archive:
        opened = load(archive)
    with open_rows(data) as rows:
        predictions = make_predictions(opened, rows, with_probabilities=proba)
    if as_json and output is None:
        write_json({"target": opened.target, "predictions": predictions.to_pylist()})
        return
    write_rows(predictions, output)
    if as_json:
        write_json({"target": opened.target, "rows": predictions.num_rows, "output": str(output)})
    elif output is not None:
        click.echo(f"{predictions.num_rows} predictions of {opened.target!r} in {output}", err=True)


def make_predictions(model: Model, rows: Any, *, with_probabilities: bool) -> pa.Table:
    """Return a column named like the target and, when asked for, the probability of each class.

    Raises:
        TaskError: when probabilities of a regression are asked for.
    """
    import pyarrow as pa

    columns: dict[str, Any] = {model.target: pa.array(model.predict(rows))}
    if with_probabilities:
        columns |= _name_probabilities(model, rows)
    return pa.table(columns)


def _name_probabilities(model: Model, rows: Any) -> Mapping[str, Any]:
    import pyarrow as pa

    probabilities = model.predict_proba(rows)
    return {
        f"probability of {label}": pa.array(probabilities[:, at].astype("float32"))
        for at, label in enumerate(model.classes)
    }

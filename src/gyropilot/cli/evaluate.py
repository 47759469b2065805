"""`gyropilot evaluate`."""

from __future__ import annotations

import click

from gyropilot.cli.frame import command, write_json


@command("gyropilot evaluate churn-1122-093000 held-out.csv", "gyropilot evaluate model.tar.gz held-out.csv --json")
@click.argument("model")
@click.argument("data", metavar="FILE", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--candidate", metavar="NAME", help="Which of a job's candidates  [default: the best]")
def evaluate(model: str, data: str, candidate: str | None, as_json: bool) -> None:
    """Score a model on rows whose answers are known, with every metric of its problem type.

    MODEL and FILE are as for gyropilot predict; rows without an answer are left out.
    """
    from gyropilot.api.documents.metrics import AWS_NAMES
    from gyropilot.cli.lookup import find_archive
    from gyropilot.cli.rows import open_rows
    from gyropilot.cli.terminal import make_grid, open_console
    from gyropilot.engine import load

    with find_archive(model, candidate) as archive:
        opened = load(archive)
    with open_rows(data) as rows:
        figures = {AWS_NAMES.get(name, name): value for name, value in opened.evaluate(rows).items()}
    if as_json:
        write_json({"target": opened.target, "problem_type": opened.problem_type.value, "metrics": figures})
        return
    table = make_grid("metric", "value", numbers=("value",))
    for name, figure in figures.items():
        table.add_row(name, f"{figure:.5g}")
    open_console().print(table)

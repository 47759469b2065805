"""`gyropilot endpoints`."""

from __future__ import annotations

import click

from gyropilot.cli.frame import command, write_json


@command("gyropilot endpoints", "gyropilot endpoints --delete churn", "gyropilot endpoints --json")
@click.option("--delete", "doomed", metavar="NAME", help="Take this endpoint down, its configuration and model with it")
def endpoints(doomed: str | None, as_json: bool) -> None:
    """List the endpoints, newest first, or delete one."""
    from gyropilot.cli.terminal import format_time, make_grid, open_console
    from gyropilot.sdk import Session

    session = Session()
    console = open_console()
    if doomed is not None:
        from gyropilot.cli.lookup import describe_endpoint
        from gyropilot.sdk import Predictor

        describe_endpoint(session, doomed)
        predictor = Predictor(doomed, session)
        predictor.delete_model()
        predictor.delete_endpoint()
        if as_json:
            write_json({"deleted": doomed})
        else:
            console.print(f"The endpoint {doomed} is taken down.", markup=False)
        return
    pages = session.sagemaker_client.get_paginator("list_endpoints")
    listed = pages.paginate(SortBy="CreationTime", SortOrder="Descending")
    found = [endpoint for page in listed for endpoint in page["Endpoints"]]
    if as_json:
        write_json(found)
        return
    if not found:
        console.print("There are no endpoints. Make one with: gyropilot deploy JOB")
        return
    table = make_grid("endpoint", "status", "created")
    for endpoint in found:
        table.add_row(endpoint["EndpointName"], endpoint["EndpointStatus"], format_time(endpoint["CreationTime"]))
    console.print(table)

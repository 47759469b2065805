"""`gyropilot stop`."""

from __future__ import annotations

import click

from gyropilot.cli.frame import command, write_json


@command("gyropilot stop churn-1122-093000", "gyropilot stop churn-1122-093000 --no-wait --json")
@click.argument("job")
@click.option("--wait/--no-wait", default=True, help="Wait until it has stopped  [default: wait]")
def stop(job: str, wait: bool, as_json: bool) -> None:
    """Stop an AutoML job; it keeps the best model so far."""
    from gyropilot.cli.lookup import describe_job
    from gyropilot.cli.terminal import open_console
    from gyropilot.sdk import Session
    from gyropilot.sdk.progress import OPEN_STATES, format_score
    from gyropilot.sdk.waiting import look_until

    session = Session()
    document = describe_job(session, job)
    was_running = document["AutoMLJobStatus"] in OPEN_STATES
    if was_running:
        session.sagemaker_client.stop_auto_ml_job(AutoMLJobName=job)
        document = look_until(
            lambda: session.describe_auto_ml_job_v2(job),
            lambda seen: not wait or seen["AutoMLJobStatus"] not in OPEN_STATES,
            session.poll_seconds,
        )
    status, best = document["AutoMLJobStatus"], document.get("BestCandidate", {})
    if as_json:
        write_json({"job": job, "status": status, "best_candidate": best.get("CandidateName")})
        return
    words = f"{job}: {status}" if was_running else f"{job} was over before: {status}"
    model = f"; best model {best['CandidateName']}, {format_score(best)}" if best else ""
    open_console().print(words + model, markup=False, soft_wrap=True)

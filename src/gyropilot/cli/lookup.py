"""Finds what a name on the command line stands for; what is not there is answered with what there is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import click

from gyropilot.cli.failures import Exit, NotFoundError, describe_failure
from gyropilot.cli.frame import suggest

if TYPE_CHECKING:
    from gyropilot.sdk import Session

T = TypeVar("T")

LOOKED_AT = 1000
"""Among how many names one that is like the name given is looked for."""


def describe_job(session: Session, job: str) -> dict[str, Any]:
    """Return the answer of `DescribeAutoMLJobV2`.

    Raises:
        NotFoundError: when there is no such job.
    """
    return look_up(
        lambda: session.describe_auto_ml_job_v2(job),
        f"There is no job {job!r}.",
        lambda: list_jobs(session),
        "gyropilot jobs",
    )


def describe_endpoint(session: Session, endpoint: str) -> dict[str, Any]:
    """Return the answer of `DescribeEndpoint`.

    Raises:
        NotFoundError: when there is no such endpoint.
    """
    return look_up(
        lambda: session.describe_endpoint(endpoint),
        f"There is no endpoint {endpoint!r}.",
        lambda: list_names(session, "list_endpoints", "Endpoints", "EndpointName"),
        "gyropilot endpoints",
    )


def look_up(ask: Callable[[], T], absence: str, known: Callable[[], Iterable[str]], listing: str) -> T:
    """Return what a question is answered with.

    Args:
        ask: the question.
        absence: what to say when it is about nothing that is there.
        known: gives the names that are there, of which those like the one in the words are suggested.
        listing: the command that lists them.

    Raises:
        NotFoundError: when it is not there.
    """
    found = ask_for(ask)
    if found is not None:
        return found
    name = absence.partition("'")[2].rpartition("'")[0]
    raise NotFoundError(_join(absence, suggest(name, known()), f"List them with: {listing}"))


def ask_for(ask: Callable[[], T]) -> T | None:
    """Return what a question is answered with; None when it is about nothing that is there."""
    from botocore.exceptions import ClientError

    try:
        return ask()
    except ClientError as error:
        if describe_failure(error)[1] is not Exit.NOT_FOUND:
            raise
    return None


def _join(*sentences: str) -> str:
    return " ".join(sentence for sentence in sentences if sentence)


def list_jobs(session: Session) -> list[str]:
    """Return the names of AutoML jobs."""
    return list_names(session, "list_auto_ml_jobs", "AutoMLJobSummaries", "AutoMLJobName")


def list_names(session: Session, operation: str, member: str, name: str) -> list[str]:
    """Return the names in a list of the API, the first thousand."""
    client: Any = session.sagemaker_client
    pages = client.get_paginator(operation).paginate(PaginationConfig={"MaxItems": LOOKED_AT})
    return [found[name] for page in pages for found in page[member]]


def find_candidate(session: Session, job: str, candidate: str | None) -> dict[str, Any]:
    """Return a candidate of a job as the API describes it; the best one unless it is named.

    Raises:
        NotFoundError: when there is no such job or candidate.
        NoBestCandidateError: when the job has none; the message says how it stands.
    """
    from gyropilot.sdk import AutoMLV2

    describe_job(session, job)
    if candidate is None:
        return AutoMLV2.attach(job, session).best_candidate()
    found = session.list_candidates(job)["Candidates"]
    for each in found:
        if candidate in (each["CandidateName"], each["CandidateName"].removeprefix(f"{job}-")):
            return dict(each)
    names = [each["CandidateName"] for each in found]
    hint = suggest(candidate, [*names, *(name.removeprefix(f"{job}-") for name in names)])
    raise NotFoundError(_join(f"The job {job} has no candidate {candidate!r}.", hint))


@contextmanager
def find_archive(model: str, candidate: str | None = None) -> Iterator[Path]:
    """Give the path of a model: a file or a folder of this machine, or what a job or a model of the server stands for.

    No server is asked for a path. What comes from a server lies in a folder that goes away again.

    Raises:
        NotFoundError: when there is neither a file nor a job nor a model of this name.
        click.ClickException: when the model is of archives that are no candidate's.
        BundleError: when they do not belong together.
    """
    path = Path(model)
    if path.exists():
        if candidate is not None:
            raise click.UsageError(f"--candidate chooses among a job's models; {model} is a file.")
        yield path
        return
    if path.suffix or "/" in model:
        raise NotFoundError(f"There is no file {model}.")
    import tempfile

    from gyropilot.sdk import Session

    session = Session()
    containers = find_containers(session, model, candidate)
    addresses = list(dict.fromkeys(each["ModelDataUrl"] for each in containers if each.get("ModelDataUrl")))
    with tempfile.TemporaryDirectory(prefix="gyropilot-model-") as folder:
        archives = [_download(session, address, Path(folder) / f"{at}.tar.gz") for at, address in enumerate(addresses)]
        yield _join_archives(archives, Path(folder) / "model", model)


def _download(session: Session, address: str, archive: Path) -> Path:
    parts = urlsplit(address)
    session.s3_client.download_file(parts.netloc, parts.path.lstrip("/"), str(archive))
    return archive


def _join_archives(archives: list[Path], folder: Path, name: str) -> Path:
    """Return a whole model: that of one archive, or of a tuned candidate, whose stages lie in two."""
    if len(archives) == 1:
        return archives[0]
    if len(archives) != 2:
        raise click.ClickException(
            f"The model of {name} is made of {len(archives)} archives; one, or the two of a tuned candidate, are known."
        )
    from gyropilot.engine.bundle.splitting import join_stages

    processor, algorithm = archives
    join_stages(processor, algorithm, folder)
    return folder


def find_containers(session: Session, name: str, candidate: str | None) -> list[dict[str, Any]]:
    """Return the containers of a job's candidate, the best one unless it is named, or those of a model.

    Raises:
        NotFoundError: when there is neither a job nor a model of this name.
    """
    if candidate is not None or ask_for(lambda: session.describe_auto_ml_job_v2(name)) is not None:
        return list(find_candidate(session, name, candidate).get("InferenceContainers", []))
    model = ask_for(lambda: session.describe_model(name))
    if model is not None:
        return list(model.get("Containers") or [model["PrimaryContainer"]])
    known = [*list_jobs(session), *list_names(session, "list_models", "Models", "ModelName")]
    raise NotFoundError(
        _join(f"There is no file, job or model {name!r}.", suggest(name, known), "List jobs with: gyropilot jobs")
    )

"""The AWS CLI: what a user types, and what is printed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import urllib3

from gyropilot.sdk import Session
from tests.acceptance.running import wait_for, wait_for_end, wait_for_endpoint
from tests.clients.conftest import ASKED_ROWS, ROWS
from tests.clients.programs import SECONDS, Done, Shell

pytestmark = [pytest.mark.clients, pytest.mark.timeout(SECONDS)]
BUCKET = "from-the-cli"
ROLE = "arn:aws:iam::000000000000:role/AnyRole"
ARN = "arn:aws:sagemaker:us-east-1:000000000000:automl-job/from-the-cli"
LOGS = "/aws/sagemaker/AutoMLJobs"
PART_BYTES = 8 * 1024 * 1024
"""From this size the CLI sends an object in parts."""


@pytest.fixture(scope="module")
def cli(shell: Shell) -> Cli:
    return Cli(shell)


class Cli:
    """The `aws` command."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self.folder = shell.folder

    def __call__(self, line: str, *more: str, stdin: bytes = b"") -> str:
        """Run a command, in words that are parted by blanks and further ones, and return what it prints."""
        done = self.attempt(line, *more, stdin=stdin)
        assert done.status == 0, f"aws {line}: {done.errors}"
        return done.output

    def attempt(self, line: str, *more: str, stdin: bytes = b"") -> Done:
        return self.shell.run("aws", *line.split(), *more, stdin=stdin)

    def read(self, line: str, *more: str) -> Any:
        return json.loads(self(line, *more))


@pytest.fixture(scope="module")
def bucket(cli: Cli) -> str:
    assert cli(f"s3 mb s3://{BUCKET}") == f"make_bucket: {BUCKET}\n"
    return BUCKET


@pytest.fixture(scope="module")
def jobs(cli: Cli, bucket: str, tables: Path, session: Session) -> Any:
    """A job of each generation; returns the first as boto3 sees it at its end."""
    cli("s3 cp --only-show-errors", str(tables / "people.csv"), f"s3://{bucket}/people/")
    output = f"--output-data-config S3OutputPath=s3://{bucket}/out --role-arn {ROLE}"
    source = f"DataSource={{S3DataSource={{S3DataType=S3Prefix,S3Uri=s3://{bucket}/people/}}}}"
    created = cli.read(
        f"sagemaker create-auto-ml-job --auto-ml-job-name from-the-cli {output}"
        f" --input-data-config {source},TargetAttributeName=income"
        " --auto-ml-job-config CompletionCriteria={MaxCandidates=3},Mode=ENSEMBLING"
        " --problem-type BinaryClassification --auto-ml-job-objective MetricName=F1 --tags Key=team,Value=people"
    )
    assert created == {"AutoMLJobArn": ARN}
    config = {
        "TabularJobConfig": {
            "TargetAttributeName": "income",
            "Mode": "ENSEMBLING",
            "CompletionCriteria": {"MaxCandidates": 1},
        }
    }
    cli(
        f"sagemaker create-auto-ml-job-v2 --auto-ml-job-name from-the-cli-two {output}"
        f" --auto-ml-job-input-data-config ChannelType=training,{source} --auto-ml-problem-type-config",
        json.dumps(config),
    )
    wait_for_end(session, "from-the-cli-two")
    return wait_for_end(session, "from-the-cli")


# --- who --------------------------------------------------------------------------------------------------------------


def test_the_caller_is_told(cli: Cli) -> None:
    assert cli.read("sts get-caller-identity") == {
        "UserId": "admin",
        "Account": "000000000000",
        "Arn": "arn:aws:iam::000000000000:user/admin",
    }
    assert cli("sts get-caller-identity --query Account --output text") == "000000000000\n"


def test_a_wrong_key_opens_nothing(shell: Shell) -> None:
    wrong = Shell({**shell.variables, "AWS_SECRET_ACCESS_KEY": "wrong"}, shell.folder)
    done = wrong.run("aws", "s3", "ls")
    assert done.status != 0
    assert "SignatureDoesNotMatch" in done.errors


# --- objects ----------------------------------------------------------------------------------------------------------


def test_files_go_up_and_come_back(cli: Cli, bucket: str) -> None:
    content = bytes(range(256)) * (2 * PART_BYTES // 256) + b"and a bit more"
    (cli.folder / "long.bin").write_bytes(content)
    cli(f"s3 cp long.bin s3://{bucket}/long.bin --no-progress")
    assert cli.read(f"s3api head-object --bucket {bucket} --key long.bin")["ETag"].endswith('-3"'), "sent in parts"
    cli(f"s3 cp s3://{bucket}/long.bin back.bin --no-progress")
    assert (cli.folder / "back.bin").read_bytes() == content
    cli(f"s3 cp s3://{bucket}/long.bin s3://{bucket}/copy.bin --no-progress")
    assert cli.read(f"s3api head-object --bucket {bucket} --key copy.bin")["ContentLength"] == len(content)


def test_standard_input_and_output_are_files_too(cli: Cli, bucket: str) -> None:
    cli(f"s3 cp - s3://{bucket}/words.txt", stdin=b"hello\n")
    cli(f"s3 mv s3://{bucket}/words.txt s3://{bucket}/moved.txt")
    assert cli(f"s3 cp s3://{bucket}/moved.txt -") == "hello\n"
    assert cli.attempt(f"s3 cp s3://{bucket}/words.txt -").status != 0


def test_a_folder_is_kept_the_same(cli: Cli, bucket: str) -> None:
    tree = cli.folder / "tree"
    (tree / "inner").mkdir(parents=True)
    names = {"a.txt", "inner/a name with ümlauts & blanks+.txt"}
    for name in names:
        (tree / name).write_text(name)
    assert cli(f"s3 sync tree s3://{bucket}/tree --no-progress").count("upload: ") == 2
    assert cli(f"s3 sync tree s3://{bucket}/tree --no-progress") == ""
    (tree / "a.txt").unlink()
    assert cli(f"s3 sync tree s3://{bucket}/tree --delete") == f"delete: s3://{bucket}/tree/a.txt\n"
    cli(f"s3 sync s3://{bucket}/tree again --no-progress")
    left = [path for path in (cli.folder / "again").rglob("*") if path.is_file()]
    assert [path.read_text() for path in left] == [str(path.relative_to(cli.folder / "again")) for path in left]
    assert len(left) == 1


def test_objects_are_listed_as_folders_and_by_pages(cli: Cli, bucket: str, session: Session) -> None:
    for number in range(3):
        session.client("s3").put_object(Bucket=bucket, Key=f"listed/{number}/x")
    assert cli(f"s3 ls s3://{bucket}/listed/").split() == ["PRE", "0/", "PRE", "1/", "PRE", "2/"]
    listed = cli(f"s3 ls s3://{bucket}/listed/ --recursive --summarize").splitlines()
    assert [line.split()[-1] for line in listed[:3]] == [f"listed/{number}/x" for number in range(3)]
    assert "Total Objects: 3" in listed[-2]
    question = f"s3api list-objects-v2 --bucket {bucket} --prefix listed/ --page-size 1"
    assert cli(f"{question} --query Contents[].Key --output text").split() == [f"listed/{n}/x" for n in range(3)]
    first = cli.read(f"{question} --max-items 2")
    rest = cli.read(f"{question} --starting-token {first['NextToken']}")
    keys = [found["Key"] for page in (first, rest) for found in page["Contents"]]
    assert keys == [f"listed/{number}/x" for number in range(3)]


def test_an_object_is_read_by_a_presigned_address(cli: Cli, bucket: str) -> None:
    cli(f"s3 cp - s3://{bucket}/shared.txt", stdin=b"for everyone")
    address = cli(f"s3 presign s3://{bucket}/shared.txt --expires-in 60").strip()
    assert urllib3.request("GET", address).data == b"for everyone"
    assert urllib3.request("GET", address.replace("shared", "others")).status == 403


def test_a_bucket_is_emptied_and_removed(cli: Cli, session: Session) -> None:
    cli("s3 mb s3://short-lived")
    for name in ("one", "two", "three.keep"):
        session.client("s3").put_object(Bucket="short-lived", Key=name)
    assert cli("s3 rm s3://short-lived --recursive --exclude *.keep").count("delete: ") == 2
    refused = cli.attempt("s3 rb s3://short-lived")
    assert refused.status != 0
    assert "BucketNotEmpty" in refused.errors
    cli("s3 rb s3://short-lived --force")
    assert "short-lived" not in cli("s3 ls")


# --- jobs -------------------------------------------------------------------------------------------------------------


def test_jobs_of_both_generations_are_described(cli: Cli, jobs: Any) -> None:
    line = cli(
        "sagemaker describe-auto-ml-job --auto-ml-job-name from-the-cli --output text --query",
        "[AutoMLJobStatus,BestCandidate.CandidateName]",
    )
    assert line.split() == ["Completed", jobs["BestCandidate"]["CandidateName"]]
    second = cli.read("sagemaker describe-auto-ml-job-v2 --auto-ml-job-name from-the-cli-two")
    assert second["AutoMLJobStatus"] == "Completed"
    assert second["AutoMLProblemTypeConfigName"] == "Tabular"


@pytest.mark.usefixtures("jobs")
def test_jobs_are_listed_and_filtered(cli: Cli) -> None:
    names = "--query AutoMLJobSummaries[].AutoMLJobName --output text"
    listing = "sagemaker list-auto-ml-jobs --sort-by Name --sort-order Ascending"
    assert cli(f"{listing} --name-contains from-the-cli {names}").split() == ["from-the-cli", "from-the-cli-two"]
    assert cli(f"{listing} --name-contains from-the-cli --status-equals Failed {names}").split() == []
    table = cli(f"{listing} --name-contains from-the-cli --output table")
    assert "from-the-cli-two" in table


@pytest.mark.usefixtures("jobs")
def test_candidates_are_listed_by_pages(cli: Cli) -> None:
    question = (
        "sagemaker list-candidates-for-auto-ml-job --auto-ml-job-name from-the-cli --page-size 1"
        " --sort-by FinalObjectiveMetricValue --sort-order Descending"
    )
    names = cli(f"{question} --query Candidates[].CandidateName --output text").split()
    first = cli.read(f"{question} --max-items 2")
    rest = cli.read(f"{question} --starting-token {first['NextToken']}")
    assert len(names) == 3
    assert [found["CandidateName"] for page in (first, rest) for found in page["Candidates"]] == names
    assert "NextToken" not in rest


@pytest.mark.usefixtures("jobs")
def test_a_candidates_training_job_is_waited_for(cli: Cli) -> None:
    name = "from-the-cli-trial-t1-1"
    cli(f"sagemaker wait training-job-completed-or-stopped --training-job-name {name}")
    status = "--query TrainingJobStatus --output text"
    assert cli(f"sagemaker describe-training-job --training-job-name {name} {status}") == "Completed\n"


@pytest.mark.usefixtures("jobs")
def test_tags_are_added_listed_and_deleted(cli: Cli) -> None:
    of_job = f"--resource-arn {ARN}"
    cli(f"sagemaker add-tags {of_job} --tags Key=stage,Value=test Key=cost,Value=none")
    assert cli(f"sagemaker list-tags {of_job} --output text").splitlines() == [
        "TAGS\tteam\tpeople",
        "TAGS\tstage\ttest",
        "TAGS\tcost\tnone",
    ]
    cli(f"sagemaker delete-tags {of_job} --tag-keys stage cost")
    assert cli.read(f"sagemaker list-tags {of_job}") == {"Tags": [{"Key": "team", "Value": "people"}]}


@pytest.mark.usefixtures("jobs")
def test_the_log_is_read(cli: Cli) -> None:
    streams = cli(f"logs describe-log-streams --log-group-name {LOGS} --query logStreams[].logStreamName --output text")
    assert {"from-the-cli", "from-the-cli-two"} <= set(streams.split())
    of_job = f"--log-group-name {LOGS} --log-stream-name from-the-cli"
    events = cli.read(f"logs get-log-events {of_job} --start-from-head")["events"]
    assert [event["timestamp"] for event in events] == sorted(event["timestamp"] for event in events)
    assert any(f"Read {ROWS} rows" in event["message"] for event in events)
    found = cli(
        f"logs filter-log-events --log-group-name {LOGS} --log-stream-names from-the-cli --filter-pattern Read"
        " --query events[].message --output text"
    )
    assert f"Read {ROWS} rows" in found


# --- models -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model(cli: Cli, jobs: Any) -> str:
    query = "--query BestCandidate.InferenceContainers"
    containers = cli(f"sagemaker describe-auto-ml-job --auto-ml-job-name from-the-cli {query}")
    (cli.folder / "containers.json").write_text(containers)
    cli(f"sagemaker create-model --model-name cli --containers file://containers.json --execution-role-arn {ROLE}")
    return "cli"


def test_a_model_is_deployed_asked_and_taken_down(cli: Cli, model: str, tables: Path, session: Session) -> None:
    cli(
        "sagemaker create-endpoint-config --endpoint-config-name cli --production-variants"
        f" VariantName=all,ModelName={model},InstanceType=ml.m5.large,InitialInstanceCount=1"
    )
    cli("sagemaker create-endpoint --endpoint-name cli --endpoint-config-name cli")
    wait_for_endpoint(session, "cli")  # the CLI would look every 30 seconds
    cli("sagemaker wait endpoint-in-service --endpoint-name cli")
    answer = cli.read(
        "sagemaker-runtime invoke-endpoint --endpoint-name cli --content-type text/csv --body",
        f"fileb://{tables / 'asked.csv'}",
        "answer.csv",
    )
    assert answer == {"ContentType": "text/csv; charset=utf-8", "InvokedProductionVariant": "all"}
    labels = (cli.folder / "answer.csv").read_text().splitlines()
    assert len(labels) == ASKED_ROWS
    assert set(labels) <= {"<=50K", ">50K"}
    cli("sagemaker delete-endpoint --endpoint-name cli")
    cli("sagemaker wait endpoint-deleted --endpoint-name cli")
    cli("sagemaker delete-endpoint-config --endpoint-config-name cli")
    assert cli.read("sagemaker list-endpoint-configs --name-contains cli")["EndpointConfigs"] == []


def test_whole_objects_are_predicted(cli: Cli, model: str, bucket: str, tables: Path, session: Session) -> None:
    cli("s3 cp --only-show-errors", str(tables / "asked.csv"), f"s3://{bucket}/asked/")
    cli(
        f"sagemaker create-transform-job --transform-job-name cli --model-name {model}"
        f" --transform-input DataSource={{S3DataSource={{S3DataType=S3Prefix,S3Uri=s3://{bucket}/asked/}}}},"
        "ContentType=text/csv,SplitType=Line"
        f" --transform-output S3OutputPath=s3://{bucket}/answered,AssembleWith=Line"
        " --transform-resources InstanceType=ml.m5.large,InstanceCount=1"
    )
    sagemaker = session.client("sagemaker")
    wait_for(
        lambda: sagemaker.describe_transform_job(TransformJobName="cli")["TransformJobStatus"],
        lambda status: status != "InProgress",
    )  # the CLI would look every minute
    cli("sagemaker wait transform-job-completed-or-stopped --transform-job-name cli")
    labels = cli(f"s3 cp s3://{bucket}/answered/asked.csv.out -").splitlines()
    assert len(labels) == ASKED_ROWS
    assert set(labels) <= {"<=50K", ">50K"}


# --- what goes wrong --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (
            "sagemaker describe-auto-ml-job --auto-ml-job-name missing",
            "An error occurred (ResourceNotFound) when calling the DescribeAutoMLJob operation: ",
        ),
        (
            "sagemaker-runtime invoke-endpoint --endpoint-name missing --content-type text/csv --body 1 answer",
            "An error occurred (ValidationError) when calling the InvokeEndpoint operation: ",
        ),
        (
            "sagemaker list-notebook-instances",
            "ListNotebookInstances is not implemented by Gyropilot",
        ),
        (
            "logs describe-log-streams --log-group-name /no/such/group",
            "An error occurred (ResourceNotFoundException) when calling the DescribeLogStreams operation: ",
        ),
        (
            "s3 ls s3://no-such-bucket-of-ours",
            "An error occurred (NoSuchBucket) when calling the ListObjectsV2 operation: ",
        ),
    ],
)
def test_refusals_are_printed_in_awss_form(cli: Cli, line: str, words: str) -> None:
    done = cli.attempt(line)
    assert done.status not in {0, 2}, "2 would be the CLI's own complaint about the command"
    assert words in done.errors

"""What every record store must do: subclass `RecordStoreSuite` and override its fixture `store`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from gyropilot.service.errors import AlreadyExistsError, ConflictError, NotFoundError
from gyropilot.service.ports import Query, RecordStore, position_of
from gyropilot.service.record_kinds import RECORD_KINDS
from gyropilot.service.records import (
    AutoMLJob,
    Candidate,
    Container,
    Deployment,
    Endpoint,
    EndpointConfig,
    Lease,
    Metric,
    Model,
    Problem,
    Record,
    StateChange,
    Training,
    TrainingJob,
    Transform,
    TransformJob,
    Variant,
)
from gyropilot.service.states import CandidateStatus, EndpointStatus, JobStatus, JobStep
from gyropilot.service.tuning_records import (
    PipelineFit,
    PipelineTransform,
    ProcessingPart,
    TunedParameter,
    TunedPipeline,
    TuningJob,
)
from gyropilot.testing.threads import run_together

_NOON = datetime(2024, 5, 6, 12, 0, 0, 123456, tzinfo=UTC)
_THREADS = 8
_CONTAINER = Container(image="algo:1", model_data_url="s3://bucket/model.tar.gz", environment={"A": "b"})
_VARIANT = Variant(name="all", model="model", instance_count=2, weight=0.5)
_METRIC = Metric(name="accuracy", value=0.125, higher_is_better=True)
_PROBLEM = Problem(data_uri="s3://bucket/in/", target="y", output_uri="s3://bucket/out/", algorithms=("linear",))
_TIMES: dict[str, Any] = {"created_at": _NOON, "modified_at": _NOON + timedelta(seconds=1)}

_SAMPLES: tuple[Record, ...] = (
    AutoMLJob(
        name="Job",
        **_TIMES,
        request={"AutoMLJobName": "Job", "Tags": [{"Key": "ü", "Value": "\n"}], "N": 1, "F": 0.1, "B": True, "Z": None},
        problem=_PROBLEM,
        status=JobStatus.STOPPING,
        step=JobStep.TRAINING_MODELS,
        started_at=_NOON,
        lease=Lease(owner="host:1", expires_at=_NOON),
        attempts=2,
        findings=("one", "two"),
        history=(StateChange(at=_NOON, status=JobStatus.IN_PROGRESS, step=JobStep.STARTING),),
        announced=1,
    ),
    Candidate(
        name="Candidate",
        parent="Job",
        **_TIMES,
        status=CandidateStatus.COMPLETED,
        algorithm="linear",
        parameters={"c": 1e-9, "deep": {"list": [1, 2]}},
        ended_at=_NOON,
        objective=_METRIC,
        metrics=(_METRIC, _METRIC),
        pipeline="dpp0",
        recipe=("impute", "scale"),
        part_metrics=((_METRIC,), (_METRIC, _METRIC)),
        containers=(_CONTAINER,),
    ),
    ProcessingPart(name="db-1", parent="Job", **_TIMES, status=JobStatus.FAILED, ended_at=_NOON, failure_reason="why"),
    PipelineFit(
        name="Job-dpp0-1",
        parent="Job",
        **_TIMES,
        pipeline="dpp0",
        algorithm="linear",
        recipe=("impute", "scale"),
        columns=3,
        model_data_url="s3://bucket/out/Job/data-processor-models/Job-dpp0-1/output/model.tar.gz",
    ),
    PipelineTransform(name="Job-dpp0-csv-1", parent="Job", **_TIMES, pipeline="dpp0", model="Job-dpp0-1"),
    TuningJob(
        name="tuning-job-1",
        parent="Job",
        **_TIMES,
        pipelines=(
            TunedPipeline(
                name="dpp0",
                algorithm="linear",
                recipe=("impute", "scale"),
                parameters=(
                    TunedParameter(name="c", low=1e-9, high=1.5, is_whole=True, is_logarithmic=True),
                    TunedParameter(name="solver", values=("a", "b")),
                ),
            ),
        ),
        max_candidates=7,
    ),
    TrainingJob(
        name="Training",
        **_TIMES,
        request={"TrainingJobName": "Training"},
        training=Training(automl_job="Job", candidate="Candidate", problem=_PROBLEM),
        model_data_url="s3://bucket/out/Training/output/model.tar.gz",
        metrics=(_METRIC,),
    ),
    TransformJob(
        name="Transform",
        **_TIMES,
        request={"TransformJobName": "Transform"},
        transform=Transform(
            input_uri="s3://bucket/in/",
            output_uri="s3://bucket/out",
            max_payload_bytes=1 << 20,
            environment={"A": "b"},
            joins_input=True,
        ),
        containers=(_CONTAINER,),
        step=JobStep.TRANSFORMING,
    ),
    Model(name="Model", **_TIMES, request={}, containers=(_CONTAINER, _CONTAINER)),
    EndpointConfig(name="Config", **_TIMES, request={}, variants=(_VARIANT,)),
    Endpoint(
        name="Endpoint",
        **_TIMES,
        status=EndpointStatus.IN_SERVICE,
        config="Config",
        variants=(_VARIANT,),
        containers={"all": (_CONTAINER,)},
        number=1,
        update=Deployment(number=2, config="Next", variants=(_VARIANT,), containers={"all": (_CONTAINER,)}),
        updated_at=_NOON,
    ),
)


def make_candidate(name: str, *, parent: str = "job", minute: int = 0, **members: Any) -> Candidate:
    """Return a candidate made so many minutes after noon."""
    at = _NOON + timedelta(minutes=minute)
    basis = Candidate(name=name, parent=parent, created_at=at, modified_at=at, algorithm="linear")
    return replace(basis, **members)


class RecordStoreSuite:
    """The obligations of `gyropilot.service.ports.RecordStore`."""

    @pytest.fixture
    def store(self) -> Iterator[RecordStore]:
        """Give an empty store, and close it at the end."""
        raise NotImplementedError

    def test_samples_cover_every_kind(self) -> None:
        """A new kind of record needs a sample here."""
        assert {type(sample) for sample in _SAMPLES} == set(RECORD_KINDS)

    @pytest.mark.parametrize("sample", _SAMPLES, ids=lambda sample: sample.kind)
    def test_gives_back_what_was_stored(self, store: RecordStore, sample: Record) -> None:
        """Every member of every kind comes back."""
        stored = store.insert(sample)
        assert stored == replace(sample, version=1)
        assert store.get(type(sample), sample.name, parent=sample.parent) == stored

    def test_keeps_moments_of_any_zone(self, store: RecordStore) -> None:
        """A moment is the same moment afterwards."""
        at = _NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))
        store.insert(make_candidate("a", created_at=at))
        assert store.get(Candidate, "a", parent="job").created_at == at

    def test_ignores_case_of_names_and_parents(self, store: RecordStore) -> None:
        """Also beyond ASCII; the spelling stays."""
        store.insert(make_candidate("Ärger-ONE", parent="Jöb"))
        found = store.get(Candidate, "äRGER-one", parent="JÖB")
        assert (found.name, found.parent) == ("Ärger-ONE", "Jöb")

    def test_refuses_a_taken_name(self, store: RecordStore) -> None:
        """The first record stays as it was."""
        first = store.insert(make_candidate("one"))
        with pytest.raises(AlreadyExistsError) as caught:
            store.insert(make_candidate("ONE", minute=5))
        assert (caught.value.kind, caught.value.name) == ("candidate", "ONE")
        assert store.find(Candidate, Query()) == [first]

    def test_names_are_taken_within_kind_and_parent(self, store: RecordStore) -> None:
        """The same name may live elsewhere."""
        store.insert(make_candidate("one", parent="a"))
        store.insert(make_candidate("one", parent="b"))
        store.insert(Model(name="one", **_TIMES, request={}, containers=()))
        assert store.count(Candidate, Query()) == 2
        assert store.count(Model, Query()) == 1

    def test_misses_what_is_not_there(self, store: RecordStore) -> None:
        """Neither under another parent nor as another kind."""
        store.insert(make_candidate("one", parent="a"))
        with pytest.raises(NotFoundError) as caught:
            store.get(Candidate, "one", parent="b")
        assert (caught.value.kind, caught.value.name) == ("candidate", "one")
        with pytest.raises(NotFoundError):
            store.get(Model, "one")

    def test_replaces(self, store: RecordStore) -> None:
        """The version counts up, and the new record is the one that is found."""
        read = store.insert(make_candidate("one"))
        changed = store.replace(replace(read, status=CandidateStatus.FAILED, modified_at=_NOON + timedelta(hours=1)))
        assert changed.version == 2
        assert store.get(Candidate, "one", parent="job") == changed
        assert store.find(Candidate, Query(states=frozenset({"Failed"}))) == [changed]
        assert store.find(Candidate, Query(modified_after=_NOON)) == [changed]

    def test_refuses_to_replace_what_was_changed(self, store: RecordStore) -> None:
        """Whoever read first and writes second has to read again."""
        read = store.insert(make_candidate("one"))
        changed = store.replace(replace(read, failure_reason="first"))
        with pytest.raises(ConflictError):
            store.replace(replace(read, failure_reason="second"))
        assert store.get(Candidate, "one", parent="job") == changed

    def test_refuses_to_replace_what_is_not_there(self, store: RecordStore) -> None:
        """Nothing comes into being by it."""
        with pytest.raises(NotFoundError):
            store.replace(make_candidate("one"))
        assert store.count(Candidate, Query()) == 0

    def test_deletes(self, store: RecordStore) -> None:
        """Afterwards it is not there, and its name is free."""
        first = store.insert(make_candidate("one"))
        store.delete(Candidate, "ONE", parent="JOB")
        with pytest.raises(NotFoundError):
            store.get(Candidate, "one", parent="job")
        with pytest.raises(NotFoundError):
            store.replace(first)
        assert store.insert(make_candidate("One")).version == 1

    def test_refuses_to_delete_what_is_not_there(self, store: RecordStore) -> None:
        """The error names it."""
        with pytest.raises(NotFoundError):
            store.delete(Candidate, "one", parent="job")

    def test_shares_nothing_with_its_callers(self, store: RecordStore) -> None:
        """Changing a mapping that came in or went out changes nothing in the store."""
        parameters: dict[str, Any] = {"a": 1}
        store.insert(make_candidate("one", parameters=parameters))
        parameters["a"] = 2
        found = store.get(Candidate, "one", parent="job")
        assert isinstance(found.parameters, dict)
        found.parameters["a"] = 3
        assert store.get(Candidate, "one", parent="job").parameters == {"a": 1}

    @pytest.mark.parametrize(
        ("query", "names"),
        [
            (Query(), "a b c d"),
            (Query(parent="JOB"), "a b c"),
            (Query(parent="none"), ""),
            (Query(name="A"), "a"),
            (Query(name="a", parent="other"), ""),
            (Query(states=frozenset({"Completed"})), "b c"),
            (Query(states=frozenset({"Completed", "InProgress"})), "a b c d"),
            (Query(states=frozenset({"Stopped"})), ""),
            (Query(created_after=_NOON), "b c d"),
            (Query(created_after=_NOON + timedelta(minutes=1)), "c d"),
            (Query(created_before=_NOON + timedelta(minutes=2)), "a b"),
            (Query(created_after=_NOON, created_before=_NOON + timedelta(minutes=2)), "b"),
            (Query(modified_after=_NOON + timedelta(hours=1)), "a"),
            (Query(modified_before=_NOON + timedelta(hours=1)), "c d"),
            (Query(parent="job", states=frozenset({"Completed"}), name_contains="C"), "c"),
        ],
    )
    def test_selects(self, store: RecordStore, query: Query, names: str) -> None:
        """Every condition holds; limits of time are exclusive."""
        hour = _NOON + timedelta(hours=1)
        store.insert(make_candidate("a", modified_at=hour + timedelta(microseconds=1)))
        store.insert(make_candidate("b", minute=1, modified_at=hour, status=CandidateStatus.COMPLETED))
        store.insert(make_candidate("c", minute=2, status=CandidateStatus.COMPLETED))
        store.insert(make_candidate("d", minute=3, parent="other"))
        store.insert(Model(name="x", **_TIMES, request={}, containers=()))
        assert " ".join(record.name for record in store.find(Candidate, query)) == names
        assert store.count(Candidate, query) == len(names.split())

    @pytest.mark.parametrize(
        ("text", "names"),
        [
            ("", "50%-off 50x-off Straße a_b axb"),
            ("%", "50%-off"),
            ("_", "a_b"),
            ("0X", "50x-off"),
            ("STRASSE", "Straße"),
            ("\\", ""),
        ],
    )
    def test_finds_text_in_names(self, store: RecordStore, text: str, names: str) -> None:
        """Case is ignored and no character is special."""
        for name in ("50%-off", "50x-off", "a_b", "axb", "Straße"):
            store.insert(make_candidate(name))
        found = [record.name for record in store.find(Candidate, Query(name_contains=text))]
        assert " ".join(sorted(found)) == names

    @pytest.mark.parametrize(
        ("order_by", "names"),
        [("created_at", "b A d c"), ("modified_at", "c b A d"), ("name", "A b c d"), ("state", "c A b d")],
    )
    def test_orders(self, store: RecordStore, order_by: str, names: str) -> None:
        """Ties go by name, without regard to case; descending is the reverse of ascending."""
        completed = CandidateStatus.COMPLETED
        late = _NOON + timedelta(hours=1)
        store.insert(make_candidate("A", minute=1, modified_at=late))
        store.insert(make_candidate("b", minute=0, modified_at=_NOON + timedelta(minutes=30)))
        store.insert(make_candidate("d", minute=1, modified_at=late))
        store.insert(make_candidate("c", minute=2, modified_at=_NOON, status=completed))
        ascending = store.find(Candidate, Query(order_by=order_by))
        assert " ".join(record.name for record in ascending) == names
        assert store.find(Candidate, Query(order_by=order_by, descending=True)) == list(reversed(ascending))

    @pytest.mark.parametrize("order_by", ["created_at", "modified_at", "name", "state"])
    @pytest.mark.parametrize("descending", [False, True])
    def test_pages_neither_repeat_nor_skip(self, store: RecordStore, order_by: str, descending: bool) -> None:
        """Also when all records are alike in what they are ordered by."""
        for number in range(7):
            store.insert(make_candidate(f"n{number}", parent=f"p{number % 2}"))
            store.insert(make_candidate("same", parent=f"q{number}"))
        query = Query(order_by=order_by, descending=descending)
        pages = [store.find(Candidate, replace(query, limit=4))]
        while pages[-1]:
            after = position_of(pages[-1][-1], order_by)
            pages.append(store.find(Candidate, replace(query, limit=4, after=after)))
        assert [len(page) for page in pages] == [4, 4, 4, 2, 0]
        assert [record for page in pages for record in page] == store.find(
            Candidate, Query(order_by=order_by, descending=descending)
        )

    @pytest.mark.parametrize("order_by", ["created_at", "modified_at", "name", "state"])
    @pytest.mark.parametrize("descending", [False, True])
    def test_pages_stay_in_step_while_records_come_and_go(
        self, store: RecordStore, order_by: str, descending: bool
    ) -> None:
        """What stands before a page's end moves nothing that comes after it; the end itself may be gone."""
        for number in range(2, 8):
            store.insert(make_candidate(f"n{number}", minute=number))
        query = Query(order_by=order_by, descending=descending)
        first = store.find(Candidate, replace(query, limit=3))
        after = position_of(first[-1], order_by)
        rest = store.find(Candidate, replace(query, after=after))
        before = make_candidate("n9", minute=9) if descending else make_candidate("n1", minute=1)
        store.insert(before)
        store.delete(Candidate, first[-1].name, parent="job")
        assert store.find(Candidate, replace(query, after=after)) == rest
        assert len(rest) == 3

    def test_counts_without_limit_and_position(self, store: RecordStore) -> None:
        """A page's query also tells how many records there are in all."""
        for number in range(5):
            store.insert(make_candidate(f"n{number}"))
        after = position_of(store.get(Candidate, "n2", parent="job"), "name")
        assert store.count(Candidate, Query(limit=2, order_by="name", after=after)) == 5
        assert store.find(Candidate, Query(limit=0)) == []
        assert len(store.find(Candidate, Query(order_by="name", after=after))) == 2

    def test_one_of_many_inserts_of_a_name_wins(self, store: RecordStore) -> None:
        """The others are told."""

        def insert(number: int) -> bool:
            try:
                store.insert(make_candidate("one", algorithm=str(number)))
            except AlreadyExistsError:
                return False
            return True

        won = run_together(insert, _THREADS)
        assert sum(won) == 1
        assert store.get(Candidate, "one", parent="job").algorithm == str(won.index(True))

    def test_no_change_is_lost(self, store: RecordStore) -> None:
        """Writers that read again after a conflict all get their change in."""
        store.insert(_SAMPLES[0])

        def count_up(_number: int) -> None:
            while True:
                job = store.get(AutoMLJob, "job")
                try:
                    store.replace(replace(job, attempts=job.attempts + 1))
                except ConflictError:
                    continue
                return

        before = store.get(AutoMLJob, "job")
        run_together(count_up, _THREADS)
        after = store.get(AutoMLJob, "job")
        assert after.attempts == before.attempts + _THREADS
        assert after.version == before.version + _THREADS

    def test_readers_see_whole_records(self, store: RecordStore) -> None:
        """Never a mix of what was and what is, while somebody writes."""
        stored = store.insert(make_candidate("one", algorithm="0", failure_reason="0"))

        def work(number: int) -> None:
            nonlocal stored
            for turn in range(20):
                if number == 0:
                    stored = store.replace(replace(stored, algorithm=str(turn), failure_reason=str(turn)))
                else:
                    found = store.get(Candidate, "one", parent="job")
                    assert found.algorithm == found.failure_reason

        run_together(work, _THREADS)

"""What `AutoML` and `AutoMLV2` share: the candidates of a job, and what is made of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gyropilot.sdk.automl.candidates import CandidateEstimator
from gyropilot.sdk.automl.inference_keys import choose_inference_keys
from gyropilot.sdk.automl.leaderboard import describe_entry, read_leaderboard
from gyropilot.sdk.automl.options import choose_role, choose_security, choose_session
from gyropilot.sdk.errors import NoBestCandidateError
from gyropilot.sdk.frames import to_frame
from gyropilot.sdk.names import name_from_base

if TYPE_CHECKING:
    from gyropilot.sdk.models.deserializers import BaseDeserializer
    from gyropilot.sdk.models.pipeline_model import PipelineModel
    from gyropilot.sdk.models.serializers import BaseSerializer
    from gyropilot.sdk.session import Session

Document = dict[str, Any]
Candidate = CandidateEstimator | Mapping[str, Any] | None


class JobHandle(ABC):
    """A job by its name: its description, its candidates, models and endpoints of them."""

    current_job_name: str | None

    def __init__(
        self,
        sagemaker_session: Session | None,
        role: str | None,
        *,
        output_kms_key: str | None,
        volume_kms_key: str | None,
        encrypt_inter_container_traffic: bool | None,
        vpc_config: Mapping[str, Any] | None,
        tags: Any,
    ) -> None:
        self.sagemaker_session = choose_session(sagemaker_session)
        self.role = choose_role(self.sagemaker_session, role)
        security = choose_security(
            self.sagemaker_session,
            output_kms_key=output_kms_key,
            volume_kms_key=volume_kms_key,
            encrypt_inter_container_traffic=encrypt_inter_container_traffic,
            vpc_config=vpc_config,
            tags=tags,
        )
        self.output_kms_key = security.output_kms_key
        self.volume_kms_key = security.volume_kms_key
        self.encrypt_inter_container_traffic = security.encrypt_inter_container_traffic
        self.vpc_config = security.vpc_config
        self.tags = security.tags

    @abstractmethod
    def describe_auto_ml_job(self, job_name: str | None = None) -> Document:
        """Return the description of a job; of this object's own unless another is named."""

    def _name(self, job_name: str | None) -> str:
        name = job_name or self.current_job_name
        if not name:
            raise ValueError("There is no job yet: call fit, or give job_name.")
        return name

    def best_candidate(self, job_name: str | None = None) -> Document:
        """Return the best candidate of a job, as it is now; while the job runs, the best so far.

        Raises:
            NoBestCandidateError: when there is none; the message says how the job stands.
        """
        job = self.describe_auto_ml_job(job_name)
        best = job.get("BestCandidate")
        if not best:
            raise NoBestCandidateError(_explain_absence(job))
        return dict(best)

    def list_candidates(
        self,
        job_name: str | None = None,
        status_equals: str | None = None,
        candidate_name: str | None = None,
        candidate_arn: str | None = None,
        sort_order: str | None = None,
        sort_by: str | None = None,
        max_results: int | None = None,
    ) -> list[Document]:
        """Return the candidates of a job, all of them unless a number is given.

        Args:
            job_name: the job; this object's own unless given.
            status_equals: `Completed`, `InProgress`, `Failed`, `Stopped` or `Stopping`.
            candidate_name: only the one of this name.
            candidate_arn: only the one that has a step of this ARN.
            sort_order: `Ascending` or `Descending`.
            sort_by: `CreationTime`, `Status` or `FinalObjectiveMetricValue`.
            max_results: how many at most.
        """
        found: list[Document] = self.sagemaker_session.list_candidates(
            self._name(job_name),
            status_equals=status_equals,
            candidate_name=candidate_name,
            candidate_arn=candidate_arn,
            sort_order=sort_order,
            sort_by=sort_by,
            max_results=max_results,
        )["Candidates"]
        return found

    def leaderboard(self, job_name: str | None = None) -> Any:
        """Return the candidates as a pandas frame, best first: algorithm, status, score, and every metric.

        Failed and stopped candidates are at the end, with the reason.
        """
        return to_frame(
            [describe_entry(entry) for entry in read_leaderboard(self.sagemaker_session, self._name(job_name))]
        )

    def create_model(
        self,
        name: str | None,
        sagemaker_session: Session | None = None,
        candidate: Candidate = None,
        vpc_config: Mapping[str, Any] | None = None,
        enable_network_isolation: bool = False,
        model_kms_key: str | None = None,
        predictor_cls: Callable[[str, Session], Any] | None = None,
        inference_response_keys: Sequence[str] | None = None,
    ) -> PipelineModel:
        """Return a model of a candidate that can be deployed; nothing is created on the server yet.

        Args:
            name: the model's name.
            sagemaker_session: where it is to be created; this object's own session unless given.
            candidate: which candidate; the best one unless given.
            vpc_config: the network of its containers: `Subnets` and `SecurityGroupIds`.
            enable_network_isolation: whether its containers may reach no network.
            model_kms_key: the key that encrypts a repacked archive; kept, since none is repacked here.
            predictor_cls: makes what `deploy` of the model returns, from the endpoint's name and the session.
            inference_response_keys: what predictions are to hold, in this order: `predicted_label`, `probability`,
                `labels`, `probabilities`.

        Raises:
            NoBestCandidateError: when no candidate is given and the job has none.
            ValueError: when the candidate has no model, or the keys are none that it can answer with.
        """
        from gyropilot.sdk.models.model import Model
        from gyropilot.sdk.models.pipeline_model import PipelineModel

        session = sagemaker_session or self.sagemaker_session
        chosen = self._choose(candidate, session)
        self.validate_and_update_inference_response(chosen.containers, inference_response_keys)
        models = [
            Model(
                image_uri=container["Image"],
                model_data=container["ModelDataUrl"],
                role=self.role,
                env=container["Environment"],
                vpc_config=vpc_config,
                sagemaker_session=session,
                enable_network_isolation=enable_network_isolation,
                model_kms_key=model_kms_key,
            )
            for container in chosen.containers
        ]
        return PipelineModel(
            models=models,
            role=self.role,
            predictor_cls=predictor_cls,
            name=name or name_from_base(chosen.name),
            vpc_config=vpc_config,
            sagemaker_session=session,
            enable_network_isolation=enable_network_isolation,
        )

    def _choose(self, candidate: Candidate, session: Session) -> CandidateEstimator:
        if not isinstance(candidate, CandidateEstimator):
            candidate = CandidateEstimator(candidate or self.best_candidate(), sagemaker_session=session)
        if not candidate.containers:
            raise ValueError(f"Candidate {candidate.name} has no model to deploy; choose one that is Completed.")
        return candidate

    def deploy(
        self,
        initial_instance_count: int,
        instance_type: str,
        serializer: BaseSerializer | None = None,
        deserializer: BaseDeserializer | None = None,
        candidate: Candidate = None,
        sagemaker_session: Session | None = None,
        name: str | None = None,
        endpoint_name: str | None = None,
        tags: Any = None,
        wait: bool = True,
        vpc_config: Mapping[str, Any] | None = None,
        enable_network_isolation: bool = False,
        model_kms_key: str | None = None,
        predictor_cls: Callable[[str, Session], Any] | None = None,
        inference_response_keys: Sequence[str] | None = None,
        volume_size: int | None = None,
        model_data_download_timeout: int | None = None,
        container_startup_health_check_timeout: int | None = None,
    ) -> Any:
        """Serve a candidate under an endpoint and return what asks it: a `Predictor` of CSV unless told otherwise.

        Args:
            initial_instance_count: how many machines; recorded, there is one here.
            instance_type: their kind, as `ml.m5.large`; recorded.
            serializer: writes what is predicted for; the predictor's own unless given.
            deserializer: reads what is answered; the predictor's own unless given.
            candidate: which candidate; the best one unless given.
            sagemaker_session: where; this object's own session unless given.
            name: the model's name; the candidate's and the time unless given.
            endpoint_name: the endpoint's name; the model's unless given.
            tags: tags of model, configuration and endpoint.
            wait: whether to wait until the endpoint is in service.
            vpc_config: the network of its containers: `Subnets` and `SecurityGroupIds`; recorded.
            enable_network_isolation: whether its containers may reach no network.
            model_kms_key: the key that encrypts the machines' disks; recorded.
            predictor_cls: makes what is returned, from the endpoint's name and the session.
            inference_response_keys: what predictions are to hold: see `create_model`.
            volume_size: size of each machine's disk in GB; recorded.
            model_data_download_timeout: how many seconds the archive may take to be fetched; recorded.
            container_startup_health_check_timeout: how many seconds the model may take to be opened; recorded.

        Raises:
            NoBestCandidateError: when no candidate is given and the job has none.
            UnexpectedStatusException: when the endpoint came not into service.
        """
        model = self.create_model(
            name=name,
            sagemaker_session=sagemaker_session,
            candidate=candidate,
            vpc_config=vpc_config,
            enable_network_isolation=enable_network_isolation,
            model_kms_key=model_kms_key,
            predictor_cls=predictor_cls,
            inference_response_keys=inference_response_keys,
        )
        return model.deploy(
            initial_instance_count=initial_instance_count,
            instance_type=instance_type,
            serializer=serializer,
            deserializer=deserializer,
            endpoint_name=endpoint_name,
            tags=tags,
            wait=wait,
            kms_key=model_kms_key,
            volume_size=volume_size,
            model_data_download_timeout=model_data_download_timeout,
            container_startup_health_check_timeout=container_startup_health_check_timeout,
        )

    @classmethod
    def validate_and_update_inference_response(
        cls, inference_containers: list[Document], inference_response_keys: Sequence[str] | None
    ) -> None:
        """Make containers answer with these keys, in place; without keys nothing changes.

        Raises:
            ValueError: when the last container cannot answer with one of them.
        """
        choose_inference_keys(inference_containers, inference_response_keys)


def _explain_absence(job: Mapping[str, Any]) -> str:
    name, status, step = job["AutoMLJobName"], job["AutoMLJobStatus"], job["AutoMLJobSecondaryStatus"]
    if status in {"InProgress", "Stopping"}:
        return f"AutoML job {name} has no best candidate yet ({status}: {step}); ask again later, or wait for it."
    reason = job.get("FailureReason") or "no candidate was finished; give it more time or more candidates"
    return f"AutoML job {name} ended without a candidate ({status}: {step}): {reason}"

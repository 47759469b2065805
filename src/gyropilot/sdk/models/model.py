"""One container of a model: an image, an archive and an environment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gyropilot.sdk.session import Session


class Model:
    """A container that a `PipelineModel` is made of.

    Args:
        image_uri: the image.
        model_data: `s3://` address of the archive.
        role: the role of its own; a pipeline's containers have that of the pipeline.
        predictor_cls: makes what deploying returns; kept.
        env: its environment.
        name: its name; kept.
        vpc_config: its network; kept.
        sagemaker_session: where it is to be created; kept.
        enable_network_isolation: whether it may reach no network.
        model_kms_key: the key that encrypts a repacked archive; kept, since none is repacked.
    """

    def __init__(
        self,
        image_uri: str | None = None,
        model_data: str | None = None,
        role: str | None = None,
        predictor_cls: Callable[[str, Session], Any] | None = None,
        env: Mapping[str, str] | None = None,
        name: str | None = None,
        vpc_config: Mapping[str, Any] | None = None,
        sagemaker_session: Session | None = None,
        enable_network_isolation: bool | None = None,
        model_kms_key: str | None = None,
    ) -> None:
        self.image_uri = image_uri
        self.model_data = model_data
        self.role = role
        self.predictor_cls = predictor_cls
        self.env = dict(env or {})
        self.name = name
        self.vpc_config = vpc_config
        self.sagemaker_session = sagemaker_session
        self._enable_network_isolation = enable_network_isolation
        self.model_kms_key = model_kms_key

    def __repr__(self) -> str:
        return f"Model({self.image_uri!r}, {self.model_data!r})"

    def enable_network_isolation(self) -> bool:
        """Tell whether it may reach no network."""
        return bool(self._enable_network_isolation)

    def container_def(self) -> dict[str, Any]:
        """Return the member of `Containers`."""
        archive = {} if self.model_data is None else {"ModelDataUrl": self.model_data}
        return {"Image": self.image_uri, "Environment": self.env, **archive}

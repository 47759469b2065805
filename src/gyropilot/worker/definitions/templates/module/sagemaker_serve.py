"""Answers requests with a trained model, as SageMaker's inference containers ask a script to.

    python sagemaker_serve.py --model model.tar.gz --port 8080

serves it over HTTP by itself: `GET /ping` and `POST /invocations`.
"""

from __future__ import annotations

import os

from gyropilot.engine import Predictor
from gyropilot.engine.bundle.load import load
from gyropilot.serving.__main__ import main
from gyropilot.serving.answers import write_answers
from gyropilot.serving.media import choose_incoming, choose_outgoing
from gyropilot.serving.options import read_options
from gyropilot.serving.rows import read_rows


def model_fn(model_dir: str) -> Predictor:
    """Open the model that an archive was unpacked to, or the archive itself."""
    return load(model_dir)


def transform_fn(model: Predictor, body: bytes, content_type: str, accept: str) -> tuple[bytes, str]:
    """Return the predictions for the rows of a request, and their media type.

    What an answer holds is said by the container's environment, as `SAGEMAKER_INFERENCE_OUTPUT`.
    """
    options = read_options(os.environ)
    media_type = choose_outgoing(accept, options.default_accept)
    rows = read_rows(body, choose_incoming(content_type), model)
    return write_answers(model.predict_rows(rows), model, options, media_type), media_type


if __name__ == "__main__":
    main()

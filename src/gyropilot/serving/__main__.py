"""`python -m gyropilot.serving --model PATH --port N`."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from gyropilot.engine.errors import BundleError
from gyropilot.serving.app import make_app
from gyropilot.serving.options import read_options
from gyropilot.serving.run_server import run_server
from gyropilot.serving.stages import open_model


def main(arguments: Sequence[str] | None = None) -> None:
    """Open a model and serve it until asked to end.

    Raises:
        SystemExit: when the model or the environment cannot be understood, or the port cannot be had.
    """
    parser = argparse.ArgumentParser(prog="python -m gyropilot.serving", description="Serve one model over HTTP.")
    parser.add_argument(
        "--model",
        type=Path,
        required=True,
        action="append",
        help="a model's folder or its model.tar.gz; again for each stage of a model in stages, in their order",
    )
    parser.add_argument("--port", type=int, required=True, help="0: any free one")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--announce", type=Path, help="file to write http://host:port to once it listens")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        app = make_app(open_model(options.model, os.environ), read_options(os.environ))
    except (BundleError, OSError, ValueError) as error:
        sys.exit(f"The model cannot be served: {error}")
    run_server(app, host=options.host, port=options.port, announcement=options.announce)


if __name__ == "__main__":
    main()

"""A worker for the launcher's suite: does what its job's name says."""

import os
import signal
import sys


def main(behaviour: str) -> None:
    if behaviour == "finish":
        print("done")
    elif behaviour == "fail":
        raise RuntimeError("x" * 10_000 + "the end")
    elif behaviour == "environment":
        print(os.environ.get("GYROPILOT_REGION"), os.environ.get("GYROPILOT_HOME"))
    else:
        if behaviour == "refuse":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print("ready")
        while True:
            signal.pause()


if __name__ == "__main__":
    main(sys.argv[1])

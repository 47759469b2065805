"""A model server for the launcher's suite: listens, announces itself and waits, or fails."""

import os
import signal
import socket
import sys
from pathlib import Path


def main(announcement: Path) -> None:
    print(os.environ["GREETING"])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        temporary = announcement.with_suffix(".new")
        temporary.write_text(f"http://127.0.0.1:{listener.getsockname()[1]}")
        temporary.rename(announcement)
        while True:
            signal.pause()


if __name__ == "__main__":
    arguments = dict(zip(sys.argv[1::2], sys.argv[2::2], strict=True))
    assert set(arguments) == {"--model", "--port", "--announce"}
    assert arguments["--port"] == "0"
    if "fail" in arguments["--model"]:
        raise RuntimeError("x" * 10_000 + "the end")
    main(Path(arguments["--announce"]))

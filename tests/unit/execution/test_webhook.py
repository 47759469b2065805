"""Events are posted to a real receiver on loopback."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from gyropilot.execution.webhook import Webhook
from gyropilot.service.courier import EventRefusedError, EventUndeliveredError


@dataclass
class Receiver:
    """What came, and the status to answer with."""

    url: str = ""
    status: int = 200
    received: list[tuple[str, str, bytes]] = field(default_factory=list)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    state = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            state.received.append((self.path, self.headers["content-type"], body))
            self.send_response(state.status)
            if state.status == 302:
                self.send_header("location", "/elsewhere")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_address[1]}/hook?token=t"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield state
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("status", [200, 202, 204])
def test_an_event_arrives(receiver: Receiver, status: int) -> None:
    receiver.status = status
    hook = Webhook(receiver.url)
    hook.send(b'{"a":1}')
    hook.close()
    assert receiver.received == [("/hook?token=t", "application/json", b'{"a":1}')]


@pytest.mark.parametrize("status", [500, 503, 429, 408])
def test_some_answers_mean_later(receiver: Receiver, status: int) -> None:
    receiver.status = status
    hook = Webhook(receiver.url)
    with pytest.raises(EventUndeliveredError, match=str(status)):
        hook.send(b"{}")
    hook.close()
    assert len(receiver.received) == 1, "the courier tries again, not the webhook"


@pytest.mark.parametrize("status", [302, 400, 401, 404, 410])
def test_other_answers_mean_never(receiver: Receiver, status: int) -> None:
    receiver.status = status
    hook = Webhook(receiver.url)
    with pytest.raises(EventRefusedError, match=str(status)):
        hook.send(b"{}")
    hook.close()
    assert len(receiver.received) == 1


def test_nobody_there_means_later_and_the_address_is_kept_to_itself() -> None:
    hook = Webhook("http://127.0.0.1:1/secret-token")
    with pytest.raises(EventUndeliveredError) as caught:
        hook.send(b"{}")
    hook.close()
    assert "secret-token" not in str(caught.value)

"""What every log store must do: subclass `LogStoreSuite` and override its fixture `store`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from gyropilot.service.errors import LogStreamNotFoundError
from gyropilot.service.ports import LogLine, LogSpan, LogStore
from gyropilot.testing.threads import run_together

_NOON = datetime(2024, 5, 6, 12, 0, 0, 123456, tzinfo=UTC)
_GROUP = "/aws/sagemaker/AutoMLJobs"
_THREADS = 8
_ODD_NAMES = ("a", "a/", "a/b", "..", "../..", "/", "A", "x" * 512, "ä 🙂", "%2F", "a\nb")


def _make_lines(*messages: str) -> Sequence[LogLine]:
    return [LogLine(at=_NOON + timedelta(seconds=number), message=text) for number, text in enumerate(messages)]


class LogStoreSuite:
    """The obligations of `gyropilot.service.ports.LogStore`."""

    @pytest.fixture
    def store(self) -> LogStore:
        """Give an empty store."""
        raise NotImplementedError

    def test_gives_back_what_was_appended(self, store: LogStore) -> None:
        """In the order of appending, whatever the text is."""
        first, second = _make_lines("one", "two\nlines", "", "ü 🙂 \0 \\"), _make_lines("x" * 100_000)
        store.append(_GROUP, "job", first)
        store.append(_GROUP, "job", second)
        assert list(store.read(_GROUP, "job")) == [*first, *second]

    def test_reads_from_a_number_on(self, store: LogStore) -> None:
        """Beyond the end there is nothing yet."""
        lines = _make_lines(*"abcdef")
        store.append(_GROUP, "job", lines)
        assert list(store.read(_GROUP, "job", start=2)) == lines[2:]
        assert list(store.read(_GROUP, "job", start=2, limit=3)) == lines[2:5]
        assert list(store.read(_GROUP, "job", start=6)) == []
        assert list(store.read(_GROUP, "job", limit=0)) == []

    def test_tells_from_when_to_when_a_stream_is(self, store: LogStore) -> None:
        """However long its lines are."""
        lines = _make_lines("x" * 100_000, "b", "c\n" * 50_000, "d")
        for number, line in enumerate(lines, 1):
            store.append(_GROUP, "job", [line])
            assert store.span(_GROUP, "job") == LogSpan(first_at=_NOON, last_at=line.at)
            assert len(store.read(_GROUP, "job")) == number
        with pytest.raises(LogStreamNotFoundError):
            store.span(_GROUP, "other")

    def test_misses_streams_and_groups(self, store: LogStore) -> None:
        """A stream of another group is another stream."""
        store.append(_GROUP, "job", _make_lines("a"))
        with pytest.raises(LogStreamNotFoundError):
            store.read(_GROUP, "other")
        with pytest.raises(LogStreamNotFoundError):
            store.read("other", "job")
        with pytest.raises(LogStreamNotFoundError):
            store.streams("other")

    def test_nothing_comes_of_no_lines(self, store: LogStore) -> None:
        """A stream begins with its first line."""
        store.append(_GROUP, "job", [])
        with pytest.raises(LogStreamNotFoundError):
            store.read(_GROUP, "job")

    def test_lists_streams_in_order(self, store: LogStore) -> None:
        """Those with the prefix only."""
        for name in ("job-2", "job", "other", "job-10", "Job"):
            store.append(_GROUP, name, _make_lines("a"))
        assert list(store.streams(_GROUP)) == ["Job", "job", "job-10", "job-2", "other"]
        assert list(store.streams(_GROUP, prefix="job")) == ["job", "job-10", "job-2"]
        assert list(store.streams(_GROUP, prefix="none")) == []

    def test_lists_groups_in_order(self, store: LogStore) -> None:
        """Those with the prefix only; a group begins with its first line."""
        assert list(store.groups()) == []
        for group in ("/b/c", "/a", "/b", "other"):
            store.append(group, "job", _make_lines("a"))
        store.append("empty", "job", [])
        assert list(store.groups()) == ["/a", "/b", "/b/c", "other"]
        assert list(store.groups(prefix="/b")) == ["/b", "/b/c"]
        assert list(store.groups(prefix="none")) == []

    def test_names_do_not_collide(self, store: LogStore) -> None:
        """Any text names a group or a stream."""
        for group in _ODD_NAMES:
            for stream in _ODD_NAMES:
                store.append(group, stream, _make_lines(group, stream))
        assert list(store.groups()) == sorted(_ODD_NAMES)
        for group in _ODD_NAMES:
            assert list(store.streams(group)) == sorted(_ODD_NAMES)
            for stream in _ODD_NAMES:
                assert [line.message for line in store.read(group, stream)] == [group, stream]

    def test_what_is_appended_together_stays_together(self, store: LogStore) -> None:
        """No other writer's lines come between, and no reader sees a part."""

        def work(number: int) -> None:
            for _ in range(10):
                store.append(_GROUP, "job", _make_lines(*([f"{number} {'x' * 5000}"] * 4)))
                messages = [line.message for line in store.read(_GROUP, "job")]
                assert all(len(set(messages[at : at + 4])) == 1 for at in range(0, len(messages), 4))

        run_together(work, _THREADS)
        assert len(store.read(_GROUP, "job")) == _THREADS * 10 * 4

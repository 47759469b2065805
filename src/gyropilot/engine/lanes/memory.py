"""How much memory there is and how much processes hold, as Linux tells it; elsewhere nothing is known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

SHARE = 0.8
"""The part of what is available that lanes may take unless they are told how much."""
PROC = Path("/proc")
CGROUPS = Path("/sys/fs/cgroup")


def choose_limit() -> int | None:
    """Return what lanes may take of what the machine and every control group of this process have left, in bytes."""
    try:
        room = _read_numbers(PROC / "meminfo")["MemAvailable"]
    except (OSError, KeyError):
        return None
    return int(SHARE * min([room, *_rooms_of_groups()]))


def measure_processes(pids: Iterable[int], limit: int) -> int:
    """Return how many bytes processes hold together, not counting what files can be read from again.

    What they share is told apart only when they would hold more than the limit otherwise: that takes longer.
    """
    pids = list(pids)
    most = sum(_sum(PROC / str(pid) / "status", "RssAnon", "RssShmem") for pid in pids)
    if most <= limit:
        return most
    return sum(_sum(PROC / str(pid) / "smaps_rollup", "Pss_Anon", "Pss_Shmem") for pid in pids)


def _rooms_of_groups() -> Iterator[int]:
    """Yield what is left in each control group that this process is in and that has a limit."""
    with suppress(OSError):
        for line in (PROC / "self" / "cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers == "":
                root, names = CGROUPS, ("memory.max", "memory.current", "inactive_file")
            elif "memory" in controllers.split(","):
                root, names = (
                    CGROUPS / "memory",
                    ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
                )
            else:
                continue
            folder = root / path.lstrip("/")
            # In a container the path may be that of the host: the container's own group is the root then.
            for group in (folder, *folder.parents):
                if group.is_relative_to(root):
                    yield from _room_of_group(group, *names)


def _room_of_group(group: Path, limit: str, usage: str, reclaimable: str) -> Iterator[int]:
    with suppress(OSError, ValueError):  # no such group, or `max`: no limit
        most = int((group / limit).read_text())
        held = int((group / usage).read_text()) - _read_numbers(group / "memory.stat").get(reclaimable, 0)
        yield max(most - held, 0)


def _sum(path: Path, *names: str) -> int:
    with suppress(OSError):  # the process has ended
        numbers = _read_numbers(path)
        return sum(numbers.get(name, 0) for name in names)
    return 0


def _read_numbers(path: Path) -> dict[str, int]:
    """Read lines such as `Name: 12 kB` or `name 12`, in bytes."""
    numbers = {}
    for line in path.read_text().splitlines():
        name, _, rest = line.replace(":", " ", 1).partition(" ")
        number, _, unit = rest.strip().partition(" ")
        if number.isdigit():
            numbers[name] = int(number) * (1024 if unit == "kB" else 1)
    return numbers

"""Measures what a process pays before its first prediction: the import of the predictor, and the opening of a model.

python -m benchmarks.loading MODEL.tar.gz [--repeats 5]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

CHILD = """
import sys, time
began_at = time.perf_counter()
from gyropilot.engine.bundle.load import load
imported_at = time.perf_counter()
import json, pathlib, re
held = int(re.search(r"VmRSS:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text()).group(1))
asked_at = time.perf_counter()
load(sys.argv[1])
print(json.dumps({
    "import_seconds": imported_at - began_at,
    "load_seconds": time.perf_counter() - asked_at,
    "memory_mib": held / 2**10,
}))
"""


def measure_loading(archive: Path, repeats: int = 5) -> dict[str, float]:
    """Return medians over fresh processes: seconds of the import and of opening a model, MiB after the import."""
    runs = [
        json.loads(subprocess.run([sys.executable, "-c", CHILD, str(archive)], check=True, capture_output=True).stdout)
        for _ in range(repeats)
    ]
    return {name: round(statistics.median(run[name] for run in runs), 4) for name in runs[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path, help="a model.tar.gz")
    parser.add_argument("--repeats", type=int, default=5, help="processes")
    arguments = parser.parse_args()
    print(json.dumps(measure_loading(arguments.archive, arguments.repeats)))


if __name__ == "__main__":
    main()

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.wire.installation import Installation, run_installation


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    with run_installation() as running:
        yield running

"""Fixtures of the integration tests."""

import pytest

from deploy.local import ports


@pytest.fixture
def free_port() -> int:
    """A port that nobody listens on."""
    return ports.free_port()

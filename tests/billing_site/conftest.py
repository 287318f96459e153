"""Folders for installations that the tests make."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def open_folder() -> Iterator[Path]:
    """A folder that PostgreSQL's own user may enter; pytest closes its own to all but the one who runs the tests."""
    folder = Path(tempfile.mkdtemp(prefix="ostinato-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)

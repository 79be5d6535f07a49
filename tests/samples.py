"""The published documents that the formats of the trade are tried on. They are read where they lie, never copied."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_FOLDER = Path(os.environ.get("SAMPLES", Path(__file__).parents[2] / "shared" / "samples"))


def sample(path: str) -> bytes:
    """The bytes of one document, by its path in the folder of samples; without the folder the test is skipped."""
    if not _FOLDER.is_dir():
        pytest.skip("the folder of published documents is not here (SAMPLES names it)")
    return (_FOLDER / path).read_bytes()


def samples(pattern: str) -> list[str]:
    """The paths of the documents that match, in order; none where there is no folder."""
    return sorted(str(each.relative_to(_FOLDER)) for each in _FOLDER.glob(pattern) if each.is_file())

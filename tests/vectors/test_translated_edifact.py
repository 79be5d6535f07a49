"""Published EDIFACT documents, each against its golden file."""

from __future__ import annotations

import pytest

from schemas.translate.item import Context
from schemas.translate.recognise import open_document
from tests.golden import check_golden
from tests.samples import sample, samples

CONTEXT = Context(time_zone="Europe/Amsterdam")


@pytest.mark.parametrize("path", samples("edifact/*"))
def test_a_published_document_becomes_what_was_reviewed(path: str) -> None:
    check_golden("edifact", path, open_document(sample(path), "", CONTEXT))

"""Companies read their agreements in sentences, each of which has its French."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from hub.core.agreement import Agreement, AgreementState, Conditions, Provider, Purpose
from hub.core.agreement_words import says
from hub.core.partner import Role, Tier
from hub.core.words import words
from schemas.groups import groups

PLAIN = Agreement("a", Provider(), ("*",), "customs", Purpose.STATISTICS, ("*",), 0)
FULL = Agreement(
    id="b",
    provider=Provider(tier=Tier.AEO, role=Role.EXPORTER, country="NL", aeo="S"),
    types=("customs.seal.*",),
    recipient="customs",
    purpose=Purpose.SECURITY_RISK,
    fields=(*(field for group in groups().values() for field in group.fields), "/data/remarks"),
    valid_from=0,
    valid_to=86_400,
    groups=tuple(groups()),
    conditions=Conditions(places=("NLRTM",), chapters=("93",), modes=("AIR",)),
    legal_basis="Regulation 2447",
    retention_days=90,
    onward=("police",),
    archive_days=365,
    direct=True,
    notices=("hold",),
)
ALL = [
    *(replace(PLAIN, state=state) for state in AgreementState),
    *(replace(FULL, purpose=purpose) for purpose in Purpose),
    replace(PLAIN, provider=Provider(partner="delta")),
]


@pytest.mark.parametrize("agreement", ALL)
def test_every_sentence_has_its_french(agreement: Agreement) -> None:
    for sentence in says(agreement, "Dutch Customs"):
        french = words().said(sentence, "fr")
        assert french != sentence
        assert not {"It", "may", "the", "they", "them"} & set(french.split()), french


def test_all_that_was_agreed_is_said() -> None:
    said = " ".join(says(FULL, "Dutch Customs"))

    for term in (
        "tier aeo, role exporter, country NL, AEO S",
        "Regulation 2447",
        "90 days",
        "police",
        "365 days",
        "Kafka",
    ):
        assert term in said
    for term in ("NLRTM", "93", "AIR", "hold", "/data/remarks", "1970-01-02T00:00:00Z", groups()["@seals"].en):
        assert term in said
    assert "/data/seal" not in said


def test_what_is_not_agreed_is_said_too() -> None:
    said = list(says(PLAIN, "Dutch Customs"))

    assert "They come from: everybody." in said
    assert "It sees all of the event." in said
    assert "How long it may keep them is not agreed." in said
    assert "It may pass them on to nobody." in said

"""What an act is answered with: what is so now, by the state of each object that it changed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import Enum, EnumMeta
from pathlib import Path

import pytest

from hub.cli import run
from hub.cli.said import WORDS
from hub.core.aeo import AEOStatus
from hub.core.agreement import AgreementState
from hub.core.approval import ProposalState
from hub.core.copies import Outcome as OfCopy
from hub.core.credential import KeyState
from hub.core.dead_letter import Outcome
from hub.core.endpoint import EndpointState
from hub.core.enrolment import InvitationState
from hub.core.leak import Trust
from hub.core.mandate import MandateState
from hub.core.operator import OperatorState
from hub.core.partner import PartnerState
from hub.core.registry import KINDS

KEPT = (KeyState.REQUESTED, KeyState.ACTIVE, KeyState.GRACE, KeyState.REVOKED)
STATES: dict[str, EnumMeta | tuple[Enum, ...]] = {
    "agreement": AgreementState,
    "endpoint": EndpointState,
    "partner": PartnerState,
    "key": KEPT,
    "certificate": (KeyState.ACTIVE, KeyState.REVOKED),
    "api_key": (KeyState.ACTIVE, KeyState.REVOKED),
    "kafka_access": (KeyState.ACTIVE, KeyState.REVOKED),
    "leak": Trust,
    "authorisation": AEOStatus,
    "copy_decision": OfCopy,
    "mandate": MandateState,
    "invitation": InvitationState,
    "operator": OperatorState,
    "proposal": ProposalState,
    "settlement": Outcome,
}
TERMS = ("--recipient", "customs", "--purpose", "duty-risk", "--type", "*", "--field", "*", "--partner", "terminal")


@pytest.fixture
def hub(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[str], str]:
    """`customs-hub …` with a partner and an authority: what it says."""

    def customs_hub(line: str, *more: str) -> str:
        assert run([*line.split(), *more, "--data", str(tmp_path / "data")]) == 0
        return capsys.readouterr().out

    customs_hub("partner add customs --name Customs --country NL --role authority")
    customs_hub("partner add terminal --name Terminal --country NL --role terminal")
    return customs_hub


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_state_of_every_kind_of_object_has_its_words(kind: str) -> None:
    states = {str(each.value) for each in STATES.get(kind, ())}

    assert states <= {state for each, state in WORDS if each == kind}
    assert any(each == kind for each, _ in WORDS)


def test_a_proposed_agreement_is_said_to_wait_for_its_signatures(hub: Callable[..., str]) -> None:
    said = hub("agreement propose moves", *TERMS)

    assert said == "agreement moves  proposed; waits for the signatures of customs and terminal (revision 3)\n"


def test_what_ends_with_an_agreement_is_said_to_have_ended(hub: Callable[..., str]) -> None:
    hub("agreement add gates", *TERMS)
    hub("feed add gates --recipient customs --purpose duty-risk")

    assert hub("agreement suspend gates").startswith("agreement gates  suspended; nothing is given under it")
    assert hub("agreement resume gates").startswith("agreement gates  active from ")
    agreement, feed = hub("agreement end gates").splitlines()
    assert agreement.startswith("agreement gates  ended")
    assert feed.startswith("feed gates  ended")


def test_a_lifted_restriction_is_not_said_to_bind(hub: Callable[..., str]) -> None:
    day = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    terms = ("--recipient", "customs", "--legal-basis", "Act 1", "--ends", day, "--review", day)

    assert "binds from" in hub("access restrict probe", *terms)
    assert hub("access lift probe").startswith("restriction probe  lifted")

"""What older hubs wrote into the registry is read as what it is today."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from hub.core.aeo import AEOStatus, AEOType, Authorisation
from hub.core.agreement import Agreement, AgreementState, Provider, Purpose
from hub.core.partner import Partner, PartnerState, Role, Tier
from hub.core.stored import read_stored, stored

PARTNER = Partner("delta", "Delta", "NL", (Role.EXPORTER,), Tier.AEO)


def test_a_partner_that_was_marked_suspended_is_in_that_state() -> None:
    old = stored(PARTNER)[:-1] + ',"suspended":true}'

    [partner] = read_stored("partner", old)

    assert isinstance(partner, Partner)
    assert partner.state is PartnerState.SUSPENDED
    assert partner.stopped


def test_an_authorisation_that_was_part_of_its_partner_is_an_object_of_its_own() -> None:
    aeo = '{"number":"NLAEOF1","type":"F","issuer":"NL","valid_from":"2025-01-01","status":"revoked"}'

    partner, authorisation = read_stored("partner", stored(PARTNER)[:-1] + f',"aeo":{aeo}}}')

    assert partner == PARTNER
    assert authorisation == Authorisation("NL", "NLAEOF1", "delta", AEOType.F, "2025-01-01", status=AEOStatus.REVOKED)


@pytest.mark.parametrize("item", [PARTNER, Authorisation("NL", "N1", "delta", AEOType.S, "2025-01-01")])
def test_what_is_written_today_is_read_as_it_is(item: Partner | Authorisation) -> None:
    kind = "partner" if isinstance(item, Partner) else "authorisation"

    assert read_stored(kind, stored(item)) == [item]


def test_an_agreement_that_had_ended_is_in_that_state() -> None:
    agreement = Agreement("a", Provider(), ("*",), "risk", Purpose.STATISTICS, ("*",), 0)
    old = stored(agreement)[:-1] + ',"ended":true}'

    assert read_stored("agreement", old) == [replace(agreement, state=AgreementState.ENDED)]

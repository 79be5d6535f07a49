"""Agreements over HTTP: read by those whom they bind, signed by their sides (`schemas/formats/agreement.md`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from aiohttp import web

from hub.core.agreement import Agreement, AgreementState
from hub.core.agreement_words import moment, says
from hub.core.errors import Refusal
from hub.core.partner import Facts, Partner
from hub.core.permission import asking, needed
from hub.core.registry import Snapshot
from hub.core.standing import standing_of
from hub.core.words import words
from hub.operate.agreement_life import staleness, waits_for
from hub.operate.views import Plain, plain
from hub.ports.system import Clock
from hub.web.edge import Handler, answer, language_of, number, only
from hub.web.gate import Gate
from hub.web.partner_acts import PartnerActs
from hub.web.problems import Refused
from schemas.catalogue import Catalogue

SENDS, SIGNS = "events:write", "agreements:sign"
ITEMS_MAX = 100
ALL = ["*"]
_OF_THE_ADMINISTRATION = ("copies",)
"""Members that say what the recipient did."""


class AgreementsAPI:
    def __init__(
        self,
        *,
        gate: Gate,
        acts: PartnerActs,
        snapshot: Callable[[], Snapshot],
        catalogue: Catalogue,
        clock: Clock,
    ) -> None:
        self._gate = gate
        self._acts = acts
        self._snapshot = snapshot
        self._catalogue = catalogue
        self._clock = clock

    def handlers(self) -> Mapping[str, Handler]:
        return {"own_agreements": self.list, "sign_agreement": self.sign}

    async def list(self, request: web.BaseRequest, _: Mapping[str, str]) -> web.StreamResponse:
        """Those that cover the caller, as a provider or as the recipient, and what of its events they leave covered."""
        principal = self._gate.enter(request, SENDS, SIGNS)
        only(request, {"cursor", "limit"})
        start, limit = number(request, "cursor", 0), min(max(1, number(request, "limit", ITEMS_MAX)), ITEMS_MAX)
        partner, snapshot, now = principal.partner, self._snapshot(), self._now()
        facts = standing_of(partner, snapshot, now).facts
        own = _binding(partner, facts, snapshot)
        language, after = language_of(request), start + limit
        items = [_told(each, partner.id, snapshot, now, language) for each in own[start:after]]
        following = str(after) if after < len(own) else None
        return answer({"items": items, "next": following, "needed": self._needed(partner, facts, snapshot, now)})

    async def sign(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.StreamResponse:
        """200: it is in force; 202: others have yet to sign."""
        form = '{"signature": "…"}'
        principal, signed = await self._acts.read(request, SIGNS, {"signature"}, form)
        if not isinstance(signed["signature"], str):
            raise Refused(Refusal("BODY_MALFORMED", form))
        partner, found = principal.partner.id, self._snapshot().agreements.get(names["agreement"])
        if found is None or not found.text or partner not in found.sides:
            raise Refused(Refusal("NOT_FOUND"))
        await self._acts.perform("agreement.sign", principal, {"id": found.id, "partner": partner, **signed})
        snapshot = self._snapshot()
        agreement = snapshot.agreements.get(found.id) or found
        document = _told(agreement, partner, snapshot, self._now(), language_of(request))
        return answer(document, 202 if agreement.state is AgreementState.PROPOSED else 200)

    def _needed(self, partner: Partner, facts: Facts, snapshot: Snapshot, now: int) -> Plain:
        """By event type that anybody asks for, the members of `data` that are covered."""
        told: Plain = {}
        for kind in self._catalogue.types:
            if asked := asking(partner, facts, kind, snapshot, now):
                members = needed(asked, kind)
                told[kind.name] = ALL if members is None else sorted(members)
        return told

    def _now(self) -> int:
        return self._clock.now_us() // 1_000_000


def _binding(partner: Partner, facts: Facts, snapshot: Snapshot) -> list[Agreement]:
    """By which the partner gives or receives, oldest first; of proposals those alone that it is to sign."""
    giving = (each for each in snapshot.agreements_from(partner.id) if each.provider.covers(partner.id, facts))
    found = {each.id: each for each in (*giving, *snapshot.agreements.of(partner.id))}
    shown = (each for each in found.values() if each.state is not AgreementState.PROPOSED or partner.id in each.sides)
    return sorted(shown, key=lambda each: (snapshot.agreements.created(each.id), each.id))


def _told(agreement: Agreement, partner: str, snapshot: Snapshot, now: int, language: str) -> Plain:
    recipient = snapshot.partners.get(agreement.recipient)
    waits = agreement.state is not AgreementState.PROPOSED or staleness(agreement, snapshot, now) is None
    name = recipient.name if recipient is not None else agreement.recipient
    terms = {member: value for member, value in plain(agreement).items() if member not in _OF_THE_ADMINISTRATION}
    return {
        **terms,
        "valid_from": moment(agreement.valid_from),
        "valid_to": None if agreement.valid_to is None else moment(agreement.valid_to),
        "recipient_name": name,
        "in_force": agreement.in_force(now),
        "waits_for_you": waits and partner in waits_for(agreement, snapshot),
        "says": [words().said(sentence, language) for sentence in says(agreement, name)],
    }

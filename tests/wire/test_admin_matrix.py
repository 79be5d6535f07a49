"""Every act and view of the operators' interface × every role, over the network, generated from the registrar's tables.

A token shows who looks; only signatures act. So three things are asked of every route: who is let in, what a token
alone does (nothing), and whose signature over an act is taken.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from hub.assembly import Hub, build
from hub.cli.remote import Remote
from hub.cli.signing import Signer
from hub.core.approval import FORMAT, ActStatement
from hub.core.errors import Refusal
from hub.core.operator import ANYONE, Effect, OperatorRole
from hub.core.settings import HTTPSettings
from hub.operate.registrar import ACTS, VIEWS, Done
from hub.operate.signing import replaces_now
from hub.web.admin import PREFIX, ROUTES
from tests.unit.operate.office import key_pair, public_pem
from tests.world import settings_in

ROLES = sorted(OperatorRole, key=lambda role: role is not OperatorRole.SECURITY_OFFICER)
"""First the one who signs as the second that others come in."""
MARKER = "Zqxmarker"
NO_ACT = {"act.prepare", "act.sign", "audit.list", "status", "openapi", "feed.preview"}
"""Routes of their own, besides one for each act and view."""


class Office:
    """A hub with an operator of each role alone, called as the role, and one who was stopped."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.signers = {name: Signer(name, key_pair()) for name in ("ann", "stopped", *ROLES)}
        self._tokens: dict[str, tuple[Remote, str]] = {}

    async def open(self) -> None:
        first = {"id": "ann", "name": "Ann", "key": self._pem("ann")}
        assert isinstance(await self.hub.registrar.perform("operator.first", first, actor="root"), Done)
        for name in (*ROLES, "stopped"):
            roles = ["security-officer"] if name == "stopped" else [name]
            await self._both("operator.add", id=name, name=name, roles=roles, key=self._pem(name))
        await self._both("partner.add", id="delta", name=MARKER, country="NL", roles=["terminal"])
        for name in self.signers:
            remote = Remote(self.hub.admin_url, self.signers[name])
            self._tokens[name] = remote, await asyncio.to_thread(remote._token)
        await self._both("operator.suspend", id="stopped", reason="wiretap")

    def _pem(self, name: str) -> str:
        return public_pem(self.signers[name].key)

    async def _both(self, act: str, /, **request: Any) -> None:
        """By ann, and by the partner officer or security officer where it takes two."""
        prepared: Any = await self.hub.registrar.prepare(act, request, operator="ann")
        if isinstance(prepared, Done):
            return
        for name in ("ann", "security-officer", "partner-officer"):
            signature = self.signers[name].sign(prepared.statement)
            if isinstance(await self.hub.registrar.sign(prepared.statement, signature, local=True), Done):
                return

    async def ask(self, name: str, route: Any, request: object = None) -> tuple[int, Any]:
        remote, token = self._tokens[name]
        url, body = self.hub.admin_url + route.path, msgspec.json.encode(request) if route.method == "POST" else None
        status, _, told = await asyncio.to_thread(
            remote._proven, route.method, url, "", body, "application/json", token
        )
        return status, told

    async def look(self, name: str, view: str, **asked: str) -> Any:
        status, told = await asyncio.to_thread(self._tokens[name][0].ask, "GET", f"{PREFIX}{view}", asked)
        assert status == 200, told
        return told

    async def noted(self, name: str) -> list[str]:
        """What this operator looked at, as the trail has it."""
        events = [msgspec.json.decode(each) for each in await self.hub.live.audit(0, 500)]
        return [each["act"] for each in events if (each["actor"], each["authority"]) == (name, "token")]

    def signed(self, name: str, act: str) -> tuple[str, str]:
        """A statement of the act with the least that its request can hold, and the operator's signature over it."""
        now, snapshot = self.hub.clock.now_us() // 1_000_000, self.hub.snapshot()
        request = least(ACTS[act].request)
        statement = ActStatement(FORMAT, self.hub.settings.hub_name, act, request, (), replaces_now((), snapshot), now)
        text = statement.canonical().decode()
        return text, self.signers[name].sign(text)


def least(request: type[msgspec.Struct]) -> dict[str, Any]:
    """What has to be there, and nothing in it."""
    fields = msgspec.inspect.type_info(request)
    assert isinstance(fields, msgspec.inspect.StructType)
    return {each.encode_name: _nothing(each.type) for each in fields.fields if each.required}


def _nothing(kind: msgspec.inspect.Type) -> object:
    match kind:
        case msgspec.inspect.StrType():
            return "x"
        case msgspec.inspect.LiteralType():
            return kind.values[0]
        case msgspec.inspect.EnumType():
            return next(iter(kind.cls)).value
        case msgspec.inspect.IntType() | msgspec.inspect.BoolType():
            return 0
        case msgspec.inspect.DictType() | msgspec.inspect.StructType():
            return {}
    return ()


def code_of(outcome: object) -> str:
    """Of the refusal; empty where all is so already. Nothing of what is asked here changes anything."""
    if isinstance(outcome, Refusal):
        return outcome.code
    assert isinstance(outcome, Done), outcome
    assert outcome.changed == (), outcome
    return ""


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    settings = settings_in(tmp_path, quotas={"failures_per_second": 1_000_000})
    settings = replace(settings, http=HTTPSettings(port=0, operations_port=0, admin=True, admin_port=0))
    async with build(settings) as hub:
        office = Office(hub)
        await office.open()
        yield office


async def test_every_act_and_view_has_a_route_and_nothing_else_has_one() -> None:
    assert {route.name for route in ROUTES} - NO_ACT == {*ACTS, *VIEWS}
    assert all(route.path.startswith(PREFIX) for route in ROUTES)


@pytest.mark.parametrize("name", ["nobody", "stopped"])
async def test_whoever_is_no_operator_is_answered_401_at_every_route(office: Office, name: str) -> None:
    url, wrong = office.hub.admin_url, []
    stranger = Remote(url, Signer("nobody", key_pair()))
    for route in ROUTES:
        body = b"{}" if route.method == "POST" else None
        if name == "nobody":
            status, _, told = await asyncio.to_thread(
                stranger._proven, route.method, url + route.path, "", body, "application/json", "a.b.c"
            )
        else:
            status, told = await office.ask(name, route, {})
        wrong += [(route.path, told)] if status != 401 or told["code"] != "UNAUTHENTICATED" else []
        assert MARKER not in str(told)

    assert [each for each in wrong if each[0] not in {route.path for route in ROUTES if route.name == "openapi"}] == []


@pytest.mark.parametrize("role", ROLES)
async def test_a_token_alone_does_no_act_whatever_the_role(office: Office, role: str) -> None:
    before = office.hub.snapshot().revision

    answers = [await office.ask(role, route, least(ACTS[route.name].request)) for route in ROUTES if route.name in ACTS]

    assert {(status, told["code"]) for status, told in answers} == {(403, "OPERATOR_REQUIRED")}
    assert office.hub.snapshot().revision == before


@pytest.mark.parametrize("role", ROLES)
async def test_a_view_is_shown_to_the_roles_that_its_row_names(office: Office, role: str) -> None:
    for route in ROUTES:
        if route.name in VIEWS:
            status, told = await office.ask(role, route, {})
            refused = (status, told.get("code")) == (403, "OPERATOR_NOT_PERMITTED")
            assert refused == (role not in VIEWS[route.name].roles), (route.name, told)
            assert status in ((403,) if refused else (200, 400, 422)), (route.name, told)


@pytest.mark.parametrize("role", ROLES)
async def test_an_act_is_signed_by_the_roles_that_its_row_names(office: Office, role: str) -> None:
    before = office.hub.snapshot().revision

    for act in ACTS:
        outcome = await office.hub.registrar.sign(*office.signed(role, act))
        assert (code_of(outcome) == "OPERATOR_NOT_PERMITTED") == (role not in ACTS[act].roles), (act, outcome)

    assert office.hub.snapshot().revision == before


@pytest.mark.parametrize("role", ROLES)
async def test_an_act_is_prepared_and_its_signature_taken_for_the_roles_that_its_row_names(
    office: Office, role: str
) -> None:
    prepare, sign = (next(each for each in ROUTES if each.name == f"act.{name}") for name in ("prepare", "sign"))

    for act, row in ACTS.items():
        text, signature = office.signed(role, act)
        asked = {"act": act, "operator": role, "request": least(row.request)}
        for route, body in ((prepare, asked), (sign, {"statement": text, "signature": signature})):
            status, told = await office.ask(role, route, body)
            refused = (status, told.get("code")) == (403, "OPERATOR_NOT_PERMITTED")
            assert refused == (role not in row.roles), (route.name, act, told)


@pytest.mark.parametrize("role", ROLES)
async def test_what_was_asked_for_and_why_is_shown_to_who_could_sign_it_or_watches_and_noted(
    office: Office, role: str
) -> None:
    asked = {"id": "delta", "tier": "small", "reason": "wiretap"}
    prepared: Any = await office.hub.registrar.prepare("partner.tier", asked, operator="ann")
    waiting: Any = await office.hub.registrar.sign(prepared.statement, office.signers["ann"].sign(prepared.statement))

    shown = await office.look(role, "proposal/show", id=waiting.proposal)
    reviews = await office.look(role, "review/list")
    listed = await office.look(role, "proposal/list")

    watches = role in ("security-officer", "auditor")
    assert ("wiretap" in str(shown)) == (watches or role == "partner-officer")
    assert ("wiretap" in str(reviews)) == watches
    assert "wiretap" not in str(listed)
    assert await office.noted(role) == ["proposal.show"] * ("statement" in shown) + ["review.list"] * watches


async def test_a_reader_of_the_trail_is_noted_once_for_all_pages_and_nobody_else_reads_it(office: Office) -> None:
    for role in ROLES:
        remote = office._tokens[role][0]
        pages = [await asyncio.to_thread(remote.ask, "GET", f"{PREFIX}audit/list", {"after": n}) for n in (0, 1, 2)]
        reads = role in ("security-officer", "auditor")
        assert {status for status, _ in pages} == {200 if reads else 403}, role
        assert await office.noted(role) == ["audit.list"] * reads


async def test_preparing_shows_no_reason_of_an_administration_and_raises_no_alarm(office: Office) -> None:
    facts = {"number": "NLAEOF1", "type": "F", "issuer": "NL", "valid_from": "2025-01-01", "reason_class": "wiretap"}
    await office._both("partner.aeo", id="delta", **facts)
    heard: list[str] = []
    office.hub.registrar.on_refusal(lambda act, *_: heard.append(act))
    prepare = next(route for route in ROUTES if route.name == "act.prepare")

    for act, request in (("partner.aeo", {"id": "delta", "valid_to": "2030-01-01"}), ("aeo.tell", {"lines": ["x"]})):
        for name in ("partner-officer", "viewer"):
            told = await office.ask(name, prepare, {"act": act, "operator": name, "request": request})
            assert "reason_class" not in str(told[1].get("changes")), told

    assert heard == []


@pytest.mark.parametrize("door", ["network", "the machine's own"])
async def test_who_signs_with_a_key_that_no_operator_has_does_nothing(office: Office, door: str) -> None:
    for act in ACTS:
        office.signers["forger"] = Signer("ann", key_pair())
        outcome = await office.hub.registrar.sign(*office.signed("forger", act), local=door != "network")
        assert code_of(outcome) == "SIGNATURE_NOT_ACCEPTED"


async def test_the_user_of_the_machine_alone_can_only_stop(office: Office) -> None:
    """What the socket's door does once there are operators."""
    for act, row in ACTS.items():
        outcome = await office.hub.registrar.perform(act, least(row.request), actor="root")
        may = row.effect is Effect.STOPS or row.proves_itself
        assert (code_of(outcome) == "OPERATOR_REQUIRED") == (not may), (act, outcome)


def test_who_only_looks_is_named_by_no_act_but_a_look_and_whoever_acts_may_stop() -> None:
    lookers = {act: row.roles & {OperatorRole.VIEWER, OperatorRole.AUDITOR} for act, row in ACTS.items()}
    assert {act: roles for act, roles in lookers.items() if roles} == {"review.done": {OperatorRole.AUDITOR}}
    stops = {act for act, row in ACTS.items() if row.effect is Effect.STOPS and not row.roles >= ANYONE}
    assert stops == {"operator.suspend", "operator.remove"}


async def test_the_socket_is_for_its_owner_alone(tmp_path: Path) -> None:
    async with build(settings_in(tmp_path, ground="sqlite")):
        assert (tmp_path / "admin.sock").stat().st_mode & 0o077 == 0

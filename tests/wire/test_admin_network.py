"""The network's door to the admin interface: operators with tokens look, and act by what they sign."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from secrets import token_hex
from typing import Any

import aiohttp
import pytest

from hub.assembly import Hub, build
from hub.cli import run
from hub.cli.remote import ASSERTION_TYPE, Remote
from hub.cli.signing import Signer, read_signer
from hub.core.errors import HubError
from hub.core.settings import HTTPSettings, LogSettings, Settings
from hub.operate.registrar import ACTS, VIEWS
from tests.unit.operate.office import key_pair, public_pem
from tests.unit.operate.test_operate_accesses import access

ANN = ("--as", "ann", "--key", "ann.pem")
DELTA = ("partner", "add", "delta", "--name", "Delta", "--country", "NL", "--role", "terminal")
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
async def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Hub]:
    """With ann and ben, a partner officer and auditor, and vera, who may look."""
    monkeypatch.chdir(tmp_path)
    settings = Settings(
        http=HTTPSettings(port=0, operations_port=0, admin=True, admin_port=0),
        log=LogSettings(directory=str(tmp_path), ground="memory"),
    )
    for name in ("ann", "ben", "vera"):
        assert run(["operator", "keygen", f"{name}.pem"]) == 0
    async with build(settings) as hub:
        perform, keys = hub.registrar.perform, {name: Path(f"{name}.pub.pem").read_text() for name in ("ann", "ben")}
        await perform("operator.first", {"id": "ann", "name": "Ann", "key": keys["ann"]}, actor="root")
        roles = ["partner-officer", "auditor", "security-officer"]
        await both(hub, ["ann"], "operator.add", id="ben", name="Ben", roles=roles, key=keys["ben"])
        vera = Path("vera.pub.pem").read_text()
        await both(hub, ["ann", "ben"], "operator.add", id="vera", name="Vera", roles=["viewer"], key=vera)
        yield hub


async def both(hub: Hub, signers: list[str], act: str, /, **request: Any) -> None:
    prepared: Any = await hub.registrar.prepare(act, request, operator=signers[0])
    for name in signers:
        await hub.registrar.sign(prepared.statement, signer(name).sign(prepared.statement), local=True)


def signer(name: str) -> Signer:
    return read_signer(name, Path(f"{name}.pem"))


async def ask(hub: Hub, who: Signer, method: Any, path: str, **request: Any) -> tuple[int, Any]:
    return await asyncio.to_thread(Remote(hub.admin_url, who).ask, method, f"/admin/v1/{path}", request)


@pytest.fixture
def command(hub: Hub, capfd: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    async def customs_hub(*arguments: str) -> tuple[int, str, str]:
        code = await asyncio.to_thread(run, [*arguments, "--hub-admin", hub.admin_url])
        return code, *capfd.readouterr()

    return customs_hub


async def test_two_operators_start_something_over_the_network(hub: Hub, command: Callable[..., Any]) -> None:
    asked = await command(*DELTA, *ANN)
    listed = json.loads((await command("proposal", "list", "--json", *ANN))[1])["items"]
    approved = await command("proposal", "approve", listed[0]["id"], "--as", "ben", "--key", "ben.pem")

    assert (asked[0], approved[0]) == (0, 0), (asked, approved)
    assert hub.snapshot().partners.get("delta") is not None
    assert hub.snapshot().proposals.get(listed[0]["id"]) is not None


async def test_status_and_the_trail_are_seen_over_the_network(command: Callable[..., Any]) -> None:
    status = await command("status", *ANN)
    trail = await command("audit", "verify", "--as", "ben", "--key", "ben.pem")

    assert (status[0], trail[0]) == (0, 0), (status, trail)
    assert "0 at fault" in trail[1]


async def test_who_was_given_what_is_seen_over_the_network_by_who_may_and_written_down(
    hub: Hub, command: Callable[..., Any]
) -> None:
    await hub.ports.accesses.add([access(7)])

    code, shown, _ = await command("access", "list", "--recipient", "risk", "--limit", "5", *ANN)
    status, told = await ask(hub, signer("vera"), "GET", "access/list")

    assert (code, "risk.engine" in shown, "r-1" in shown) == (0, True, True)
    assert (status, told["code"]) == (403, "OPERATOR_NOT_PERMITTED")
    assert b'"access.list"' in b"".join(await hub.live.audit(0, 500))


async def test_nobody_is_asked_over_the_network_without_an_operator(command: Callable[..., Any]) -> None:
    code, _, err = await command("partner", "list")

    assert (code, "--as NAME" in err) == (2, True)


async def test_a_viewer_looks_and_neither_acts_nor_reads_what_is_confidential(hub: Hub) -> None:
    vera = signer("vera")

    assert (await ask(hub, vera, "GET", "partner/list"))[0] == 200
    status, told = await ask(hub, vera, "GET", "audit/list")
    assert (status, told["code"]) == (403, "OPERATOR_NOT_PERMITTED")
    status, told = await ask(hub, vera, "POST", "partner/suspend", id="delta")
    assert (status, told["code"]) == (403, "OPERATOR_REQUIRED")


async def test_a_token_alone_changes_nothing(hub: Hub) -> None:
    request = {"id": "delta", "name": "Delta", "country": "NL", "roles": ["terminal"]}

    status, told = await ask(hub, signer("ann"), "POST", "partner/add", **request)

    assert (status, told["code"]) == (403, "OPERATOR_REQUIRED")
    assert hub.snapshot().partners.get("delta") is None


async def test_nobody_prepares_what_another_is_to_sign(hub: Hub) -> None:
    request = {"act": "partner.suspend", "request": {"id": "delta"}, "operator": "ben"}

    status, told = await ask(hub, signer("ann"), "POST", "act/prepare", **request)

    assert (status, told["code"]) == (403, "OPERATOR_NOT_PERMITTED")


async def test_a_colleague_is_not_added_by_one_over_the_network(hub: Hub) -> None:
    """That the machine's own door is one of the two pairs of eyes holds at that door only."""
    key = public_pem(key_pair())
    request = {"id": "eve", "name": "Eve", "roles": ["viewer"], "key": key}
    _, prepared = await ask(hub, signer("ann"), "POST", "act/prepare", act="operator.add", request=request, operator="ann")  # fmt: skip # noqa: E501

    signature = signer("ann").sign(prepared["statement"])
    _, told = await ask(hub, signer("ann"), "POST", "act/sign", statement=prepared["statement"], signature=signature)

    assert "proposal" in told
    assert hub.snapshot().operators.get("eve") is None


async def test_a_stopped_operator_is_let_in_no_more_and_a_token_ends_at_once(hub: Hub) -> None:
    vera = signer("vera")
    remote = Remote(hub.admin_url, vera)
    token = await asyncio.to_thread(remote._token)
    await both(hub, ["ann"], "operator.suspend", id="vera")

    with pytest.raises(HubError, match="no token"):
        await ask(hub, vera, "GET", "partner/list")
    url = f"{hub.admin_url}/admin/v1/partner/list"
    status, _, told = await asyncio.to_thread(remote._proven, "GET", url, "", None, "", token)

    assert (status, told["code"]) == (401, "UNAUTHENTICATED")


async def test_a_stolen_token_is_worth_nothing_without_its_key(hub: Hub) -> None:
    token = await asyncio.to_thread(Remote(hub.admin_url, signer("ann"))._token)
    thief = Remote(hub.admin_url, Signer("ann", key_pair()))
    url = f"{hub.admin_url}/admin/v1/partner/list"

    status, _, told = await asyncio.to_thread(thief._proven, "GET", url, "", None, "", token)
    async with aiohttp.ClientSession() as http, http.get(url, headers={"Authorization": f"Bearer {token}"}) as bare:
        answer = await bare.json()

    assert (status, told["code"]) == (401, "UNAUTHENTICATED")
    assert (bare.status, answer["code"]) == (401, "UNAUTHENTICATED")


async def test_an_operators_token_opens_no_door_of_partners(hub: Hub) -> None:
    remote = Remote(hub.admin_url, signer("ann"))
    token = await asyncio.to_thread(remote._token)
    url = f"{hub.url}/v1/notices"

    status, _, told = await asyncio.to_thread(remote._proven, "GET", url, "", None, "", token)

    assert (status, told["code"]) == (401, "UNAUTHENTICATED")


async def test_a_stranger_gets_no_token_and_an_operator_none_without_a_proof(hub: Hub) -> None:
    with pytest.raises(HubError, match="no token"):
        await ask(hub, Signer("ann", key_pair()), "GET", "partner/list")
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": signer("ann").key.assertion(
            "operator.ann", hub.url, jti="1", now=hub.clock.now_us() // 10**6
        ),
    }
    async with aiohttp.ClientSession() as http, http.post(f"{hub.url}/oauth/token", data=form) as answer:
        assert (answer.status, (await answer.json())["error"]) == (400, "invalid_dpop_proof")


@pytest.mark.parametrize(
    "value", ["[" * 5_000 + "]" * 5_000, "[" * 90 + "]" * 90, "9007199254740993", "1e400", '"\\ud800"']
)
async def test_a_statement_that_is_no_good_json_is_refused_with_a_code(hub: Hub, value: str) -> None:
    statement = (
        '{"act":"partner.set","changes":[],"format":"customs-hub-act/1","hub":"customs-hub","made":1,"replaces":"",'
        f'"request":{{"id":{value}}}}}'
    )

    status, told = await ask(hub, signer("vera"), "POST", "act/sign", statement=statement, signature="a..b")

    assert (status, told["code"]) == (403, "SIGNATURE_NOT_ACCEPTED"), told


@pytest.mark.parametrize("value", ["[" * 90 + "]" * 90, "9007199254740993", "1e400", '"\\ud800"', '1,"id":2'])
async def test_what_operators_send_is_parsed_as_strictly_as_events_are(hub: Hub, value: str) -> None:
    remote = Remote(hub.admin_url, signer("ann"))
    body = f'{{"act":"partner.set","operator":"ann","request":{{"id":{value}}}}}'.encode()
    url, token = f"{hub.admin_url}/admin/v1/act/prepare", await asyncio.to_thread(remote._token)

    status, _, told = await asyncio.to_thread(remote._proven, "POST", url, "", body, "application/json", token)

    assert (status, told["code"]) == (400, "BODY_MALFORMED"), told


async def test_an_operator_is_told_that_the_own_token_is_good(hub: Hub) -> None:
    remote, ann = Remote(hub.admin_url, signer("ann")), signer("ann").key
    token = await asyncio.to_thread(remote._token)

    async def asked(path: str) -> bytes:
        asserted = ann.assertion("operator.ann", hub.url, jti=token_hex(8), now=hub.clock.now_us() // 10**6)
        form = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": asserted, "token": token}
        async with aiohttp.ClientSession() as http, http.post(f"{hub.url}/oauth/{path}", data=form) as answer:
            assert answer.status == 200
            return await answer.read()

    said = json.loads(await asked("introspect"))
    await asked("revoke")

    assert (said["active"], said["client_id"], said["scope"]) == (True, "operator.ann", "admin")
    assert json.loads(await asked("introspect")) == {"active": False}


async def test_no_partner_is_called_as_operators_clients_are(hub: Hub) -> None:
    request = {"id": "operator", "name": "X", "country": "NL", "roles": ["carrier"]}

    refused: Any = await hub.registrar.prepare("partner.add", request, operator="ann")

    assert [fault.place for fault in refused.faults] == ["/id"]


async def test_the_door_is_shut_by_default(tmp_path: Path) -> None:
    settings = Settings(
        http=HTTPSettings(port=0, operations_port=0), log=LogSettings(ground="memory", directory=str(tmp_path))
    )
    async with build(settings) as hub:
        assert hub.admin_url == ""


async def test_the_interface_is_described_with_every_act_and_view(hub: Hub) -> None:
    async with aiohttp.ClientSession() as http, http.get(f"{hub.admin_url}/admin/v1/openapi.json") as answer:
        document = await answer.json()

    named = {operation["operationId"] for path in document["paths"].values() for operation in path.values()}
    assert {*ACTS, *VIEWS, "act.prepare", "act.sign", "audit.list", "status", "feed.preview"} == named
    references = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)))
    assert references <= set(document["components"]["schemas"])
    assert document["servers"] == [{"url": hub.admin_url}]

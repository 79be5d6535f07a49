"""TLS that the hub ends itself, and client certificates as proof of who asks and as what tokens are bound to."""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from connectors.keys import generate
from hub.trust.certificate import certificate_id
from tests.certificates import SERVER, Pair, client_context
from tests.world import Answer, Caller, HubWorld, hub_world, looked_at, settings_in

EVENTS = "/v1/events"
AUTHORITY = Pair("An authority", usage=None)


class TLSWorld:
    def __init__(self, world: HubWorld, directory: Path, server: Pair) -> None:
        self.world, self.directory, self.server = world, directory, server

    async def system(self, own: Pair, name: str = "delta") -> str:
        """A company whose system proves itself by a certificate; its client id."""
        await self.world.act("partner.add", id=name, name=name.title(), country="NL", roles=["terminal"])
        await self.register(own, name)
        return f"{name}.sys"

    async def register(self, own: Pair, name: str = "delta") -> None:
        scopes = ("events:write", "receipts:read")
        await self.world.act("certificate.add", partner=name, system="sys", certificate=own.pem, scopes=scopes)

    async def ask(self, method: str, path: str, own: Pair | None = None, **more: Any) -> Answer:
        """One request over a connection of its own. Raises what the handshake ends with."""
        connector = aiohttp.TCPConnector(ssl=client_context(self.server, self.directory, own))
        url = self.world.hub.url + path
        async with (
            aiohttp.ClientSession(connector=connector) as http,
            http.request(method, url, **more) as response,
        ):
            return looked_at(method, path, Answer(response.status, response.headers, await response.read()))

    async def token(self, own: Pair | None, client: str, **form: str) -> Answer:
        data = {"grant_type": "client_credentials", "client_id": client} | form
        return await self.ask("POST", "/oauth/token", own, data=data)

    async def events(self, token: Answer, own: Pair | None) -> int:
        given = {"Authorization": f"Bearer {token.json['access_token']}"}
        return (await self.ask("GET", EVENTS, own, headers=given)).status


@asynccontextmanager
async def tls_world(directory: Path) -> AsyncIterator[TLSWorld]:
    server = Pair("hub", usage=SERVER)
    certificate, key = server.write(directory, "hub")
    (directory / "authority.pem").write_text(AUTHORITY.pem)
    given = {
        "certificate_file": str(certificate),
        "key_file": str(key),
        "client_certificates": "optional",
        "client_ca_file": str(directory / "authority.pem"),
    }
    settings = settings_in(directory, tls=given, auth={"sender_constrained": "required"})
    async with hub_world(settings) as world:
        yield TLSWorld(world, directory, server)


@pytest.fixture
async def tls(tmp_path: Path) -> AsyncIterator[TLSWorld]:
    async with tls_world(tmp_path) as world:
        yield world


@pytest.mark.parametrize("own", [Pair("delta"), Pair("delta", issuer=AUTHORITY)], ids=["self-signed", "issued"])
async def test_a_registered_certificate_earns_a_token_that_is_bound_to_it(tls: TLSWorld, own: Pair) -> None:
    token = await tls.token(own, await tls.system(own))

    assert (token.status, token.json["token_type"]) == (200, "Bearer")
    assert await tls.events(token, own) == 200
    assert await tls.events(token, None) == 401


async def test_a_bound_token_is_worth_nothing_on_anothers_connection(tls: TLSWorld) -> None:
    own, other = Pair("delta"), Pair("echo")
    token = await tls.token(own, await tls.system(own))
    await tls.system(other, "echo")

    assert await tls.events(token, other) == 401


async def test_an_unknown_certificate_opens_no_connection(tls: TLSWorld) -> None:
    with pytest.raises(aiohttp.ClientError):
        await tls.ask("GET", "/health/live", Pair("stranger"))


@pytest.mark.parametrize("own", [Pair("late", days=-1), Pair("server", issuer=AUTHORITY, usage=SERVER)])
async def test_a_certificate_that_ended_or_is_for_servers_opens_none_and_is_not_registered(
    tls: TLSWorld, own: Pair
) -> None:
    await tls.world.act("partner.add", id="delta", name="Delta", country="NL", roles=["terminal"])
    request = {"partner": "delta", "system": "sys", "certificate": own.pem, "scopes": ["events:write"]}

    refused = await tls.world.hub.registrar.perform("certificate.add", request, actor="test")

    assert "ACT_KEY_REFUSED" in str(refused)
    with pytest.raises(aiohttp.ClientError):
        await tls.ask("GET", "/health/live", own)


async def test_one_that_an_authority_issued_and_nobody_registered_proves_nothing(tls: TLSWorld) -> None:
    client = await tls.system(Pair("delta"))

    answer = await tls.token(Pair("delta", issuer=AUTHORITY), client)

    assert (answer.status, answer.json["error"]) == (401, "invalid_client")


async def test_no_certificate_is_good_for_anothers_name(tls: TLSWorld) -> None:
    own, other = Pair("delta"), Pair("echo")
    await tls.system(own)
    client = await tls.system(other, "echo")

    answers = [await tls.token(own, client), await tls.token(own, ""), await tls.token(None, client)]

    assert {(answer.status, answer.json["error"]) for answer in answers} == {(401, "invalid_client")}


async def test_a_revoked_certificate_earns_nothing_and_its_tokens_end(tls: TLSWorld) -> None:
    own = Pair("delta")
    client = await tls.system(own)
    token = await tls.token(own, client)

    await tls.world.act("certificate.revoke", certificate=certificate_id(own.der))

    assert await tls.events(token, own) == 401
    assert (await tls.token(own, client)).status == 401


async def test_an_assertion_on_a_registered_certificates_connection_is_bound_to_it(tls: TLSWorld) -> None:
    own = Pair("delta")
    client = await tls.system(own)
    caller = Caller(tls.world, client, generate("EdDSA"))
    await tls.world.act(
        "key.add", partner="delta", system="sys", key=caller.key.public_pem().decode(), scopes=["receipts:read"]
    )
    assertion = caller.assertion()

    token = await tls.token(own, client, **assertion)

    assert await tls.events(token, own) == 200
    assert await tls.events(token, None) == 401


async def test_a_replaced_certificate_is_taken_up_while_a_connection_stays_open(tls: TLSWorld) -> None:
    connector = aiohttp.TCPConnector(ssl=client_context(tls.server, tls.directory))
    async with aiohttp.ClientSession(connector=connector) as http:
        old = tls.server
        await (await http.get(tls.world.hub.url + "/health/live")).read()
        tls.server = Pair("hub", usage=SERVER)
        tls.server.write(tls.directory, "hub")

        while await _shown(tls.world.hub.url) != tls.server.der:
            await asyncio.sleep(0.05)

        assert (await http.get(tls.world.hub.url + "/health/live")).status == 200
        assert (await tls.ask("GET", "/health/live")).status == 200
        assert old.der != tls.server.der


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_tls_of_today_is_spoken(tls: TLSWorld, version: ssl.TLSVersion) -> None:
    context = client_context(tls.server, tls.directory)
    context.minimum_version = context.maximum_version = version

    assert await _connected(tls.world.hub.url, context) == tls.server.der


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
async def test_no_old_tls_is_spoken(tls: TLSWorld, version: ssl.TLSVersion) -> None:
    context = client_context(tls.server, tls.directory)
    context.minimum_version = context.maximum_version = version
    context.set_ciphers("ALL:@SECLEVEL=0")

    with pytest.raises(OSError):
        await _connected(tls.world.hub.url, context)


async def _connected(url: str, context: ssl.SSLContext) -> bytes:
    address = urlsplit(url)
    _, writer = await asyncio.open_connection(address.hostname, address.port, ssl=context)
    shown: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    await writer.wait_closed()
    return shown


async def _shown(url: str) -> bytes:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return await _connected(url, context)


# Behind a proxy.


async def behind(directory: Path, proxies: str, own: Pair, *headers: str) -> int:
    """The token endpoint's status for a client that a peer at 127.0.0.1 names in `Client-Cert`."""
    settings = settings_in(directory, http={"trusted_proxies": proxies}, auth={"sender_constrained": "required"})
    async with hub_world(settings) as world:
        await world.act("partner.add", id="delta", name="Delta", country="NL", roles=["terminal"])
        request = {"partner": "delta", "system": "sys", "certificate": own.pem, "scopes": ["events:write"]}
        await world.act("certificate.add", **request)
        data = {"grant_type": "client_credentials", "client_id": "delta.sys"}
        answer = await world.ask("POST", "/oauth/token", data=data, headers=[("Client-Cert", each) for each in headers])
        return answer.status


def named(pair: Pair) -> str:
    return f":{b64encode(pair.der).decode()}:"


async def test_a_trusted_proxy_names_the_certificate_that_it_saw(tmp_path: Path) -> None:
    own = Pair("delta")

    assert await behind(tmp_path, "10.0.0.1, 127.0.0.1", own, named(own)) == 200


@pytest.mark.parametrize("proxies", ["", "10.0.0.1"])
async def test_nobody_else_names_one(tmp_path: Path, proxies: str) -> None:
    own = Pair("delta")

    assert await behind(tmp_path, proxies, own, named(own)) == 401


@pytest.mark.parametrize(
    "forms",
    [["{0}", "{0}"], ["{0};x"], ["{0},{0}"], [":!:"], ["::"], [":"], [":::::::::"], [":AAAA"], ["AAAA:"], [":é:"]],
)
async def test_a_header_of_another_form_names_none(tmp_path: Path, forms: list[str]) -> None:
    own = Pair("delta")

    assert await behind(tmp_path, "127.0.0.1", own, *(form.format(named(own)) for form in forms)) == 401

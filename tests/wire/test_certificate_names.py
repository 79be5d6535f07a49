"""`tls_client_auth` (RFC 8705 §2.1): a name that is registered once, in whatever certificate an authority issues."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator
from ipaddress import ip_address
from pathlib import Path

import aiohttp
import pytest
from cryptography import x509

from connectors.keys import generate
from hub.core.errors import Refusal
from hub.trust.certificate import certificate_id
from tests.certificates import SERVER, Pair
from tests.wire.test_tls import TLSWorld
from tests.world import Caller, hub_world, settings_in

SCOPES = ["events:write", "receipts:read"]
SUBJECT = "CN=erp,OU=Customs,O=Delta BV,C=NL"
AUTHORITY = Pair("An authority", usage=None)
STRANGER = Pair("An authority", usage=None)
"""Of the same name, and trusted by nobody."""


@pytest.fixture
async def tls(tmp_path: Path) -> AsyncIterator[TLSWorld]:
    server = Pair("hub", usage=SERVER)
    certificate, key = server.write(tmp_path, "hub")
    (tmp_path / "authority.pem").write_text(AUTHORITY.pem)
    given = {"certificate_file": str(certificate), "key_file": str(key), "client_certificates": "optional"}
    given["client_ca_file"] = str(tmp_path / "authority.pem")
    settings = settings_in(
        tmp_path, tls=given, auth={"sender_constrained": "required"}, http={"trusted_proxies": "192.0.2.1"}
    )
    async with hub_world(settings) as world:
        yield TLSWorld(world, tmp_path, server)


async def named(tls: TLSWorld, kind: str = "subject_dn", name: str = SUBJECT, partner: str = "delta") -> str:
    """A company whose system is known by a name; the name's id."""
    await tls.world.act("partner.add", id=partner, name=partner.title(), country="NL", roles=["terminal"])
    request = {"partner": partner, "system": "sys", "kind": kind, "name": name, "scopes": SCOPES}
    done = await tls.world.act("certificate.name", **request)
    return next(str(each["id"]) for each in done.changed if each["kind"] == "certificate")


async def is_let_in(tls: TLSWorld, own: Pair, client: str) -> bool:
    try:
        return (await tls.token(own, client)).status == 200
    except aiohttp.ClientError:
        return False


async def test_a_renewed_certificate_of_a_registered_subject_needs_no_registration(tls: TLSWorld) -> None:
    await named(tls)
    old, new = Pair(SUBJECT, issuer=AUTHORITY), Pair(SUBJECT, issuer=AUTHORITY)

    tokens = [await tls.token(each, "delta.sys") for each in (old, new)]

    assert [token.status for token in tokens] == [200, 200]
    assert [await tls.events(tokens[0], each) for each in (old, new, None)] == [200, 401, 401]
    assert await tls.events(tokens[1], new) == 200


@pytest.mark.parametrize(
    ("kind", "name", "alternative"),
    [
        ("san_dns", "ERP.delta.example", x509.DNSName("erp.Delta.example")),
        ("san_uri", "urn:example:delta:erp", x509.UniformResourceIdentifier("urn:example:delta:erp")),
        ("san_email", "erp@DELTA.example", x509.RFC822Name("erp@delta.example")),
        ("san_ip", "2001:DB8::0:1", x509.IPAddress(ip_address("2001:db8::1"))),
        ("san_ip", "192.0.2.7", x509.IPAddress(ip_address("192.0.2.7"))),
    ],
)
async def test_each_kind_of_alternative_name_names_a_client(
    tls: TLSWorld, kind: str, name: str, alternative: x509.GeneralName
) -> None:
    await named(tls, kind, name)
    own = Pair("whatever", issuer=AUTHORITY, alternatives=[x509.DNSName("other.example"), alternative])

    token = await tls.token(own, "delta.sys")

    assert await tls.events(token, own) == 200
    assert (await tls.token(Pair("whatever", issuer=AUTHORITY), "delta.sys")).status == 401


async def test_a_name_of_one_kind_is_none_of_another(tls: TLSWorld) -> None:
    await named(tls, "san_dns", "erp.delta.example")
    uri = x509.UniformResourceIdentifier("erp.delta.example")
    own = Pair("CN=erp.delta.example", issuer=AUTHORITY, alternatives=[uri, x509.RFC822Name("erp.delta.example")])

    assert (await tls.token(own, "delta.sys")).status == 401


async def test_a_certificate_of_the_same_subject_by_another_authority_opens_no_connection(tls: TLSWorld) -> None:
    await named(tls)

    with pytest.raises(aiohttp.ClientError):
        await tls.token(Pair(SUBJECT, issuer=STRANGER), "delta.sys")


@pytest.mark.parametrize("usage", ["client", "authority"])
async def test_one_that_another_partner_registered_names_nobody_but_itself(tls: TLSWorld, usage: str) -> None:
    """The handshake trusts what is registered: also one that signed itself in another's name, or that issues more."""
    await named(tls)
    own = Pair(SUBJECT) if usage == "client" else Pair(SUBJECT, usage=None)
    await tls.system(own, "echo")
    issued = Pair(SUBJECT, issuer=own)

    assert (await tls.token(own, "echo.sys")).status == 200
    assert (await tls.token(own, "delta.sys")).status == 401
    assert not await is_let_in(tls, issued, "delta.sys")


async def test_the_authoritys_own_certificate_and_one_that_it_lets_issue_name_nobody(tls: TLSWorld) -> None:
    await named(tls, name="CN=An authority")
    await named(tls, partner="echo")

    assert (await tls.token(AUTHORITY, "delta.sys")).status == 401
    assert (await tls.token(Pair(SUBJECT, issuer=AUTHORITY, usage=None), "echo.sys")).status == 401


async def test_one_that_ended_opens_no_connection(tls: TLSWorld) -> None:
    await named(tls)

    with pytest.raises(aiohttp.ClientError):
        await tls.token(Pair(SUBJECT, issuer=AUTHORITY, days=-1), "delta.sys")


OTHERS = (
    "CN=erp",
    "CN=erp,OU=Customs,O=Delta BV",
    "OU=Customs,CN=erp,O=Delta BV,C=NL",
    "CN=erp2,OU=Customs,O=Delta BV,C=NL",
    "CN=erp+OU=Customs,O=Delta BV,C=NL",
    "CN=erp\\,OU=Customs,O=Delta BV,C=NL",
)


@pytest.mark.parametrize("subject", OTHERS)
async def test_another_subject_is_another_client(tls: TLSWorld, subject: str) -> None:
    await named(tls)

    assert (await tls.token(Pair(subject, issuer=AUTHORITY), "delta.sys")).status == 401


async def test_case_spaces_and_how_it_is_written_make_no_other_subject(tls: TLSWorld) -> None:
    await named(tls, name="2.5.4.3=ERP,OU=customs,O=DELTA  bv,C=NL")

    assert (await tls.token(Pair(SUBJECT, issuer=AUTHORITY), "delta.sys")).status == 200


async def test_a_name_is_good_for_its_own_client_only(tls: TLSWorld) -> None:
    await named(tls)
    await named(tls, "san_dns", "erp.echo.example", "echo")
    own = Pair(SUBJECT, issuer=AUTHORITY)
    both = Pair(SUBJECT, issuer=AUTHORITY, alternatives=[x509.DNSName("erp.echo.example")])

    assert [(await tls.token(own, client)).status for client in ("delta.sys", "echo.sys", "")] == [200, 401, 401]
    assert [(await tls.token(both, client)).status for client in ("delta.sys", "echo.sys")] == [200, 200]


async def test_an_assertion_is_not_bound_to_a_certificate_that_is_known_by_name_only(tls: TLSWorld) -> None:
    await named(tls)
    caller = Caller(tls.world, "delta.sys", generate("EdDSA"))
    await tls.world.add_key(caller)

    token = await tls.token(Pair(SUBJECT, issuer=AUTHORITY), "delta.sys", **caller.assertion())

    assert (token.status, token.json["error"]) == (400, "invalid_dpop_proof")


async def test_a_revoked_name_earns_nothing_and_its_tokens_end(tls: TLSWorld) -> None:
    own, name = Pair(SUBJECT, issuer=AUTHORITY), await named(tls)
    token = await tls.token(own, "delta.sys")
    before = await tls.events(token, own)

    await tls.world.act("certificate.revoke", certificate=name)

    assert (before, await tls.events(token, own)) == (200, 401)
    assert (await tls.token(own, "delta.sys")).status == 401


async def test_a_certificate_that_is_revoked_itself_is_not_saved_by_its_name(tls: TLSWorld) -> None:
    own, other = Pair(SUBJECT, issuer=AUTHORITY), Pair(SUBJECT, issuer=AUTHORITY)
    await named(tls)
    token = await tls.token(own, "delta.sys")
    await tls.register(own)

    await tls.world.act("certificate.revoke", certificate=certificate_id(own.der))

    assert await tls.events(token, own) == 401
    assert [(await tls.token(each, "delta.sys")).status for each in (own, other)] == [401, 200]


async def test_nobody_names_a_certificate_in_a_header(tls: TLSWorld) -> None:
    await named(tls)
    header = {"Client-Cert": f":{b64encode(Pair(SUBJECT, issuer=AUTHORITY).der).decode()}:"}
    form = {"grant_type": "client_credentials", "client_id": "delta.sys"}

    assert (await tls.ask("POST", "/oauth/token", None, data=form, headers=header)).status == 401


NO_NAMES = (
    ("subject_dn", ""),
    ("subject_dn", "erp"),
    ("subject_dn", "CN=" + "x" * 1_100),
    ("san_dns", ""),
    ("san_dns", "*.delta.example"),
    ("san_dns", "a b"),
    ("san_uri", "erp"),
    ("san_ip", "192.0.2.0/24"),
    ("san_email", "delta.example"),
    ("san_other", "erp"),
)


@pytest.mark.parametrize(("kind", "name"), NO_NAMES)
async def test_what_is_no_name_of_one_client_is_not_registered(tls: TLSWorld, kind: str, name: str) -> None:
    await tls.world.act("partner.add", id="delta", name="Delta", country="NL", roles=["terminal"])
    request = {"partner": "delta", "system": "sys", "kind": kind, "name": name, "scopes": ["events:write"]}

    refused = await tls.world.hub.registrar.perform("certificate.name", request, actor="test")

    assert isinstance(refused, Refusal)
    assert not list(tls.world.hub.snapshot().certificates)


async def test_a_name_is_registered_for_one_client_alone(tls: TLSWorld) -> None:
    await named(tls)
    await tls.world.act("partner.add", id="echo", name="Echo", country="NL", roles=["terminal"])
    request = {
        "partner": "echo",
        "system": "sys",
        "kind": "subject_dn",
        "name": SUBJECT.upper(),
        "scopes": ["events:write"],
    }

    refused = await tls.world.hub.registrar.perform("certificate.name", request, actor="test")

    assert "ACT_KEY_KNOWN" in str(refused)

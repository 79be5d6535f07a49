"""Client certificates of systems: the certificate alone, for clients, one system each, two live at most, never back."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hub.core.errors import Refusal
from hub.trust.certificate import certificate_id
from tests.certificates import SERVER, Pair

OWN = Pair("zephyr")


@pytest.fixture
async def enrolled(desk: Any) -> Any:
    await desk.enrol("zephyr")
    return desk


async def add(desk: Any, text: str, system: str = "erp") -> Any:
    return await desk.registrar.perform(
        "certificate.add",
        {"partner": "zephyr", "system": system, "certificate": text, "scopes": ["events:write"]},
        actor="test",
    )


async def test_a_certificate_is_known_by_the_digest_of_its_der_form(enrolled: Any) -> None:
    await add(enrolled, OWN.pem)

    kept = enrolled.live.snapshot.certificates.get(certificate_id(OWN.der))
    assert (kept.system, kept.subject) == ("zephyr.erp", "CN=zephyr")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nothing",
        OWN.pem + OWN.pem,
        OWN.pem + OWN.key_pem,
        OWN.key_pem,
        OWN.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
        OWN.pem.replace("M", "N"),
        "x" * 20_000,
        Pair("server", usage=SERVER).pem,
    ],
)
async def test_what_is_not_one_certificate_for_clients_is_refused_without_echo(enrolled: Any, text: str) -> None:
    refused = await add(enrolled, text)

    assert isinstance(refused, Refusal)
    assert [fault.code for fault in refused.faults] == ["ACT_KEY_REFUSED"]
    assert "PRIVATE" not in str(refused.faults)


async def test_a_certificate_that_was_revoked_never_comes_back(enrolled: Any) -> None:
    await add(enrolled, OWN.pem)
    await enrolled.do("certificate.revoke", certificate=certificate_id(OWN.der))

    refused = await add(enrolled, OWN.pem)

    assert [fault.code for fault in refused.faults] == ["ACT_KEY_KNOWN"]


async def test_a_system_has_two_live_certificates_at_most(enrolled: Any) -> None:
    for name in ("one", "two"):
        await add(enrolled, Pair(name).pem)

    refused = await add(enrolled, Pair("three").pem)

    assert [fault.code for fault in refused.faults] == ["ACT_KEYS_TOO_MANY"]


async def test_all_certificates_are_listed_with_whether_they_live(enrolled: Any) -> None:
    await add(enrolled, OWN.pem)
    await enrolled.do("certificate.revoke", certificate=certificate_id(OWN.der))

    listed = await enrolled.registrar.looks.view("certificate.list", {})

    assert [(each["id"], each["live"]) for each in listed["items"]] == [(certificate_id(OWN.der), False)]

"""Webhooks as Standard Webhooks writes them: the hub signs, the connectors verify, by code that they do not share."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import orjson
import pytest

from connectors.errors import ConnectorError
from connectors.webhook import Keys, NotVerified, verification_answer, verify
from hub.trust import webhook
from hub.trust.webhook import SigningKey

VECTOR: dict[str, Any] = orjson.loads((files("schemas") / "formats" / "vectors.json").read_bytes())["webhook"]
OLD, NEW = VECTOR["keys"]
BODY = VECTOR["body"].encode()
NOW = VECTOR["timestamp"]


def signing_key(vector: dict[str, str]) -> SigningKey:
    return SigningKey(webhook.secret_bytes(vector["secret"]), bytes.fromhex(vector["seed"]))


def headers(**changed: str) -> dict[str, str]:
    given = {"id": VECTOR["id"], "timestamp": str(NOW), "signature": VECTOR["signature"]} | changed
    return {f"Webhook-{name.title()}": value for name, value in given.items()}


def refused(given: dict[str, str], *keys: str, body: bytes = BODY, now: float = NOW) -> str:
    with pytest.raises(NotVerified) as error:
        verify(given, body, Keys(*keys), now=now)
    return str(error.value)


def test_the_signature_that_standard_webhooks_publishes_is_made_and_verified() -> None:
    said = VECTOR["published"]
    key = SigningKey(webhook.secret_bytes(said["secret"]), bytes(32))
    given = {f"webhook-{name}": str(said[name]) for name in ("id", "timestamp", "signature")}

    made = webhook.signatures([key], said["id"], said["timestamp"], said["body"].encode())

    assert made.split(" ")[0] == said["signature"]
    assert verify(given, said["body"].encode(), Keys(said["secret"]), now=said["timestamp"]) == said["id"]


def test_while_keys_overlap_both_sign_and_the_bytes_are_the_page_s() -> None:
    keys = [signing_key(OLD), signing_key(NEW)]

    assert webhook.signatures(keys, VECTOR["id"], NOW, BODY) == VECTOR["signature"]
    assert [webhook.secret_text(key.secret) for key in keys] == [OLD["secret"], NEW["secret"]]
    assert [webhook.public_text(key.seed) for key in keys] == [OLD["public"], NEW["public"]]


@pytest.mark.parametrize("key", [OLD["secret"], NEW["secret"], OLD["public"], NEW["public"]])
def test_whoever_knows_one_of_the_keys_verifies(key: str) -> None:
    assert verify(headers(), BODY, Keys(key), now=NOW) == VECTOR["id"]


def test_a_body_an_id_or_a_time_that_was_changed_is_refused() -> None:
    keys = (OLD["secret"], OLD["public"], NEW["secret"], NEW["public"])

    assert "no signature" in refused(headers(), *keys, body=BODY + b" ")
    assert "no signature" in refused(headers(id="msg_other"), *keys)
    assert "no signature" in refused(headers(timestamp=str(NOW + 1)), *keys)


def test_a_signature_of_one_kind_is_none_of_the_other() -> None:
    hmac_part, ed25519_part, *_ = VECTOR["signature"].split(" ")
    swapped = f"v1a,{hmac_part.partition(',')[2]} v1,{ed25519_part.partition(',')[2]} v2,{hmac_part[3:]}"

    assert "no signature" in refused(headers(signature=swapped), NEW["secret"], NEW["public"])


@pytest.mark.parametrize("offset", [-301, 301])
def test_a_message_from_another_time_is_refused(offset: int) -> None:
    assert "300 s" in refused(headers(), OLD["secret"], now=NOW + offset)
    assert verify(headers(), BODY, Keys(OLD["secret"]), now=NOW + offset * 300 / 301)


@pytest.mark.parametrize("changed", [{"id": ""}, {"timestamp": ""}, {"timestamp": "-1"}, {"timestamp": "1" * 20}])
def test_a_message_without_its_headers_is_refused(changed: dict[str, str]) -> None:
    assert "missing or malformed" in refused(headers(**changed), OLD["secret"])


@pytest.mark.parametrize("signature", ["", "v1", "v1,", "v1,*", "v1," + "A" * 44, " " * 40])
def test_what_is_no_signature_is_none(signature: str) -> None:
    assert "no signature" in refused(headers(signature=signature), OLD["secret"], OLD["public"])


def test_a_stranger_s_keys_verify_nothing() -> None:
    strange = SigningKey(bytes(32), bytes(32))

    assert "no signature" in refused(headers(), webhook.secret_text(strange.secret), webhook.public_text(strange.seed))


@pytest.mark.parametrize("text", ["", "whsec_", "whsec_QUJD", "whpk_QUJD", "whsec_***", "secret_QUJD"])
def test_what_is_no_key_is_not_taken_for_one(text: str) -> None:
    with pytest.raises(ConnectorError, match="whsec_ or whpk_"):
        Keys(text)


def test_a_verification_is_answered_with_the_secret_and_nothing_else_is() -> None:
    asked = {"type": "customs-hub.endpoint.verification", "data": {"challenge": VECTOR["challenge"]}}
    answer = verification_answer(orjson.dumps(asked), Keys(OLD["secret"]))

    assert answer is not None
    assert orjson.loads(answer) == {"answer": VECTOR["answer"]}
    assert webhook.is_answer(VECTOR["answer"], VECTOR["challenge"], [signing_key(NEW), signing_key(OLD)])
    assert not webhook.is_answer(VECTOR["answer"], VECTOR["challenge"], [signing_key(NEW)])
    assert verification_answer(b"[]", Keys(OLD["secret"])) is None
    assert verification_answer(b"\xff", Keys(OLD["secret"])) is None
    with pytest.raises(NotVerified):
        verification_answer(orjson.dumps(asked), Keys(OLD["public"]))


def test_no_answer_to_a_verification_is_the_signature_of_a_message() -> None:
    wanted = f"{NOW}.[]"
    asked = {"type": "customs-hub.endpoint.verification", "data": {"challenge": wanted}}
    made = webhook.answer_to(wanted, webhook.secret_bytes(NEW["secret"]))

    for name in ("customs-hub-endpoint/1", "customs-hub-endpoint/2"):
        assert "no signature" in refused(headers(id=name, signature=f"v1,{made}"), NEW["secret"], body=b"[]")
    with pytest.raises(NotVerified, match="24 bytes"):
        verification_answer(orjson.dumps(asked), Keys(NEW["secret"]))


@pytest.mark.parametrize("data", [None, [], {}, {"challenge": 1}, {"challenge": ""}, {"challenge": "A" * 32 + "\n"}])
def test_what_no_hub_asks_is_answered_by_nobody(data: object) -> None:
    asked = {"type": "customs-hub.endpoint.verification", "data": data}

    with pytest.raises(NotVerified, match="24 bytes"):
        verification_answer(orjson.dumps(asked), Keys(NEW["secret"]))


def test_the_id_of_a_message_follows_from_what_it_means() -> None:
    one = webhook.message_id(bytes(32), b"one")

    assert one == webhook.message_id(bytes(32), b"one") != webhook.message_id(bytes(32), b"two")
    assert one.startswith("msg_")
    assert len(one) == len("msg_") + 24

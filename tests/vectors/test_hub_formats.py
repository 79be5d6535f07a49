"""The hub's side of the golden vectors (`schemas/formats/vectors.json`): bytes that partners keep must never change."""

from __future__ import annotations

from hashlib import sha256
from importlib.resources import files
from typing import Any

import jiter
import msgspec
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from hub.core.aeo import StatusFeed
from hub.core.credential import PublicKey
from hub.core.dispatch import Dispatch, Kind
from hub.core.record import partition_of
from hub.delivery.answered import notice_ack_text
from hub.trust.aeo_status import StatusMessage, UnverifiedStatus, open_status, proven_by
from hub.trust.cursor import Cursor, CursorBox, Place, encode_plain
from hub.trust.jws import Flaw
from hub.trust.mandate import signer_of
from hub.trust.merkle import Tree, leaf_hash
from hub.trust.seal import make_seal, message, seal_from_log
from hub.trust.statement import STATEMENT_BYTES_MAX, statement_bytes
from schemas.canonical import canonical_bytes
from schemas.headers import EventHeader, FeedHeader, NoticeHeader, SealHeader, pack, unpack
from schemas.identity import MEANINGLESS, identity_key, utc_instant
from tests.merkle_roots import root_from_path, root_from_range

CREDENTIAL = "4kRj3Yx0_Hs4Hq2fcR0ZVm1l0wC6mWb5k3Q9aQ1uXyE"
VECTORS: dict[str, Any] = orjson.loads((files("schemas") / "formats" / "vectors.json").read_bytes())
EVENTS = VECTORS["events"]


def header_of(event: dict[str, Any]) -> EventHeader:
    header = unpack(bytes.fromhex(event["header"]))
    assert isinstance(header, EventHeader)
    return header


@pytest.mark.parametrize(("text", "instant"), VECTORS["instants"])
def test_a_time_with_offset_is_one_utc_instant(text: str, instant: str | None) -> None:
    assert utc_instant(text) == instant


@pytest.mark.parametrize("event", EVENTS)
def test_the_canonical_form_leaves_out_how_the_event_travelled(event: dict[str, Any]) -> None:
    value = jiter.from_json(event["raw"].encode(), float_mode="decimal")

    canonical = canonical_bytes({name: member for name, member in value.items() if name not in MEANINGLESS})

    assert canonical.decode() == event["canonical"]
    assert sha256(canonical).hexdigest() == event["canonical_sha256"]


@pytest.mark.parametrize("event", EVENTS)
def test_identity_and_partition_follow_from_publisher_source_id_and_version(event: dict[str, Any]) -> None:
    header = header_of(event)

    assert identity_key(event["publisher"], header.source, header.id, event["version"]).hex() == event["identity_key"]
    assert partition_of(event["publisher"], header.source, 8) == event["partition_of_8"]


@pytest.mark.parametrize("event", EVENTS)
def test_a_statement_is_rebuilt_from_the_record_header_byte_for_byte(event: dict[str, Any]) -> None:
    statement = statement_bytes(VECTORS["hub"], header_of(event))

    assert statement.decode() == event["statement"]
    assert len(statement) <= STATEMENT_BYTES_MAX


@pytest.mark.parametrize("event", EVENTS)
def test_a_header_packs_to_the_bytes_it_was_read_from(event: dict[str, Any]) -> None:
    assert pack(header_of(event)).hex() == event["header"]


def test_a_header_from_before_documents_were_translated_is_read_without_a_place() -> None:
    header = unpack(bytes.fromhex(VECTORS["header_without_place"]))

    assert header == header_of(EVENTS[0])
    assert isinstance(header, EventHeader)
    assert header.place == ""


def test_a_header_from_before_credentials_were_written_down_names_none() -> None:
    header = unpack(bytes.fromhex(VECTORS["header_without_credential"]))

    assert isinstance(header, EventHeader)
    assert header.credential == ""
    assert replace(header, credential=CREDENTIAL) == header_of(EVENTS[1])


def test_a_reader_ignores_elements_added_at_the_end_of_a_header() -> None:
    packed = bytes.fromhex(VECTORS["feed_header"])
    longer = bytes([packed[0] + 1]) + packed[1:] + b"\xa3new"

    assert (
        unpack(longer) == unpack(packed) == FeedHeader(1, 3, 4711, 2, 9, 1_795_338_000_123_456, ("exporters-security",))
    )


def test_a_notice_header_from_before_agents_names_none() -> None:
    header = unpack(bytes.fromhex(VECTORS["notice_header_without_agent"]))

    assert isinstance(header, NoticeHeader)
    assert header.agent == ""
    assert pack(header).hex() == VECTORS["notice_header_with_id"]


def test_a_notice_of_what_an_agent_sent_names_the_agent_as_well() -> None:
    header = NoticeHeader("acme", "CONFLICT", 1, 3, 4711, "", "broker")

    assert pack(header).hex() == VECTORS["notice_header_for_agent"]


def test_a_statement_of_what_an_agent_sent_names_its_system() -> None:
    header = header_of(VECTORS["submitted_by"])

    assert (header.publisher, header.sender) == ("acme", "broker")
    assert statement_bytes(VECTORS["hub"], header).decode() == VECTORS["submitted_by"]["statement"]


@pytest.mark.parametrize("name", ["mandate", "withdrawal"])
def test_what_a_principal_signs_is_known_as_its_word(name: str) -> None:
    jwk, kid, signed = VECTORS["mandate"]["jwk"], VECTORS["mandate"]["kid"], VECTORS[name]
    keys = {kid: PublicKey(kid, "acme.erp", "EdDSA", jwk)}

    assert signer_of(signed["signature"], signed["text"].encode(), keys) == kid
    assert signer_of(signed["signature"], signed["text"].encode() + b" ", keys) is Flaw.CLAIMS
    assert signer_of(signed["signature"], signed["text"].encode(), {}) is Flaw.KEY


def test_a_notice_about_no_single_record_has_an_id_that_repeats_share() -> None:
    header = NoticeHeader("acme", "TRUST_WITHDRAWN", 1, 0, -1, "9f86d081884c7d65")

    assert pack(header).hex() == VECTORS["notice_header_with_id"]
    assert unpack(pack(header)) == header


def test_the_acknowledgement_of_a_notice_is_over_the_notice_as_its_reader_has_it() -> None:
    vector = VECTORS["notice_ack"]
    read = dict(vector["notice"])
    about: dict[str, Any] = {"sender": "watch", "own": "1", "digest": b"", "by": "", "partner": "acme", "sent_us": 0}
    shown = {name: read[name] for name in read if name not in ("code", "notice")}
    dispatch = Dispatch(id=read["notice"], kind=Kind.HOLD, members=orjson.dumps(shown), **about)

    assert notice_ack_text(VECTORS["hub"], dispatch, vector["time"]).decode() == vector["text"]


def test_a_notice_header_names_partner_cause_and_stamp() -> None:
    assert unpack(bytes.fromhex(VECTORS["notice_header"])) == NoticeHeader("acme", "CONFLICT", 1, 3, 4712)


def test_a_seal_signs_the_root_under_its_own_context() -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(VECTORS["key"]["seed"]))
    leaves = [leaf_hash(event["statement"].encode()) for event in EVENTS]

    seal = make_seal(
        leaves,
        hub=VECTORS["hub"],
        time_us=1_795_338_000_200_000,
        key_id=VECTORS["key"]["kid"],
        sign=key.sign,
    )

    assert seal.body.decode() == VECTORS["seal"]["body_text"]
    key.public_key().verify(seal.signature, message(seal.body))
    record = seal.record(leaves)
    assert (record.header.hex(), record.value.hex()) == (
        VECTORS["seal"]["record_header"],
        VECTORS["seal"]["record_value"],
    )


def test_a_seal_read_from_the_log_gives_the_same_paths_as_were_answered() -> None:
    header = unpack(bytes.fromhex(VECTORS["seal"]["record_header"]))
    assert isinstance(header, SealHeader)

    seal = seal_from_log(header, bytes.fromhex(VECTORS["seal"]["record_value"]))

    for index, receipt in enumerate(VECTORS["receipts"]):
        assert [node.hex() for node in seal.tree.path(index)] == receipt["leaf"]["path"]
    assert [node.hex() for node in seal.tree.range_proof(1, 2)] == VECTORS["range"]["proof"]


def test_proofs_of_every_path_and_range_lead_to_the_root_and_no_other_does() -> None:
    for size in range(1, 34):
        leaves = [leaf_hash(bytes([index])) for index in range(size)]
        tree = Tree(leaves)
        for first in range(size):
            path = tree.path(first)
            assert root_from_path(leaves[first], first, size, path) == tree.root
            assert root_from_path(leaf_hash(b"other"), first, size, path) != tree.root
            assert root_from_path(leaves[first], first, size, [*path, leaves[0]]) is None
            for count in range(1, size - first + 1):
                proof = tree.range_proof(first, count)
                assert root_from_range(leaves[first : first + count], first, size, proof) == tree.root
                assert root_from_range(leaves[first : first + count], first, size, [*proof, leaves[0]]) is None


def test_a_cursor_opens_only_under_its_own_secret_and_unchanged() -> None:
    golden = VECTORS["cursor"]
    box = CursorBox(bytes.fromhex(golden["secret"]))
    cursor = Cursor("risk-a", 1, 1, "authority", (Place(0, 41, 17), Place(1, -1, 0)), 1_797_930_000)

    assert encode_plain(cursor).hex() == golden["content"]
    assert box.seal(cursor, bytes.fromhex(golden["nonce"])) == golden["sealed"]
    assert box.open(golden["sealed"]) == cursor
    assert CursorBox(bytes(32)).open(golden["sealed"]) is None
    assert box.open(golden["sealed"][:-2] + "AA") is None
    assert box.open("not a cursor") is None
    assert box.open("") is None


def test_a_message_of_a_status_feed_is_believed_under_its_key_and_no_other() -> None:
    golden = VECTORS["aeo_status"]
    opened = open_status(golden["line"])
    assert isinstance(opened, UnverifiedStatus)

    assert opened.unverified == msgspec.convert(golden["payload"], StatusMessage)
    assert opened.unverified.seq == 7
    assert proven_by(opened, StatusFeed("NL", (golden["jwk"],)))
    assert not proven_by(opened, StatusFeed("NL", (VECTORS["act"]["jwk"],)))

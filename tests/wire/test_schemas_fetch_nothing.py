"""Whatever a schema or a document refers to, nothing is fetched: a listener on this machine that would notice."""

from __future__ import annotations

import copy
import json
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator

import schemas
from schemas import rules
from schemas.catalogue import catalogue
from schemas.compile import Compiled, compile_schema
from schemas.identity import instant_us
from schemas.translate.item import Context, Translation
from schemas.translate.recognise import open_document

EVENTS = Path(schemas.__file__).parent / "events"
GATE_IN = json.loads((EVENTS / "customs.container.gate_in/examples/valid-weighed.json").read_text())
NOW_US = instant_us("2026-11-22T10:00:00Z") or 0


class Canary(socketserver.ThreadingTCPServer):
    """Counts connections; answers nothing."""

    daemon_threads = True

    def __init__(self) -> None:
        self.visits = 0
        super().__init__(("127.0.0.1", 0), socketserver.BaseRequestHandler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        self.visits += 1

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/canary.json"


@pytest.fixture
def canary() -> Iterator[Canary]:
    with Canary() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_the_canary_notices_a_library_that_fetches(canary: Canary) -> None:
    with pytest.raises(ValueError, match="canary"):
        Draft202012Validator({"$ref": canary.url})

    assert canary.visits > 0


@pytest.mark.parametrize("keyword", ["properties", "items", "anyOf", "if", "allOf", "$dynamicRef", "not"])
def test_a_reference_to_another_machine_is_refused_and_not_followed(canary: Canary, keyword: str) -> None:
    reference: Any = {"$ref": canary.url}
    inside = {"properties": {"x": reference}, "anyOf": [reference], "allOf": [reference], "$dynamicRef": canary.url}

    with pytest.raises(ValueError, match="canary"):
        _ = compile_schema({"$id": "urn:x", keyword: inside.get(keyword, reference)}, {}).open

    assert canary.visits == 0


@pytest.mark.parametrize("place", ["file:///etc/passwd", "urn:customs-hub:schema:common:1.0#/$defs/nothing", "other"])
def test_a_reference_to_a_file_or_to_nothing_is_refused(place: str) -> None:
    with pytest.raises(ValueError, match=r"passwd|nothing|other"):
        compile_schema({"$id": "urn:x", "properties": {"x": {"$ref": place}}}, {})


def test_names_that_look_like_addresses_are_names(canary: Canary) -> None:
    schema = {"$schema": canary.url, "$id": canary.url, "type": "object", "x-vocabulary": canary.url}

    assert compile_schema(schema, {}).open.is_valid({})
    assert canary.visits == 0


def test_an_event_that_refers_to_another_machine_is_read_as_it_is(canary: Canary) -> None:
    event = copy.deepcopy(GATE_IN) | {"dataschema": canary.url, "$schema": canary.url, "@context": [canary.url]}
    event["data"] |= {"$ref": canary.url, "extensions": {"$ref": canary.url, "@context": canary.url}}
    kind = catalogue().find(event["type"])

    found = rules.check(event, kind, now_us=NOW_US)  # type: ignore[arg-type]

    assert {each.code for each in found} == {"MEMBER_UNKNOWN"}
    assert catalogue().find(event["type"], event["dataschema"]).code == "DATASCHEMA_UNKNOWN"  # type: ignore[union-attr]
    assert canary.visits == 0


def epcis(url: str) -> Any:
    event = {
        "type": "ObjectEvent", "eventTime": "2026-11-22T09:00:00Z", "eventTimeZoneOffset": "+00:00",
        "action": "OBSERVE", "epcList": ["https://id.gs1.org/00/340123450000000000"], "bizStep": "loading",
        "certificationInfo": url, "@context": [{"ext": url}],
    }  # fmt: skip
    return {
        "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld", url, {"ext": url}],
        "type": "EPCISDocument", "schemaVersion": "2.0", "creationDate": "2026-11-22T09:00:00Z",
        "epcisBody": {"eventList": [event]},
    }  # fmt: skip


def one_record(url: str) -> Any:
    return {
        "@context": [url, {"cargo": "https://onerecord.iata.org/ns/cargo#", "@import": url}],
        "@type": "cargo:LogisticsEvent", "@id": url, "cargo:eventCode": {"@id": f"{url}#DEP"},
        "cargo:eventDate": "2026-11-22T09:00:00Z", "cargo:eventFor": {"@id": url},
    }  # fmt: skip


def dcsa(url: str) -> Any:
    return [{"eventType": "EQUIPMENT", "eventID": "1", "$ref": url, "documentReferences": [{"$ref": url}]}]


@pytest.mark.parametrize("document", [epcis, one_record, dcsa])
def test_no_document_makes_its_translator_fetch(canary: Canary, document: Any) -> None:
    raw = json.dumps(document(canary.url)).encode()

    translated = open_document(raw, "application/ld+json", Context())

    items = list(translated.items) if isinstance(translated, Translation) else translated
    assert items
    assert canary.visits == 0


HOSTILE = ["^(a+)+$", "^(a|a)*$", "^(a|aa)+$", "^(([a-z])+.)+[A-Z]([a-z])+$", "^(x+x+)+y"]


@pytest.mark.parametrize("pattern", HOSTILE)
def test_a_pattern_that_would_go_back_for_ever_runs_in_linear_time(pattern: str) -> None:
    schema = Compiled({"type": "string", "pattern": pattern})

    # A matcher that goes back takes more steps than there are atoms for any of these.
    assert not schema.open.is_valid("x" * 100_000 + "!")
    assert not schema.open.is_valid("a" * 100_000 + "!")


@pytest.mark.parametrize("pattern", ["(?=a)b", "(?<!a)b", r"(a)\1", "a{1000}{1000}", "(?:a{1,1000}){1,1000}", "[a"])
def test_a_pattern_that_cannot_be_linear_or_small_does_not_compile(pattern: str) -> None:
    with pytest.raises(ValueError, match="regex"):
        _ = Compiled({"type": "string", "pattern": pattern}).open

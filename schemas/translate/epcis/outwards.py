"""Canonical events that came as EPCIS, as EPCIS again: what `GET /epcis/events` answers with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from schemas.translate.epcis.namespaces import EPCIS_CONTEXT, is_standard


def document(
    events: Iterable[Mapping[str, Any]], *, created: str, query_name: str = "SimpleEventQuery"
) -> dict[str, Any]:
    """An `EPCISQueryDocument` (EPCIS 2.0 §10.1) of canonical events, in their order, each as it was sent.

    An event without `eventID` gets the one that it is known by. One that holds no EPCIS, because it came otherwise or
    an agreement left it out, is passed over. `created` is the document's `creationDate`, RFC 3339 with offset. The
    contexts of the events become one; an event whose prefixes say otherwise than those of an earlier one keeps its own.
    """
    merged: dict[str, Any] = {}
    addresses: list[str] = []
    sent = [each for event in events if (each := _sent(event, merged, addresses)) is not None]
    return {
        "@context": [EPCIS_CONTEXT, *addresses, *([merged] if merged else [])],
        "type": "EPCISQueryDocument",
        "schemaVersion": "2.0",
        "creationDate": created,
        "epcisBody": {"queryResults": {"queryName": query_name, "resultsBody": {"eventList": sent}}},
    }


def _sent(event: Mapping[str, Any], merged: dict[str, Any], addresses: list[str]) -> dict[str, Any] | None:
    extensions = event["data"].get("extensions", {})
    if not isinstance(sent := extensions.get("epcis"), dict):
        return None
    named = sent if "eventID" in sent else {**sent, "eventID": event["id"]}
    context = extensions.get("epcis_context")
    if context is None or _merge(context, merged, addresses):
        return named
    own = named.get("@context", [])
    return {**named, "@context": [*_listed(context), *_listed(own)]}


def _merge(context: object, merged: dict[str, Any], addresses: list[str]) -> bool:
    """Lays a context beside the others; False, and nothing done, where a name would change its meaning."""
    listed = _listed(context)
    objects = [each for each in listed if isinstance(each, dict)]
    declared = {name: meaning for each in objects for name, meaning in each.items()}
    if any(merged.get(name, meaning) != meaning for name, meaning in declared.items()):
        return False
    merged |= declared
    addresses += [each for each in listed if isinstance(each, str) and not is_standard(each) and each not in addresses]
    return True


def _listed(context: object) -> list[Any]:
    return context if isinstance(context, list) else [context]

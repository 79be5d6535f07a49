"""The event hash of CBV 2.0 §8.9: the id of an event that has none, the same for every way to write the event.

The members are written one after the other in the standard's order, each list sorted, words as URIs of the web, GS1
keys as canonical Digital Links, times in UTC with milliseconds; the SHA-256 of that text is the hash. What is left out:
recordTime, eventID, errorDeclaration, comments, `@context`.

The published vectors are those of the standard's reference implementation, and partners compute with it: where its
order and the standard's table differ (sensors before the lists of transactions, destinations and sources, and these,
`ilmd` and extensions sorted by their text), the vectors decide.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from schemas.translate.epcis import vocabulary as cbv
from schemas.translate.epcis.events import class_of
from schemas.translate.epcis.identify import REMEMBERED_CHARACTERS, key_of
from schemas.translate.epcis.namespaces import Namespaces, read_context

_IGNORED = frozenset({
    "type", "isA", "@type", "@context", "recordTime", "eventID", "errorDeclaration", "rdfs:comment", "comment",
})  # fmt: skip
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_TIME = re.compile(r"(\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2})(?:\.(\d+))?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)
_DIGITS_MAX = 300

Write = Callable[[str, Any, Namespaces], str]


def event_hash(event: dict[str, Any], context: object = None) -> str:
    """The `ni` URI (RFC 6920) of an event; `context` is the `@context` of its document."""
    names = read_context([] if context is None else context, None, [])
    own = event.get("@context")
    return hashed(event, names if own is None else read_context(own, None, [], names))


def hashed(event: dict[str, Any], names: Namespaces) -> str:
    """The hash of an event where these names are in force, its own among them."""
    return f"ni:///sha-256;{sha256(pre_hash(event, names).encode()).hexdigest()}?ver=CBV2.0"


def pre_hash(event: dict[str, Any], names: Namespaces) -> str:
    """The text that is hashed."""
    written = [f"eventType={names.expanded(str(class_of(event)))}"]
    written += [write(name, event[name], names) for name, write in _ORDER.items() if name in event]
    rest = [name for name in event if name not in _ORDER and name not in _IGNORED]
    later = [_LATER.get(name, _extension)(name, event[name], names) for name in rest]
    return "".join([*written, *sorted(later)])


def _value(name: str, value: Any, names: Namespaces) -> str:
    """One value or several, sorted, each after its name."""
    if isinstance(value, list):
        return "".join(sorted(_value(name, each, names) for each in value))
    text = _text(value, names)
    return f"{name}={text}" if text else ""


def _text(value: Any, names: Namespaces) -> str:
    """A value in the one form that the hash has for it."""
    if isinstance(value, str):
        text = value.strip()
        return _canonical(names.expanded(text)) if ":" in text else _plain(text)
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None or isinstance(value, dict) else _number(value)


def _plain(text: str) -> str:
    """Text that is no URI; numbers without what does not change them."""
    return _numeral(text) if text[:1] in _NUMERAL and len(text) < _DIGITS_MAX and _NUMBER.fullmatch(text) else text


def _canonical(text: str) -> str:
    """A URI: of words of CBV 1 those of the web, of a GS1 key its Digital Link."""
    if text.startswith("urn:epcglobal:cbv:"):
        for vocabulary in _URNS:
            text = text.replace(vocabulary.urn, vocabulary.web)
    return _link(text) if len(text) <= REMEMBERED_CHARACTERS else _linked(text)


def _linked(uri: str) -> str:
    """A GS1 key as its canonical Digital Link, any other URI as it is."""
    key = key_of(uri)
    if key is None:
        return uri
    parts = (key.ai, key.value, *(key.qualifier or ()))
    return "/".join(("https://id.gs1.org", *(part if part.isalnum() else quote(part, safe="';=") for part in parts)))


_link = lru_cache(maxsize=1_024)(_linked)
_NUMERAL = frozenset("+-.0123456789")
_URNS = (cbv.BUSINESS_STEP, cbv.DISPOSITION, cbv.TRANSACTION_TYPE, cbv.PARTY_TYPE, cbv.ERROR_REASON)


def _numeral(text: str) -> str:
    """A number without what does not change it; digits of an integer are all kept, however many."""
    if text.lstrip("+-").isdigit():
        return str(int(text))
    number = float(text)
    return text if number in (float("inf"), float("-inf")) else _number(number)


def _number(number: float) -> str:
    return str(int(number)) if number == int(number) else repr(number)


def _time(name: str, value: Any, names: Namespaces) -> str:
    """In UTC, rounded half up to milliseconds."""
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return _value(name, value, names)
    clock, fraction, offset = match.groups()
    try:
        moment = datetime.fromisoformat(f"{clock}{offset.upper()}").astimezone(UTC)
        if fraction:
            digits = fraction.ljust(4, "0")
            moment += timedelta(milliseconds=int(digits[:3]) + (digits[3] >= "5"))
    except (ValueError, OverflowError):
        return _value(name, value, names)
    return f"{name}={moment.isoformat(timespec='milliseconds').removesuffix('+00:00')}Z"


def _word(vocabulary: cbv.Vocabulary) -> Write:
    """A word of the CBV as its URI of the web."""

    def write(name: str, value: Any, names: Namespaces) -> str:
        if isinstance(value, list):
            return "".join(sorted(write(name, each, names) for each in value))
        known = isinstance(value, str) and value in vocabulary.words
        return f"{name}={vocabulary.web}{value}" if known else _value(name, value, names)

    return write


def _listed(child: str, write: Write) -> Write:
    """The name of a list and then its entries, each with the name that it has in XML; an empty list is nothing."""

    def written(name: str, value: Any, names: Namespaces) -> str:
        entries = sorted(write(child, each, names) for each in (value if isinstance(value, list) else [value]))
        return f"{name}{''.join(entries)}" if any(entries) else ""

    return written


def _record(members: dict[str, Write], *, named: bool = True) -> Write:
    """The members of an object in this order, then its extensions, sorted."""

    def write(name: str, value: Any, names: Namespaces) -> str:
        if not isinstance(value, dict):
            return _value(name, value, names)
        inner = [each(member, value[member], names) for member, each in members.items() if member in value]
        text = "".join(inner) + _extensions(value, names, members)
        return f"{name}{text}" if named and text else text

    return write


def _extensions(value: dict[str, Any], names: Namespaces, known: dict[str, Write]) -> str:
    if value.keys() <= known.keys():
        return ""
    rest = (name for name in value if name not in known and name not in _COMMENTS)
    return "".join(sorted(_extension(name, value[name], names) for name in rest))


_COMMENTS = frozenset({"rdfs:comment", "comment"})


def _extension(name: str, value: Any, names: Namespaces) -> str:
    """A member beyond the standard under its namespace; the depth of JSON is bounded where it is read."""
    if isinstance(value, list):
        return "".join(sorted(_extension(name, each, names) for each in value))
    name_ = names.braced(name)
    if isinstance(value, dict):
        return name_ + _extensions(value, names, {})
    text = _text(value, names)
    return f"{name_}={text}" if text else name_


def _ilmd(name: str, value: Any, names: Namespaces) -> str:
    return _extension(name, value, names) if value else ""


_EPCS = _listed("epc", _value)
_QUANTITIES = _listed("quantityElement", _record({"epcClass": _value, "quantity": _value, "uom": _value}))
_LOCATION = _record({"id": _value})
_DEVICE: dict[str, Write] = dict.fromkeys(("deviceID", "deviceMetadata", "rawData", "dataProcessingMethod"), _value)
_REPORT = _record({
    "type": _word(cbv.MEASUREMENT), "exception": _word(cbv.ALERT), **_DEVICE, "time": _time,
    "microorganism": _value, "chemicalSubstance": _value, "value": _value, "component": _word(cbv.COMPONENT),
    "stringValue": _value, "booleanValue": _value, "hexBinaryValue": _value, "uriValue": _value, "minValue": _value,
    "maxValue": _value, "meanValue": _value, "sDev": _value, "percRank": _value, "percValue": _value, "uom": _value,
    "coordinateReferenceSystem": _value,
})  # fmt: skip
_METADATA = _record({"time": _time, "startTime": _time, "endTime": _time, **_DEVICE, "bizRules": _value})


def _reports(name: str, value: Any, names: Namespaces) -> str:
    return "".join(sorted(_REPORT(name, each, names) for each in (value if isinstance(value, list) else [value])))


_SENSORS = _listed("sensorElement", _record({"sensorMetadata": _METADATA, "sensorReport": _reports}))

_ORDER: dict[str, Write] = {
    "eventTime": _time, "eventTimeZoneOffset": _value, "certificationInfo": _value, "parentID": _value,
    "epcList": _EPCS, "inputEPCList": _EPCS, "childEPCs": _EPCS, "quantityList": _QUANTITIES,
    "childQuantityList": _QUANTITIES, "inputQuantityList": _QUANTITIES, "outputEPCList": _EPCS,
    "outputQuantityList": _QUANTITIES, "action": _value, "transformationID": _value,
    "bizStep": _word(cbv.BUSINESS_STEP), "disposition": _word(cbv.DISPOSITION),
    "persistentDisposition": _record({"set": _word(cbv.DISPOSITION), "unset": _word(cbv.DISPOSITION)}),
    "readPoint": _LOCATION, "bizLocation": _LOCATION, "sensorElementList": _SENSORS,
}  # fmt: skip
"""The standard's order of members (CBV 2.0 §8.9.2), sensors before the lists as the vectors have it."""

_LATER: dict[str, Write] = {
    "bizTransactionList": _listed(
        "", _record({"type": _word(cbv.TRANSACTION_TYPE), "bizTransaction": _value}, named=False)
    ),
    "sourceList": _listed("", _record({"type": _word(cbv.PARTY_TYPE), "source": _value}, named=False)),
    "destinationList": _listed("", _record({"type": _word(cbv.PARTY_TYPE), "destination": _value}, named=False)),
    "ilmd": _ilmd,
}

"""The documents that formats are measured with: valid, of the sizes that companies send, and nobody's.

Times are those of the day it runs: an event of years ago would be looked at twice.
"""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import xlsxwriter

LISTED_EVENTS = 100
"""Events of one document, where a format takes several."""
_NOW = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
AT = _NOW.isoformat()
MADE = (_NOW + timedelta(minutes=2)).isoformat()


def canonical(_: int = 1) -> bytes:
    """One event of about 1.2 KB, most of whose members a rule looks at."""
    return orjson.dumps({
        "specversion": "1.0", "id": "load-000000000017", "source": "urn:example:example-line:ops", "time": MADE,
        "type": "customs.container.loaded", "subject": "MSKU1234565",
        "dataschema": "urn:customs-hub:schema:customs.container.loaded:1.0", "data": {
            "occurred_at": AT, "time_kind": "ACTUAL", "updated_at": MADE,
            "subjects": [{"scheme": "iso6346", "value": "MSKU1234565"}],
            "references": [
                {"scheme": "bill_of_lading", "value": "MAEU587423158"}, {"scheme": "booking", "value": "BK2026112201"},
                {"scheme": "ucr", "value": "4GB123456789000-SHIP42"}, {"scheme": "mrn", "value": "26NL00000000000010"},
            ],
            "transport": {
                "mode": "MARITIME", "means": {"scheme": "imo", "value": "9074729"}, "name": "EXAMPLE EXPRESS",
                "voyage": "432E", "call_reference": "NLRTM-2026-1122-432E",
            },
            "place": {
                "unlocode": "NLRTM", "gln": "9506000134376", "name": "Example Terminal, quay 4",
                "latitude": 51.9496, "longitude": 4.1453,
            },
            "empty": False, "size_type": "22G1", "weighed_mass_kg": 14250.5,
            "seals": [{"number": "NL0012345", "source": "SHI", "kind": "BLT"}, {"number": "C-998877", "source": "CUS"}],
            "remarks": "Loaded in bay 24, row 3, tier 82; " + "lashing checked by the terminal's foreman. " * 3,
        },
    })  # fmt: skip


def epcis(count: int = LISTED_EVENTS) -> bytes:
    """An EPCIS 2.0 document of arrivals of pallets."""
    return orjson.dumps({
        "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],
        "type": "EPCISDocument", "schemaVersion": "2.0", "creationDate": MADE,
        "epcisBody": {"eventList": [
            {
                "type": "ObjectEvent", "eventID": f"urn:uuid:404d95fc-9457-4a51-bd6a-{number:012}", "action": "OBSERVE",
                "eventTime": AT, "eventTimeZoneOffset": "+00:00", "bizStep": "arriving", "disposition": "in_progress",
                "epcList": [
                    "urn:epc:id:sscc:4012345.0000000001",
                    f"https://id.gs1.org/01/09506000134352/21/{number}",
                    f"urn:epc:id:sgtin:0614141.107346.{number}",
                ],
                "readPoint": {"id": "urn:epc:id:sgln:4012345.00001.0"},
                "bizLocation": {"id": "urn:epc:id:sgln:4012345.00001.0"},
                "bizTransactionList": [{"type": "po", "bizTransaction": f"urn:epc:id:gdti:0614141.00001.{number}"}],
            }
            for number in range(count)
        ]},
    })  # fmt: skip


def dcsa(count: int = LISTED_EVENTS) -> bytes:
    """A DCSA Track & Trace 3.0 document of vessel arrivals."""
    party = {"partyCode": "EXCO", "codeListProvider": "SMDG", "codeListName": "LCL", "partyFunction": "CA"}
    return orjson.dumps({"events": [
        {
            "eventRouting": {"originatingParty": party}, "eventID": f"evt-{number:012}", "eventDateTime": AT,
            "eventUpdatedDateTime": MADE, "eventCreatedDateTime": MADE,
            "eventLocation": {"locationName": "Example Port", "UNLocationCode": "NLRTM", "facilityTypeCode": "POTE"},
            "eventClassification": {
                "eventTypeCode": "TRANSPORT", "eventClassifierCode": "ACT", "transportEventTypeCode": "ARRI",
            },
            "shipmentDetails": {"documentReference": {"typeCode": "BKG", "reference": "ABC709951"}},
            "transportDetails": {"transportCall": {
                "transportCallReference": "tc-11223-ghi", "modeOfTransport": "VESSEL",
                "exportVoyageNumberOrReference": {"carrierVoyageNumber": "V003E"},
                "vesselTransport": {"vesselIMONumber": "9074729", "vesselName": "Example Express", "vesselFlag": "NL"},
            }},
        }
        for number in range(count)
    ]})  # fmt: skip


def one_record(count: int = LISTED_EVENTS) -> bytes:
    """IATA ONE Record logistics events: departures of shipments."""
    return orjson.dumps({"@context": {"cargo": "https://onerecord.iata.org/ns/cargo#"}, "@graph": [
        {
            "@id": f"https://1r.example.com/logistics-objects/78fee8e2/logistics-events/{number}",
            "@type": "cargo:LogisticsEvent", "cargo:creationDate": _typed(MADE), "cargo:eventDate": _typed(AT),
            "cargo:eventCode": {"@id": "https://onerecord.iata.org/ns/code-lists/StatusCode#DEP"},
            "cargo:eventTimeType": {"@id": "cargo:ACTUAL"},
            "cargo:eventFor": {"@type": "cargo:Shipment", "@id": "https://1r.example.com/logistics-objects/78fee8e2"},
        }
        for number in range(count)
    ]})  # fmt: skip


def edifact(count: int = LISTED_EVENTS) -> bytes:
    """An interchange of CODECO messages (D.95B, SMDG), each of one container that came through a gate."""
    at = AT[:16].replace("-", "").replace("T", "").replace(":", "")
    segments = (
        "BGM+34+{0}+9", "TDT+20+V003E+1++EXCO:172:182+++9074729:146::EXAMPLE EXPRESS", "NAD+CF+EXC:160:166",
        "EQD+CN+MSKU1234565+22G1:102:5++2+5", "RFF+BN:ABC709951", f"DTM+7:{at}UTC:303", "LOC+11+SGSIN:139:6",
        "LOC+165+NLRTM:139:6+ECTDDE:TER:306", "MEA+AAE+VGM+KGM:21430", "SEL+NL0012345+SH", "TDT+1++3+31++++AB12CD",
        "CNT+16:1",
    )  # fmt: skip
    message = "'".join(["UNH+{0}+CODECO:D:95B:UN:ITG14", *segments, f"UNT+{len(segments) + 2}+{{0}}'"])
    messages = "".join(message.format(number) for number in range(count))
    return f"UNB+UNOA:2+EXAMPLE+HUB+261122:1000+1'{messages}UNZ+{count}+1'".encode()


def _typed(instant: str) -> dict[str, str]:
    return {"@type": "http://www.w3.org/2001/XMLSchema#dateTime", "@value": instant}


HEAD = ("type", "id", "occurred_at", "time_kind", "container", "place", "empty", "weighed_mass_kg", "remarks")


def _row(number: int) -> list[Any]:
    return [
        "customs.container.gate_in", f"gate-{number:08}", AT, "ACTUAL", "MSKU1234565", "NLRTM", "no", 14250.5,
        f"lane {number % 9}",
    ]  # fmt: skip


def separated(count: int) -> bytes:
    """A CSV file of container moves."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";")
    writer.writerow(HEAD)
    writer.writerows(_row(number) for number in range(count))
    return text.getvalue().encode()


def workbook(count: int) -> bytes:
    """The same as an Excel workbook."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"constant_memory": True}) as book:
        sheet = book.add_worksheet("Gate moves")
        sheet.write_row(0, 0, HEAD)
        for number in range(count):
            sheet.write_row(number + 1, 0, _row(number))
    return out.getvalue()

"""The events of one shipment, as the companies' systems would write them: pure values, made from a number and times."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from msgspec import Struct

from hub.lab.demo.cast import CARRIER, EXPORTER, KNOWN_CONSIGNORS, TERMINAL
from schemas.check_digits import container_digit, imo_digit

Plain = dict[str, Any]

GATE_IN, LOADED = "customs.container.gate_in", "customs.container.loaded"
DEPARTED, FILING = "customs.transport.departed", "customs.filing.pre_loading"
SEAL_BROKEN, DOCUMENT = "customs.seal.broken", "customs.document.submitted"

SOURCES = {
    EXPORTER.id: f"urn:demo:{EXPORTER.id}:erp",
    TERMINAL.id: f"urn:demo:{TERMINAL.id}:gate",
    CARRIER.id: f"urn:demo:{CARRIER.id}:ops",
}
PLACE = {"unlocode": "NLRTM", "name": "Delta Terminal"}
_GOODS = (
    ("Flower bulbs, dormant", "060110", "CT", 12.5),
    ("Cut roses, fresh", "060311", "CT", 9.0),
    ("Gouda cheese", "040690", "CT", 14.2),
    ("Centrifugal pumps", "841370", "CS", 43.0),
    ("Cocoa butter", "180400", "BX", 25.0),
    ("Bicycles", "871200", "CT", 19.5),
)
_CONSIGNORS = ("Tulp Bloembollen BV", "Kaasmakerij De Vaart BV", "Pompenfabriek Lek BV")
_CONSIGNEES = (
    ("Hudson Imports Inc", "US", "USNYC"),
    ("Thames Trading Ltd", "GB", "GBFXT"),
    ("Kanto KK", "JP", "JPTYO"),
)
_SIZES = (("22G1", 2_230), ("45G1", 3_900))
"""Size and type code (ISO 6346), and what such a container weighs empty, in kilograms."""


class Voyage(Struct, frozen=True):
    """One call of a vessel at the terminal, loading until `cut_off`."""

    number: int
    cut_off: datetime

    @property
    def imo(self) -> str:
        serial = f"{907_472 + self.number % 7}"
        return serial + imo_digit(f"{serial}0")

    def transport(self) -> Plain:
        return {
            "mode": "MARITIME",
            "means": {"scheme": "imo", "value": self.imo},
            "name": f"NOORDZEE {'ABCDEFG'[self.number % 7]}",
            "voyage": f"{400 + self.number}W",
            "loading_cut_off_at": _text(self.cut_off),
        }


class Shipment(Struct, frozen=True):
    """One container with one consignment, by its number in the day."""

    number: int
    voyage: Voyage

    @property
    def container(self) -> str:
        serial = f"NZLU{310_000 + self.number % 690_000:06}"
        return serial + container_digit(f"{serial}0")

    @property
    def seal(self) -> str:
        return f"NL{700_000 + self.number}"

    def filing(self, at: datetime, *, consignor: Mapping[str, Any] | None = None) -> Plain:
        """The pre-loading filing of the exporter; `consignor` in place of the usual one."""
        name, country, port = _CONSIGNEES[self.number % len(_CONSIGNEES)]
        which = self.number % len(_CONSIGNORS)
        usual = {"name": _CONSIGNORS[which], "identifiers": [_identifier(KNOWN_CONSIGNORS[which])], "country": "NL"}
        return self._event(
            EXPORTER.id,
            FILING,
            at,
            {
                "subjects": [{"scheme": "bill_of_lading", "value": f"NZL{self.number:08}"}, self._subject()],
                "filing": {"country": "NL", "kind": "ENS", "reference": f"ENS-{self.number:07}"},
                "consignor": dict(consignor or usual),
                "consignee": {"name": name, "country": country},
                "goods": [self.goods()],
                "transport": self.voyage.transport(),
                "place_of_loading": {"unlocode": "NLRTM"},
                "place_of_delivery": {"unlocode": port, "country": country},
            },
        )

    def goods(self) -> Plain:
        description, hs, package, kilograms = _GOODS[self.number % len(_GOODS)]
        pieces = 300 + self.number * 37 % 200
        return {
            "description": description,
            "hs": hs,
            "pieces": pieces,
            "package_type": package,
            "gross_mass_kg": round(pieces * kilograms, 1),
            "origin": "NL",
        }

    def invoice(self, at: datetime) -> Plain:
        reference = f"INV-{self.number:07}"
        return self._event(
            EXPORTER.id,
            DOCUMENT,
            at,
            {
                "subjects": [{"scheme": "document", "value": reference}, self._subject()],
                "document": {
                    "kind": "380",
                    "reference": reference,
                    "sha256": sha256(reference.encode()).hexdigest(),
                    "media_type": "application/pdf",
                    "size_bytes": 40_000 + self.number,
                    "title": "Commercial invoice",
                },
            },
        )

    def gate_in(self, at: datetime, *, excess_kg: float = 0.0) -> Plain:
        """The gate's event, with the mass as weighed: what was declared, the container itself, and `excess_kg`."""
        size, tare_kg = _SIZES[self.number % len(_SIZES)]
        return self._event(
            TERMINAL.id,
            GATE_IN,
            at,
            {
                "subjects": [self._subject()],
                "place": PLACE,
                "empty": False,
                "size_type": size,
                "weighed_mass_kg": round(self.goods()["gross_mass_kg"] + tare_kg + excess_kg, 1),
                "seals": [{"number": self.seal, "source": "SHI", "kind": "BLT"}],
                "transport": {"mode": "ROAD", "means": {"scheme": "vehicle_plate", "value": f"{self.number:03}-DEM-1"}},
            },
        )

    def seal_broken(self, at: datetime) -> Plain:
        return self._event(
            TERMINAL.id,
            SEAL_BROKEN,
            at,
            {
                "subjects": [self._subject()],
                "seal": {"number": self.seal, "source": "SHI"},
                "finding": "BROKEN",
                "found_by": {"name": TERMINAL.name},
                "place": PLACE,
            },
        )

    def loaded(self, at: datetime) -> Plain:
        described = {"transport": self.voyage.transport(), "place": {"unlocode": "NLRTM"}, "empty": False}
        return self._event(CARRIER.id, LOADED, at, {"subjects": [self._subject()], **described})

    def departed(self, at: datetime, *, by: str = CARRIER.id) -> Plain:
        """The departure of the shipment's voyage, told by the company `by`."""
        subjects = [{"scheme": "imo", "value": self.voyage.imo}]
        described = {"transport": self.voyage.transport(), "place": {"unlocode": "NLRTM"}}
        return self._event(by, DEPARTED, at, {"subjects": subjects, **described})

    def _subject(self) -> Plain:
        return {"scheme": "iso6346", "value": self.container}

    def _event(self, company: str, event_type: str, at: datetime, data: Plain) -> Plain:
        return {
            "specversion": "1.0",
            "id": f"{event_type.rpartition('.')[2]}-{self.number:07}",
            "source": SOURCES[company],
            "type": event_type,
            "time": _text(at),
            "data": {"occurred_at": _text(at), "time_kind": "ACTUAL", **data},
        }


def _identifier(text: str) -> Plain:
    scheme, _, value = text.partition(":")
    return {"scheme": scheme, "value": value}


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")


def later(moment: datetime, seconds: float) -> datetime:
    return moment + timedelta(seconds=seconds)

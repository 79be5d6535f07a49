"""The codes of EDIFACT messages, and what each means to customs: tables of segment, qualifier and what it becomes.

Sources: the code lists of UNTDID D.95B to D.04A, the guides of the SMDG and of ITIGG for container messages, the status
codes of UN/CEFACT Recommendation 24 and those of ANSI X12 that ocean carriers use in IFTSTA. Guides differ: what a
partner means by a code that stands here otherwise, or not at all, its mapping profile says (`profile`).
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class Meaning(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The canonical type that a code stands for, after `customs.`; and what it says beside."""

    type: str
    time_kind: str = "ACTUAL"
    empty: bool | None = None
    """Whether the container is empty, where the code says it."""
    mode: str = ""
    """The mode of transport, where the code says it."""

    @property
    def unmeant(self) -> bool:
        return self.type == "goods.observed"


UNMEANT = Meaning("goods.observed")
"""Known or not, it is no event that customs have a type for."""
_ORDERED = Meaning("goods.observed", "REQUESTED")


class Grammar(Struct, frozen=True):
    """How a message falls into events: its head, then a group of segments for each."""

    unit: str
    """The segment that begins a group."""
    over: str = ""
    """The segment that begins what several groups share."""
    ends: frozenset[str] = frozenset({"CNT", "UNT"})


GRAMMARS: Mapping[str, Grammar] = {
    "CODECO": Grammar("EQD"),
    "COARRI": Grammar("EQD"),
    "COPARN": Grammar("EQD"),
    "IFTSTA": Grammar("STS", "CNI", frozenset({"UNT"})),
    "IFTSAI": Grammar("LOC", "", frozenset({"UNT"})),
    "CUSCAR": Grammar("CNI", "", frozenset({"UNT"})),
}
"""The messages that are read."""

UNITS = {
    **{kind: frozenset({grammar.unit}) for kind, grammar in GRAMMARS.items()},
    "IFTSAI": frozenset({"DTM"}),
}
"""The segments of which each may tell of an event."""

TOTALS: Mapping[str, str] = {"CODECO": "16", "COARRI": "16", "CUSCAR": "10"}
"""CNT 6069 that counts the groups of a message: 16 equipment (SMDG, ITIGG), 10 consignments. In COPARN equipment may
be ordered by number (EQN), in IFTSTA a total is of what the sender pleases: nothing is certain there."""

KNOWN = frozenset(
    """
    APERAK AUTACK BALANC BANSTA BAPLIE BAPLTE BERMAN BOPCUS CALINF COACSU COARCO COARIN COARRI CODECO CODENO COEDOR
    COHAOR COLREQ COMDIS CONTRL COPARN COPAYM COPINO COPRAR COREOR COSTCO COSTOR CREADV CUSCAR CUSDEC CUSEXP CUSPED
    CUSREP CUSRES DEBADV DELFOR DELJIT DESADV DESTIM DGRECA ENTREC FINSTA GENRAL GESMES GOVCBR HANMOV IFCSUM IFTCCA
    IFTDGN IFTFCC IFTIAG IFTICL IFTMAN IFTMBC IFTMBF IFTMBP IFTMCA IFTMCS IFTMIN IFTRIN IFTSAI IFTSTA IFTSTQ INSDES
    INSRPT INVOIC INVRPT ITRRPT LOCODE MOVINS ORDCHG ORDERS ORDRSP OSTENQ OSTRPT PARTIN PAXLST PAYEXT PAYMUL PAYORD
    PAXREP PNRGOV PRICAT PRODEX QALITY QUOTES RECADV RECLAM REMADV REQDOC REQOTE RETANN SANCRT SLSRPT STATAC SUPCOT
    TANSTA TPFREP UTILMD UTILTS VATDEC VERMAS VESDEP WASDIS WKGRDC
    """.split()  # noqa: SIM905 -- a list of a hundred quoted codes is no easier to read
)
"""Message types of the directories (0065), read or not."""

DOCUMENTS: Mapping[str, Mapping[str, Meaning]] = {
    "CODECO": {
        "34": Meaning("container.gate_in"),
        "35": Meaning("container.gate_out"),
        "36": Meaning("container.gate_out"),
    },
    "COARRI": {
        "44": Meaning("container.discharged", mode="MARITIME"),
        "98": Meaning("container.discharged", mode="MARITIME"),
        "46": Meaning("container.loaded", mode="MARITIME"),
        "270": Meaning("container.loaded", mode="MARITIME"),
    },
    "COPARN": {
        "11": Meaning("container.dropped_off", "REQUESTED"),
        "12": Meaning("container.picked_up", "REQUESTED"),
        "27": Meaning("container.dropped_off", "PLANNED"),
        "126": _ORDERED, "134": _ORDERED, "135": _ORDERED, "136": _ORDERED, "137": _ORDERED,
        "689": _ORDERED, "690": Meaning("container.picked_up", "REQUESTED"), "695": _ORDERED, "DDD": _ORDERED,
    },
}  # fmt: skip
"""BGM 1001. COPARN by ITIGG: 11 acceptance order, 12 release order, 27 impending arrival, 690 call down order."""

CANCELLED = frozenset({"1", "3"})
REPLACED = frozenset({"4", "5"})
"""BGM 1225: cancellation and deletion; change and replacement. All others say that it is the message itself."""

STATUSES: Mapping[str, Meaning] = {
    # UN/CEFACT Recommendation 24.
    "1": Meaning("transport.arrived"),
    "6": Meaning("booking.confirmed"),
    "7": Meaning("booking.cancelled"),
    **dict.fromkeys(("8", "9", "10", "12"), Meaning("control.released")),
    "13": Meaning("container.picked_up"),
    "16": Meaning("position.updated"),
    "17": Meaning("control.held"),
    "21": Meaning("container.dropped_off"),
    "22": Meaning("container.dropped_off"),
    "24": Meaning("transport.departed"),
    "25": Meaning("transport.delayed", "ESTIMATED"),
    "28": Meaning("container.stripped"),
    "29": Meaning("container.discharged"),
    "40": Meaning("transport.arrived"),
    "48": Meaning("container.loaded"),
    # ANSI X12 data element 157, as ocean carriers use it.
    "A": Meaning("transport.arrived"),
    "AE": Meaning("container.loaded", mode="MARITIME"),
    "AF": Meaning("container.picked_up"),
    "AG": Meaning("container.dropped_off", "ESTIMATED"),
    "AL": Meaning("container.loaded", mode="RAIL"),
    "AM": Meaning("container.loaded", mode="ROAD"),
    "AN": Meaning("container.loaded", mode="AIR"),
    "AO": Meaning("container.loaded", mode="INLAND_WATERWAY"),
    "AP": Meaning("container.loaded", mode="MARITIME"),
    "AR": Meaning("transport.arrived", mode="RAIL"),
    "BF": Meaning("booking.confirmed"),
    "C": Meaning("transport.departed", "ESTIMATED"),
    "CT": Meaning("control.released"),
    "CU": Meaning("control.released"),
    "D": Meaning("container.dropped_off"),
    "E": Meaning("transport.arrived", "ESTIMATED"),
    "EE": Meaning("container.gate_out", empty=True),
    "I": Meaning("container.gate_in"),
    "OA": Meaning("container.gate_out"),
    "P": Meaning("transport.departed"),
    **{f"P{letter}": Meaning("control.held") for letter in "ABCDEFGHIJKLMNOP"},
    "RD": Meaning("container.gate_in", empty=True),
    "RL": Meaning("transport.departed", mode="RAIL"),
    "UR": Meaning("container.discharged", mode="RAIL"),
    "UV": Meaning("container.discharged", mode="MARITIME"),
    "VA": Meaning("transport.arrived", mode="MARITIME"),
    "VD": Meaning("transport.departed", mode="MARITIME"),
}
"""STS C555 9011. A carrier's or a party's own codes (3055: 87 and others of `OWN_AGENCIES`) are in no list."""
X12_AGENCIES = frozenset({"22", "116"})
"""Of the lists of X12, in which figures mean other things than in Recommendation 24."""
OWN_AGENCIES = frozenset({"86", "87", "88", "89", "90", "91", "92", "ZZZ"})

CALLS: Mapping[str, Meaning] = {
    "132": Meaning("transport.arrived", "ESTIMATED"),
    "133": Meaning("transport.departed", "ESTIMATED"),
    "178": Meaning("transport.arrived"),
    "186": Meaning("transport.departed"),
    "189": Meaning("transport.departed", "PLANNED"),
    "232": Meaning("transport.arrived", "PLANNED"),
}
"""DTM 2005 at a place of call of an IFTSAI schedule."""

TIMES: Mapping[str, tuple[str, ...]] = {
    "CODECO": ("7", "203", "181", "200", "201"),
    "COARRI": ("203", "7", "181"),
    "COPARN": ("7", "201", "200", "203", "181", "132", "133", "234", "235", "64", "63", "10", "2"),
    "IFTSTA": ("334", "78", "7", "203", "178", "186"),
    "CUSCAR": ("137",),
}
"""DTM 2005: the qualifiers of the time of an event, the first that is there counts."""

STUFFED = "798"
"""DTM 2005 of the time at which a container was stuffed, in CODECO (SMDG)."""

PLACES: Mapping[str, tuple[str, ...]] = {
    "container.loaded": ("175", "165", "9"),
    "container.discharged": ("175", "165", "11"),
    "transport.departed": ("175", "165", "14", "9", "5"),
    "transport.arrived": ("175", "165", "14", "11", "60"),
    "": ("175", "165", "14", "98", "99", "89"),
}
"""LOC 3227 by type: where it happened (175, 165 activity; 98 pick-up, 99 return of empty equipment)."""

ROUTE = (
    ("place_of_loading", ("9",)),
    ("place_of_discharge", ("11",)),
    ("place_of_delivery", ("7", "8", "83")),
)

INLAND = frozenset({"container.gate_in", "container.gate_out", "container.picked_up", "container.dropped_off"})
"""Of these, `transport` is the haulage: TDT 8051 1 inland, 10 pre-carriage, 30 on-carriage; of others 20, the main."""
STAGES = {True: ("1", "10", "30"), False: ("20", "1", "10", "30", "12", "25", "21")}

MODES = {
    "1": "MARITIME", "2": "RAIL", "3": "ROAD", "4": "AIR", "5": "POST", "6": "MULTIMODAL", "7": "FIXED_INSTALLATION",
    "8": "INLAND_WATERWAY",
}  # fmt: skip
"""TDT 8067 (UNECE Recommendation 19)."""

EMPTY = {"4": True, "5": False}
"""EQD 8169."""

REFERENCES = {
    "BN": "booking", "BM": "bill_of_lading", "MB": "bill_of_lading", "HBL": "bill_of_lading", "AWB": "awb",
    "AAM": "awb", "MWB": "awb", "HWB": "awb", "UCN": "ucr", "ABT": "declaration", "AAE": "declaration", "ABE": "lrn",
    "MRN": "mrn", "LRN": "lrn", "EQ": "container", "AAQ": "container", "IV": "document", "DM": "document",
}  # fmt: skip
"""RFF 1153, and the scheme of its value; `declaration`: an MRN, or else the declarant's number."""

ISSUERS = {
    "CA": "CAR", "SH": "SHI", "CU": "CUS", "TO": "TER", "AA": "CNS", "AC": "PHY",
}  # fmt: skip
"""SEL 9303, and who put the seal on."""
SEALING_PARTIES = {
    "CA": ("CA", "CF"), "SH": ("CZ", "SH", "EX"), "CU": ("CM",), "TO": ("TR",), "AA": ("CS",),
}  # fmt: skip
"""SEL 9303, and the parties of the message (NAD 3035) that it may mean."""
FINDINGS = {"2": "BROKEN", "3": "MISSING", "4": "BROKEN"}
"""SEL 4517: damaged, missing, broken. A faulty electronic seal (5) may still hold."""
NO_SEAL = frozenset({"NA", "N/A", "NIL", "NONE", "NOSEAL", "NO SEAL"})
"""What is written where there is no seal."""

PARTIES = {
    "carrier": ("CA",), "consignor": ("CZ", "SH", "EX"), "consignee": ("CN", "IM"),
    "notify_party": ("NI", "N1", "N2"),
}  # fmt: skip
"""NAD 3035."""
AGENCY_SCHEMES = {"9": "gln", "166": "scac", "182": "scac"}
"""DE 3055 of a party's code: GS1; the lists of carriers of the United States (NMFTA)."""
FACILITY_AGENCIES = {"306": "SMDG", "20": "BIC"}
NOT_UNLOCODES = frozenset({"5", "16", "162", "ZIP"})
"""DE 1131 of a place that are no UN/LOCODE: ISO countries, postal codes."""

KILOGRAMS = {"KGM": 1.0, "KG": 1.0, "TNE": 1000.0, "LBR": 0.45359237}
"""MEA 6411 (UNECE Recommendation 20)."""

"""Digital copies of documents: what an examination of one says, and what becomes of it by the policy of the hub."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from schemas.faults import Fault, Severity, capped, fault

Disposition = Literal["accept", "quarantine", "refuse"]
"""`quarantine`: kept and receipted, but shown to nobody until an officer has decided."""

_ACCEPT: Disposition = "accept"
_GRAVITY: dict[Disposition, int] = {"accept": 0, "quarantine": 1, "refuse": 2}


class DocumentPolicy(Struct, frozen=True, kw_only=True):
    """What is done with a document in which this was found. Any other error refuses it, any other warning does not."""

    document_padded: Disposition = "quarantine"
    """Something stands before or after it in its file. Photographs of some telephones carry a film."""
    image_too_large: Disposition = "refuse"
    xml_dtd: Disposition = "refuse"
    json_member_repeated: Disposition = "quarantine"
    """An object has a member twice, so that two readers may see two documents."""
    pdf_encrypted: Disposition = "refuse"
    pdf_script: Disposition = "refuse"
    pdf_launch: Disposition = "refuse"
    pdf_remote: Disposition = "quarantine"
    """It submits a form, loads data or leads into another file."""
    pdf_link: Disposition = "accept"
    """It has links to http, https, mailto or tel."""
    pdf_automatic: Disposition = "quarantine"
    """It does something by itself when it is opened, turned over or printed."""
    pdf_embedded: Disposition = "quarantine"
    """It carries other files, as hybrid invoices (EN 16931 in PDF/A-3) do."""
    pdf_xfa: Disposition = "quarantine"
    pdf_media: Disposition = "quarantine"
    pdf_loop: Disposition = "refuse"
    pdf_broken: Disposition = "quarantine"
    pdf_repaired: Disposition = "quarantine"
    """Its table of objects is wrong, so that two readers may show two documents."""
    pdf_bomb: Disposition = "refuse"
    pdf_updated: Disposition = "accept"
    """It was changed after it was first written, as by every signature."""
    pdf_signed: Disposition = "accept"
    pdf_not_examined: Disposition = "quarantine"
    credential_malformed: Disposition = "quarantine"
    """It says that it is a verifiable credential, or is sent as one, and lacks what one must have."""
    credential_expired: Disposition = "quarantine"
    """It proves nothing today, and may have when the goods moved: an officer looks at it before anyone relies on it."""
    credential_not_yet_valid: Disposition = "quarantine"
    credential_differs: Disposition = "accept"
    """It names another document than the request does."""
    credential_not_proven: Disposition = "accept"
    """Its issuer's key is not known, or it has no proof of a kind that is verified here."""
    credential_proof_wrong: Disposition = "refuse"
    virus_found: Disposition = "refuse"
    virus_not_excluded: Disposition = "quarantine"

    def of(self, found: Fault) -> Disposition:
        otherwise: Disposition = "accept" if found.severity is Severity.WARNING else "refuse"
        disposition: Disposition = getattr(self, found.code.lower(), otherwise)
        return disposition


class Decision(Struct, frozen=True):
    """What becomes of a document. Faults that refuse it are errors, all others warnings."""

    disposition: Disposition
    faults: tuple[Fault, ...]


def decide(faults: Iterable[Fault], policy: DocumentPolicy) -> Decision:
    """The gravest word that the policy has for any of the faults. `faults` are of `sniff`, `PDFReport` and `Scan`."""
    weighed = [(policy.of(each), each) for each in faults]
    gravest = max((word for word, _ in weighed), key=_GRAVITY.__getitem__, default=_ACCEPT)
    said = [replace(each, severity=Severity.ERROR if word == "refuse" else Severity.WARNING) for word, each in weighed]
    return Decision(gravest, tuple(capped(said)))


PDFCode = Literal[
    "PDF_ENCRYPTED", "PDF_SCRIPT", "PDF_LAUNCH", "PDF_REMOTE", "PDF_LINK", "PDF_AUTOMATIC", "PDF_EMBEDDED", "PDF_XFA",
    "PDF_MEDIA", "PDF_LOOP", "PDF_BROKEN", "PDF_REPAIRED", "PDF_BOMB", "PDF_UPDATED", "PDF_SIGNED", "PDF_NOT_EXAMINED",
]  # fmt: skip


class PDFFinding(Struct, frozen=True):
    """Something in a PDF: the first place where it stands (`object N`; empty: no single place), and what is there."""

    code: PDFCode
    place: str = ""
    found: str = ""


class PDFReport(Struct, frozen=True):
    """What an examination of a PDF says. It is the word of a parser in a jail: no more is believed of it than this."""

    version: str = ""
    """Of the header, such as `1.7`; empty: not told."""
    pages: int = 0
    updates: int = 0
    """How many times it was changed after it was first written (ISO 32000-1 §7.5.6)."""
    findings: tuple[PDFFinding, ...] = ()
    """Each code once."""

    def faults(self) -> list[Fault]:
        return [fault(each.code, each.place, each.found, PDF_EXPECTED) for each in self.findings]


PDF_EXPECTED = "a plain PDF"


class Scan(Struct, frozen=True):
    """What a virus scanner says: `unknown` is no answer, or none that could be understood."""

    verdict: Literal["clean", "found", "unknown"]
    said: str = ""
    """The name of what was found, or why there is no answer."""

    def faults(self) -> list[Fault]:
        if self.verdict == "clean":
            return []
        code = "VIRUS_FOUND" if self.verdict == "found" else "VIRUS_NOT_EXCLUDED"
        return [fault(code, "", self.said, "a document that the virus scanner finds clean")]

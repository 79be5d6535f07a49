"""What is in a PDF, found by walking its objects from the trailer; nothing is drawn, run or followed outside.

Places of ISO 32000-1 where something may act are walked: catalogue, name trees, pages, annotations, form fields,
outlines. What cannot act (contents, resources, structure, destinations) is not, so that large documents stay cheap.
Packed streams are unpacked into nothing, to see how much they would become. Runs in the jail only.
"""

from __future__ import annotations

import codecs
import io
import logging
import re
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO, get_args

import msgspec
import pypdf
from pypdf.errors import LimitReachedError, PyPdfError
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, NullObject, StreamObject

from hub.core.documents import PDFCode, PDFFinding, PDFReport

FOUND_CHARACTERS_MAX = 64
UNPACKED_BYTES_MAX = 134_217_728
"""What is unpacked of all streams together before it is enough; half a second of work."""
UNPACKED_TIMES_MAX = 100
"""No document is packed so well; a sheet of blank paper is, and stays below the bytes above."""
TREE_DEPTH_MAX = 64
REMEMBERED_MAX = 2_000
"""Each object is looked at once, but those packed together in one stream are unpacked together."""

_ACTIONS: dict[str, PDFCode] = {
    "/JavaScript": "PDF_SCRIPT", "/Launch": "PDF_LAUNCH", "/SubmitForm": "PDF_REMOTE", "/ImportData": "PDF_REMOTE",
    "/GoToR": "PDF_REMOTE", "/GoToE": "PDF_REMOTE", "/Rendition": "PDF_MEDIA", "/Movie": "PDF_MEDIA",
    "/Sound": "PDF_MEDIA", "/GoTo3DView": "PDF_MEDIA", "/RichMediaExecute": "PDF_MEDIA",
}  # fmt: skip
"""By `/S` (§12.6.4); `/URI` is judged by where it leads."""
_ANNOTATIONS: dict[str, PDFCode] = {
    "/FileAttachment": "PDF_EMBEDDED", "/RichMedia": "PDF_MEDIA", "/Screen": "PDF_MEDIA", "/Movie": "PDF_MEDIA",
    "/Sound": "PDF_MEDIA", "/3D": "PDF_MEDIA",
}  # fmt: skip
"""By `/Subtype` (§12.5.6)."""
_MEMBERS: dict[str, PDFCode] = {
    "/JS": "PDF_SCRIPT", "/JavaScript": "PDF_SCRIPT", "/AA": "PDF_AUTOMATIC", "/EF": "PDF_EMBEDDED",
    "/EmbeddedFiles": "PDF_EMBEDDED", "/Collection": "PDF_EMBEDDED", "/XFA": "PDF_XFA", "/ByteRange": "PDF_SIGNED",
}  # fmt: skip
"""By a member that is there at all."""
_HARMLESS = frozenset({
    "/Parent", "/Contents", "/Resources", "/StructTreeRoot", "/Metadata", "/Prev", "/Last", "/P", "/Dest", "/Dests",
    "/AP", "/PageLabels", "/OutputIntents", "/PieceInfo", "/Thumb", "/OCProperties", "/SE", "/Popup", "/DR", "/B",
})  # fmt: skip
"""Members in which nothing can act, or that lead back to where the walk has been."""
_BRANCHES = frozenset({"/Kids", "/First", "/Next", "/Pages", "/Outlines"})
"""Members by which trees hang together: nobody is reached twice by them."""
_PLAIN_LINKS = re.compile(r"(?:https?|mailto|tel):|[^:]*$", re.IGNORECASE)


class _Examination:
    """The findings of one document, each code with the first place where it was seen."""

    def __init__(self, reader: pypdf.PdfReader) -> None:
        self._reader = reader
        self.found: dict[PDFCode, PDFFinding] = {}
        self.pages = 0
        self._seen: set[int] = set()
        self._branches: set[int] = set()
        self._followed: set[int] = set()
        self._waiting: list[tuple[Any, str, str, int]] = []

    def note(self, code: PDFCode, place: str = "", found: object = "") -> None:
        self.found.setdefault(code, PDFFinding(code, place, str(found)[:FOUND_CHARACTERS_MAX]))

    def walk(self, root: Any) -> None:
        """Every object that can act, once. `_waiting`: a value, the member that holds it, its object, its depth."""
        self._waiting.append((root, "/Root", "", 0))
        while self._waiting:
            value, name, place, depth = self._waiting.pop()
            if isinstance(value, IndirectObject):
                if name in _BRANCHES:
                    depth += 1
                    if value.idnum in self._branches or (depth > TREE_DEPTH_MAX and name == "/Kids"):
                        self.note("PDF_LOOP", f"object {value.idnum}", name)
                    self._branches.add(value.idnum)
                if value.idnum in self._seen:
                    continue
                self._seen.add(value.idnum)
                place = f"object {value.idnum}"
                value = self._resolved(value, place)
            if isinstance(value, DictionaryObject):
                self._look(value, name, place, depth)
            elif isinstance(value, ArrayObject):
                self._waiting.extend((each, name, place, depth) for each in value if _leads_on(each))

    def _resolved(self, reference: IndirectObject, place: str) -> Any:
        try:
            value = self._reader.get_object(reference)
            if len(self._reader.resolved_objects) > REMEMBERED_MAX:
                self._reader.resolved_objects.clear()
        except (MemoryError, LimitReachedError):
            raise
        except RecursionError:
            return self.note("PDF_LOOP", place, "nested without end")
        except Exception as e:  # noqa: BLE001 (one broken object is not to hide the others)
            return self.note("PDF_BROKEN", place, type(e).__name__)
        if isinstance(value, IndirectObject):
            return self.note("PDF_LOOP", place, "a reference to a reference")
        if value is None or isinstance(value, NullObject):
            self.note("PDF_BROKEN", place, "no such object")
        return value

    def _look(self, members: DictionaryObject, name: str, place: str, depth: int) -> None:
        raw = dict(members.items())
        action = raw.get("/S")
        if isinstance(action, str) and (acts := _ACTIONS.get(action)) is not None:
            self.note(acts, place, action)
        if (kind := _ANNOTATIONS.get(str(raw.get("/Subtype")))) is not None and "/Rect" in raw:
            self.note(kind, place, raw["/Subtype"])
        if "/URI" in raw and isinstance(action, str):
            self._link(self._value(raw["/URI"], place), place)
        if isinstance(action, str) and (following := raw.pop("/Next", None)) is not None:
            if self._comes_back(following):
                self.note("PDF_LOOP", place, "/Next")
            self._waiting.append((following, "/A", place, depth))
        if name == "/OpenAction" and action != "/GoTo":
            self.note("PDF_AUTOMATIC", place, f"/OpenAction {action or ''}".strip())
        if isinstance(members, StreamObject) and "/F" in raw:
            self.note("PDF_REMOTE", place, "a stream in another file")
        if raw.get("/Type") == "/Page" or (name == "/Kids" and "/Kids" not in raw and "/MediaBox" in raw):
            self.pages += 1
        for member, value in raw.items():
            if (code := _MEMBERS.get(member)) is not None:
                self.note(code, place, member)
            if member not in _HARMLESS and _leads_on(value):
                self._waiting.append((value, member, place, depth))

    def _comes_back(self, following: Any) -> bool:
        """Whether a chain of actions (§12.6.2) leads to one that it has passed. Several may end in one, which is
        followed once."""
        passed: set[int] = set()
        waiting = [(each, False) for each in _actions(following)]
        while waiting:
            reference, leaving = waiting.pop()
            if leaving:
                passed.discard(reference.idnum)
            elif reference.idnum in passed:
                return True
            elif reference.idnum not in self._followed:
                self._followed.add(reference.idnum)
                passed.add(reference.idnum)
                waiting.append((reference, True))
                action = self._resolved(reference, f"object {reference.idnum}")
                members = dict(action.items()) if isinstance(action, DictionaryObject) else {}
                waiting.extend((each, False) for each in _actions(members.get("/Next")))
        return False

    def _value(self, value: Any, place: str) -> Any:
        return self._resolved(value, place) if isinstance(value, IndirectObject) else value

    def _link(self, target: Any, place: str) -> None:
        text = target.decode("latin-1") if isinstance(target, bytes) else str(target)
        if text.strip().lower().startswith("javascript:"):
            self.note("PDF_SCRIPT", place, text)
        elif _PLAIN_LINKS.match(text.strip()) and not text.startswith("\\\\"):
            self.note("PDF_LINK", place, text)
        else:
            self.note("PDF_REMOTE", place, text)


def _leads_on(value: Any) -> bool:
    return isinstance(value, IndirectObject | DictionaryObject | ArrayObject)


def _actions(following: Any) -> list[IndirectObject]:
    """Those that `/Next` refers to: one action or several, also through actions that stand in their place."""
    found, waiting = [], [following]
    while waiting:
        each = waiting.pop()
        if isinstance(each, IndirectObject):
            found.append(each)
        elif isinstance(each, ArrayObject):
            waiting.extend(each)
        elif isinstance(each, DictionaryObject):
            waiting.append(dict(each.items()).get("/Next"))
    return found


class _Complaints(logging.Handler):
    """What the parser had to make good for: it logs it, and goes on."""

    def __init__(self) -> None:
        super().__init__()
        self.first = ""
        self.loop = ""
        """The first of something that contains itself, such as a chain of tables by `/Prev` (§7.5.5)."""

    def emit(self, record: logging.LogRecord) -> None:
        said = record.getMessage()
        self.first = self.first or said
        if said.startswith("Circular"):
            self.loop = self.loop or said


def examine(document: BinaryIO) -> PDFReport:
    """The report on one document. Raises `MemoryError` only."""
    complaints = _Complaints()
    logger = logging.getLogger("pypdf")
    logger.handlers, logger.propagate = [complaints], False
    findings: dict[PDFCode, PDFFinding] = {}
    pages = 0
    examination = None
    try:
        packed = _packed(document)
        if packed:
            findings["PDF_BOMB"] = PDFFinding("PDF_BOMB", "", packed)
        document.seek(0)
        reader = pypdf.PdfReader(document, strict=False, root_object_recovery_limit=1_000)
        examination = _Examination(reader)
        if "/Encrypt" in reader.trailer:
            examination.note("PDF_ENCRYPTED", "", "/Encrypt in the trailer")
        else:
            examination.walk(reader.trailer.raw_get("/Root"))
    except MemoryError:
        raise
    except LimitReachedError as e:
        findings["PDF_BOMB"] = _said("PDF_BOMB", e)
    except RecursionError:
        findings["PDF_LOOP"] = PDFFinding("PDF_LOOP", "", "nested without end")
    except Exception as e:  # noqa: BLE001 (a parser of hostile bytes: whatever it raises, the document is at fault)
        code: PDFCode = "PDF_ENCRYPTED" if _encrypted(document, e) else "PDF_BROKEN"
        findings[code] = _said(code, e)
    if examination is not None:
        findings = examination.found | findings
        pages = examination.pages
    if complaints.loop:
        findings.setdefault("PDF_LOOP", PDFFinding("PDF_LOOP", "", complaints.loop[:FOUND_CHARACTERS_MAX]))
    elif complaints.first and "PDF_ENCRYPTED" not in findings:
        code = "PDF_BOMB" if "limit" in complaints.first.lower() else "PDF_REPAIRED"
        findings.setdefault(code, PDFFinding(code, "", complaints.first[:FOUND_CHARACTERS_MAX]))
    if not pages and "PDF_ENCRYPTED" not in findings:
        findings.setdefault("PDF_BROKEN", PDFFinding("PDF_BROKEN", "", "no pages"))
    version, updates = _outline(document)
    if updates:
        findings["PDF_UPDATED"] = PDFFinding("PDF_UPDATED", "", f"{updates} times")
    order = get_args(PDFCode)
    return PDFReport(version, pages, updates, tuple(sorted(findings.values(), key=lambda each: order.index(each.code))))


def _said(code: PDFCode, error: Exception) -> PDFFinding:
    said = str(error) if isinstance(error, PyPdfError) else type(error).__name__
    return PDFFinding(code, "", said[:FOUND_CHARACTERS_MAX])


_VERSION = re.compile(rb"%PDF-(\d\.\d)")
_STEP = 262_144
_OVERLAP = 64


def _windows(document: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """The whole document in overlapping pieces, each with where it begins."""
    at = 0
    while True:
        document.seek(at)
        window = document.read(_STEP + _OVERLAP)
        yield at, window
        if len(window) <= _STEP:
            return
        at += _STEP


def _outline(document: BinaryIO) -> tuple[str, int]:
    """The version, and how often a cross-reference section was added. A linearized file begins with one more
    (annex F.3.1)."""
    version, sections = "", 0
    for at, window in _windows(document):
        if not at:
            match = _VERSION.search(window, 0, 1_024)
            version = match[1].decode() if match else ""
            sections -= b"/Linearized" in window[:2_048]
        sections += window.count(b"startxref", 0, _STEP + len(b"startxref") - 1)
    return version, max(sections - 1, 0)


def _encrypted(document: BinaryIO, error: Exception) -> bool:
    named = "crypt" in str(error).lower() or "password" in str(error).lower()
    return named and any(b"/Encrypt" in window for _, window in _windows(document))


_STREAM = re.compile(rb"stream\r?\n(?=[\x08-\x78])")
_NESTED = re.compile(rb"/Filter\s*\[\s*/Fl(?:ateDecode)?\s*/Fl")


def _packed(document: BinaryIO) -> str:
    """Whether the streams unpack to more than any document holds; what was found, or nothing.

    Streams are looked for in the bytes themselves, so that nothing that the parser believes can hide one.
    """
    total, size = 0, 0
    for at, window in _windows(document):
        size = at + len(window)
        if _NESTED.search(window) is not None:
            return "a stream packed twice"
        for match in _STREAM.finditer(window, 0, min(len(window), _STEP + 8)):
            document.seek(at + match.end())
            total += _unpacked(document, UNPACKED_BYTES_MAX - total)
            if total >= UNPACKED_BYTES_MAX:
                document.seek(0, io.SEEK_END)
                size = document.tell()
                return f"{size} bytes that become more than {total}" if total > size * UNPACKED_TIMES_MAX else ""
    return ""


def _unpacked(document: BinaryIO, bytes_max: int) -> int:
    """How many bytes the zlib stream here becomes, up to a bound; 0 if it is none."""
    inflater, total = zlib.decompressobj(), 0
    packed = document.read(4_096)
    try:
        while packed and not inflater.eof and total < bytes_max:
            total += len(inflater.decompress(packed, 1_048_576))
            packed = inflater.unconsumed_tail or document.read(65_536)
    except zlib.error:
        pass
    return total


def report(descriptor: int) -> bytes:
    """The report on the document that is open under this number, as JSON."""
    with io.FileIO(descriptor, closefd=False) as raw, io.BufferedReader(raw, 65_536) as document:
        return msgspec.json.encode(examine(document))


def warm_up() -> None:
    """Load what the parser loads when it first needs it: in the jail it could not."""
    import pypdf._codecs._codecs  # noqa: F401

    for name in ("latin-1", "utf-8", "utf-16", "utf-16-be", "utf-16-le", "ascii", "charmap", "raw_unicode_escape"):
        codecs.lookup(name)
    report = examine(io.BytesIO(_SMALLEST))
    if [each.code for each in report.findings] != ["PDF_REPAIRED"] or report.pages != 1:
        raise RuntimeError(f"the parser does not do what it did: {report}")


_SMALLEST = (
    b"%PDF-1.4\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n2 0 obj\n<</Type/Pages/Kids[3 0 R]/Count 1>>\nendobj\n"
    b"3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>\nendobj\n"
    b"trailer\n<</Size 4/Root 1 0 R>>\nstartxref\n0\n%%EOF\n"
)
"""A document of one page without a table of objects: it leads the parser through most of what it has."""

"""Whether XML and JSON are what they seem: well-formed to the last byte, and nothing that a reader would run or fetch.

Both are gone through without building anything. What the text means is for others to say.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from mmap import mmap
from xml.parsers.expat import ExpatError, ParserCreate, errors

import msgspec

from schemas.faults import Fault, fault

Document = bytes | mmap

_STEP = 65_536
_DEPTH_MAX = 1_000
_PENDING_BYTES_MAX = 1_048_576
"""What the parser may hold back of a tag or comment that does not end; text comes in pieces."""
_BOM = b"\xef\xbb\xbf"

_ACTIVE = {
    "http://www.w3.org/1999/xhtml": "XHTML",
    "http://www.w3.org/2000/svg": "SVG",
    "http://www.w3.org/1999/XSL/Transform": "XSLT",
    "http://www.w3.org/2001/XInclude": "XInclude",
    "http://www.mozilla.org/keymaster/gatekeeper/there.is.only.xul": "XUL",
}
"""Namespaces of what a browser or a processor runs, or has others fetched by."""
_PAGES = frozenset({"html", "svg", "xsl", "stylesheet", "transform"})
_ENCODINGS = re.compile(r"utf-?8|utf-?16(?:[bl]e)?|us-ascii|iso-8859-\d{1,2}|windows-125\d", re.IGNORECASE)
_TRUNCATED = frozenset(
    errors.codes[each]
    for each in (errors.XML_ERROR_NO_ELEMENTS, errors.XML_ERROR_UNCLOSED_TOKEN, errors.XML_ERROR_PARTIAL_CHAR,
                 errors.XML_ERROR_UNCLOSED_CDATA_SECTION)
)  # fmt: skip


class _Stop(Exception):
    """Found what decides: nothing of the rest is read."""


def xml(document: Document) -> Iterator[Fault]:
    """XML 1.0 with namespaces, without a document type declaration: so no entity is ever declared or expanded."""
    look = _XMLLook()
    try:
        for at in range(0, len(document), _STEP):
            look.parser.Parse(document[at : at + _STEP], at + _STEP >= len(document))
            if at + _STEP - look.parser.CurrentByteIndex > _PENDING_BYTES_MAX:
                look.endless()
    except _Stop:
        pass
    except ExpatError as e:
        place = f"line {e.lineno}, column {e.offset + 1}"
        cut_off = e.code in _TRUNCATED or (look.depth and look.parser.CurrentByteIndex >= len(document))
        code = "DOCUMENT_TRUNCATED" if cut_off else "DOCUMENT_BROKEN"
        yield fault(code, place, errors.messages[e.code], "well-formed XML")
    except (LookupError, ValueError):
        yield fault("DOCUMENT_BROKEN", look.place, "another encoding", "XML in UTF-8")
    yield from look.faults


class _XMLLook:
    """A parser that remembers what it was shown of what may not be there."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.depth = 0
        self.parser = parser = ParserCreate(namespace_separator=" ")
        parser.XmlDeclHandler = self._declared
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartNamespaceDeclHandler = self._namespace
        parser.ProcessingInstructionHandler = self._instruction
        parser.StartElementHandler = self._element
        parser.EndElementHandler = self._end

    @property
    def place(self) -> str:
        return f"line {self.parser.CurrentLineNumber}, column {self.parser.CurrentColumnNumber + 1}"

    def _declared(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and not _ENCODINGS.fullmatch(encoding):
            raise LookupError

    def _doctype(self, name: str, *_: object) -> None:
        self._found("XML_DTD", f"<!DOCTYPE {name}", "XML without a document type declaration")

    def _namespace(self, _prefix: str | None, name: str | None) -> None:
        if (active := _ACTIVE.get((name or "").strip())) is not None:
            self._found("DOCUMENT_ACTIVE", active, "XML that nothing runs or fetches by")

    def _instruction(self, target: str, _content: str) -> None:
        if target.lower() in ("xml-stylesheet", "php"):
            self._found("DOCUMENT_ACTIVE", f"<?{target}", "XML that nothing runs or fetches by")

    def _element(self, name: str, _attributes: object) -> None:
        if not self.depth and name.rpartition(" ")[2].lower() in _PAGES:
            self._found("DOCUMENT_ACTIVE", f"<{name}", "XML that nothing runs or fetches by")
        self.depth += 1
        if self.depth > _DEPTH_MAX:
            self._found("DOCUMENT_BROKEN", f"{self.depth} deep", f"at most {_DEPTH_MAX} deep")

    def _end(self, _name: str) -> None:
        self.depth -= 1

    def endless(self) -> None:
        self._found("DOCUMENT_BROKEN", "a tag without end", f"tags of less than {_PENDING_BYTES_MAX // 2} bytes")

    def _found(self, code: str, found: str, expected: str) -> None:
        self.faults.append(fault(code, self.place, found, expected))
        raise _Stop


_validator = msgspec.json.Decoder(msgspec.Raw)
_BYTE = re.compile(r"(?:JSON is malformed: )?(.*) \(byte (\d+)\)", re.DOTALL)


def json(document: Document) -> Iterator[Fault]:
    """RFC 8259: one value in UTF-8, with nothing after it. A byte-order mark is passed over (§8.1)."""
    start = len(_BOM) if document[:3] == _BOM else 0
    with memoryview(document) as whole, whole[start:] as text:
        try:
            _validator.decode(text)
        except msgspec.DecodeError as e:
            said = _BYTE.fullmatch(str(e))
            if said is None:
                yield fault("DOCUMENT_TRUNCATED", f"byte {len(document)}", "no end", "the rest of the text")
            else:
                yield fault("DOCUMENT_BROKEN", f"byte {start + int(said[2])}", said[1], "well-formed JSON")
            return
        except RecursionError:
            yield fault("JSON_TOO_DEEP", "", "nested further", f"at most {_DEPTH_MAX} deep")
            return
        yield from _utf_8(text)


def _utf_8(text: memoryview) -> Iterator[Fault]:
    decoder = codecs.getincrementaldecoder("utf-8")()
    for at in range(0, len(text), _STEP):
        try:
            decoder.decode(text[at : at + _STEP], at + _STEP >= len(text))
        except UnicodeDecodeError:
            yield fault("JSON_NOT_UTF8", f"byte {at} or later", "other bytes", "UTF-8")
            return

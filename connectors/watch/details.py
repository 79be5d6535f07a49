"""What a digital copy does not say of itself: what kind of document it is, its reference, what it is about.

From three places, each before the next: the details laid beside it (`NAME.txt`, a `word: value` a line), its name
(`commercial invoice INV-42.pdf`), and what a wrapped trade document names itself.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from unicodedata import normalize

from connectors.errors import ConnectorError
from connectors.language import language
from connectors.partner.documents import MEDIA_TYPES
from schemas.documents.credential import unwrap
from schemas.vocabularies import Word
from schemas.vocabularies import words as vocabulary

ENDING = ".txt"
BYTES_MAX = 1_048_576
"""What is larger are no details."""
NEEDED = ("kind", "reference")
GIVEN = (*NEEDED, "subject", "title", "issued_at", "updated_at", "replaces", "reason")
"""The parameters of `POST /v1/documents` that a person knows; `subject` may stand in several lines."""
_LINE = re.compile(r"\s*([A-Za-z_]+)\s*[:=]\s*(.*?)\s*")
_SHORT = {"invoice": "380", "facture": "380"}
"""What people call a document whose name in the code list is longer; EN 16931 calls 380 no more than an invoice."""
_REFERENCE = re.compile(r"(?=\S*[0-9])\S+")
"""In a name: one word with a digit, so that `commercial invoice for May.pdf` is asked about."""

Details = tuple[tuple[str, str], ...]


class DetailsInvalid(ConnectorError):
    """The details cannot be read; the text says where and what to do."""


class DetailsMissing(ConnectorError):
    """Nothing says what a copy is, or not enough."""


def described(name: str) -> str | None:
    """The name of the file that a file of this name describes; None: it describes none."""
    document = name.removesuffix(ENDING)
    return document if document != name and PurePath(document).suffix.lower() in MEDIA_TYPES else None


def details_of(name: str, document: bytes, written: bytes | None, *, wrapped: bool) -> Details:
    """What is to be said of a copy. `written`: the details that lie beside it.

    Raises `DetailsInvalid`, `DetailsMissing`.
    """
    given = read(written) if written is not None else ()
    said = dict(_of_wrapped(document) if wrapped else ()) | _of_name(name)
    lines = (*given, *(each for each in said.items() if each[0] not in dict(given)))
    if missing := [word for word in NEEDED if not dict(lines).get(word)]:
        raise DetailsMissing(", ".join(missing))
    return lines


def read(written: bytes) -> Details:
    """The details in a file. Raises `DetailsInvalid`."""
    return tuple(_lines(_text(written)))


def form(name: str) -> bytes:
    """Details of the file `name`, to be filled in."""
    french = language() == "fr"
    kinds = (f"#   {code:>4}  {word.fr if french else word.en}" for code, word in _kinds().items())
    text = (_FORM_FR if french else _FORM).format(name=name.encode(errors="replace").decode(), kinds="\r\n".join(kinds))
    return codecs.BOM_UTF8 + text.replace("\r\n", "\n").replace("\n", "\r\n").encode()


def _text(written: bytes) -> str:
    """Notepad writes UTF-8, with a mark or without, and UTF-16 with one."""
    utf_16 = written.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return written.decode("utf-16" if utf_16 else "utf-8-sig")
    except UnicodeDecodeError as e:
        raise DetailsInvalid("The details are not UTF-8: save them with the encoding UTF-8.") from e


def _lines(text: str) -> Iterator[tuple[str, str]]:
    seen = set()
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        word = match[1].lower() if match else ""
        if match is None or word not in GIVEN:
            raise DetailsInvalid(f"Line {number} of the details: {line[:80]!r}; one of: {', '.join(GIVEN)}; then `: `.")
        if word in seen and word != "subject":
            raise DetailsInvalid(f"Line {number} of the details: {word} for the second time.")
        seen.add(word)
        if match[2]:
            yield word, _code(match[2]) or match[2] if word == "kind" else match[2]


def _of_name(name: str) -> dict[str, str]:
    stem = normalize("NFC", PurePath(name).stem)
    for place in sorted(
        (each.start() for each in re.finditer(r"[ _]+", stem)), reverse=True
    ):  # The longest name first.
        code, reference = _code(stem[:place].replace("_", " ")), stem[place:].lstrip(" _")
        if code and _REFERENCE.fullmatch(reference) and reference.isprintable():
            return {"kind": code, "reference": reference}
    return {}


def _of_wrapped(document: bytes) -> Iterator[tuple[str, str]]:
    """The kind and the reference of the one document that is wrapped; of several, none speaks for the file."""
    named = [each for credential in unwrap(document).credentials for each in credential.documents]
    if len(named) == 1:
        yield "kind", named[0].kind
        yield "reference", named[0].reference


def _code(words: str) -> str:
    """The code that a document's name stands for, in either language; empty: none."""
    asked = normalize("NFC", " ".join(words.split())).casefold()
    if (code := _SHORT.get(asked)) is not None:
        return code
    names = ((code, {word.en.casefold(), word.fr.casefold()}) for code, word in _kinds().items())
    return next((code for code, said in names if asked in said), "")


def _kinds() -> Mapping[str, Word]:
    return vocabulary("document_names")


_FORM = """\
# What {name} is. Fill in kind and reference, save, and move both files back to the folder that is watched.
# kind: a code or a name from the list below. reference: the document's number, as its issuer writes it.
kind:
reference:
# What it is about, if that has a number, such as a container; without the # at the beginning; as many lines as needed.
# subject: iso6346:CSQU3054383
# Kinds of documents (UNTDID 1001; the list of the standard is longer):
{kinds}
"""
_FORM_FR = """\
# Ce qu'est {name}. Remplissez kind et reference, enregistrez, et remettez les deux fichiers dans le dossier surveillé.
# kind : un code ou un nom de la liste ci-dessous. reference : le numéro du document, tel que son émetteur l'écrit.
kind:
reference:
# Ce qu'il concerne, si cela a un numéro, par exemple un conteneur ; sans le # au début ; autant de lignes qu'il faut.
# subject: iso6346:CSQU3054383
# Genres de documents (UNTDID 1001 ; la liste de la norme est plus longue) :
{kinds}
"""

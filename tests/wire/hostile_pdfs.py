"""Thirty and more PDFs that are out for harm, or look like it, each with what has to be said of it."""

from __future__ import annotations

import random
import zlib

from tests.unit.documents.make import numbered, pdf, stream

ACTION = b"<</S/%s>>"
GO = b"<</S/GoTo/D[3 0 R/Fit]/Next %s>>"
FILE = b"<</Type/Filespec/F(a.exe)/EF<</F 5 0 R>>>>"
EMBEDDED = stream(b"MZ", b"/Type/EmbeddedFile")


def flate(content: bytes, members: bytes = b"") -> bytes:
    return stream(zlib.compress(content), b"/Filter/FlateDecode" + members)


def bomb(times: int, first: bytes = b"") -> bytes:
    """A zlib stream that becomes some bytes and then so many million blanks."""
    packer = zlib.compressobj(9)
    return packer.compress(first) + b"".join(packer.compress(b" " * 1_000_000) for _ in range(times)) + packer.flush()


def packed_objects(*objects: bytes, swells: int = 0) -> bytes:
    """A PDF 1.5 whose objects, from number 1, are in an object stream (§7.5.7), under a cross-reference stream."""
    places, bodies = [], b""
    for number, body in enumerate(objects, 1):
        places.append(b"%d %d" % (number, len(bodies)))
        bodies += body + b"\n"
    head = b" ".join(places) + b" "
    holder = len(objects) + 1
    out = b"%PDF-1.5\n"
    members = b"/Filter/FlateDecode/Type/ObjStm/N %d/First %d" % (len(objects), len(head))
    table = [(0, 0, 0), *((2, holder, index) for index in range(len(objects))), (1, len(out), 0)]
    out += b"%d 0 obj\n" % holder + stream(bomb(swells, head + bodies), members) + b"\nendobj\n"
    table.append((1, len(out), 0))
    rows = b"".join(
        kind.to_bytes(1, "big") + place.to_bytes(4, "big") + bytes((index,)) for kind, place, index in table
    )
    members = b"/Type/XRef/W[1 4 1]/Size %d/Root 1 0 R" % len(table)
    xref = b"%d 0 obj\n" % (holder + 1) + flate(rows, members) + b"\nendobj\n"
    return out + xref + b"startxref\n%d\n%%%%EOF\n" % len(out)


def fuzzed(seed: int) -> bytes:
    chance = random.Random(seed)
    document = bytearray(pdf(EMBEDDED, root=b"/OpenAction<</S/JavaScript/JS(1)>>"))
    for _ in range(40):
        document[chance.randrange(9, len(document))] = chance.randrange(256)
    return bytes(document)


def updated() -> bytes:
    first = pdf()
    more = b"3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/AA<</O<</S/JavaScript/JS(1)>>>>>>\nendobj\n"
    table = b"xref\n3 1\n%010d 00000 n \n" % len(first)
    end = len(first) + len(more)
    before = first.rindex(b"xref\n0 ")
    trailer = b"trailer\n<</Size 4/Root 1 0 R/Prev %d>>\nstartxref\n%d\n%%%%EOF\n" % (before, end)
    return first + more + table + trailer


ENCRYPT = b"/Encrypt<</Filter/Standard/V 1/R 2/O(%s)/U(%s)/P -4>>/ID[(a)(a)]" % (b"o" * 32, b"u" * 32)
AES = (
    b"/Encrypt<</Filter/Standard/V 5/R 6/Length 256/O(%s)/U(%s)/OE(%s)/UE(%s)/Perms(%s)/P -4/StmF/StdCF/StrF/StdCF"
    b"/CF<</StdCF<</CFM/AESV3/Length 32>>>>>>/ID[(a)(a)]" % (b"o" * 48, b"u" * 48, b"e" * 32, b"e" * 32, b"p" * 16)
)
TREE = [b"<</Type/Catalog/Pages 2 0 R>>"]
DEEP = [
    *TREE, *(b"<</Type/Pages/Kids[%d 0 R]/Count 1>>" % (number + 1) for number in range(2, 500)),
    b"<</Type/Page/MediaBox[0 0 9 9]>>",
]  # fmt: skip
SCRIPT = b"<</S/JavaScript/JS(app.alert\\(1\\))>>"
WIDGET = b"<</Type/Annot/Subtype/Widget/FT/Sig/Rect[0 0 1 1]/V<</Type/Sig/ByteRange[0 1 2 3]/Contents<00>>>>>"

HOSTILE: dict[str, tuple[bytes, set[str]]] = {
    "encrypted with RC4": (pdf(trailer=ENCRYPT), {"PDF_ENCRYPTED"}),
    "encrypted with AES": (pdf(trailer=AES), {"PDF_ENCRYPTED"}),
    "encrypted in its own way": (pdf(trailer=b"/Encrypt<</Filter/Mine>>"), {"PDF_ENCRYPTED"}),
    "script when opened": (pdf(root=b"/OpenAction" + SCRIPT), {"PDF_SCRIPT", "PDF_AUTOMATIC"}),
    "script under a spelt name": (pdf(root=b"/OpenAction<</S/J#61vaScript/J#53(1)>>"), {"PDF_SCRIPT", "PDF_AUTOMATIC"}),
    "script in the name tree": (pdf(root=b"/Names<</JavaScript<</Names[(a)" + SCRIPT + b"]>>>>"), {"PDF_SCRIPT"}),
    "script when turned over": (pdf(page=b"/AA<</O" + SCRIPT + b">>"), {"PDF_SCRIPT", "PDF_AUTOMATIC"}),
    "script behind a link": (
        pdf(page=b"/Annots[<</Subtype/Link/Rect[0 0 1 1]/A<</S/URI/URI(javascript:alert\\(1\\))>>>>]"), {"PDF_SCRIPT"},
    ),
    "script in a field": (
        pdf(b"<</T(a)/FT/Tx/AA<</K" + SCRIPT + b">>>>", root=b"/AcroForm<</Fields[4 0 R]>>"),
        {"PDF_SCRIPT", "PDF_AUTOMATIC"},
    ),
    "script in an outline": (
        pdf(b"<</First 5 0 R>>", b"<</Title(a)/A" + SCRIPT + b">>", root=b"/Outlines 4 0 R"), {"PDF_SCRIPT"},
    ),
    "script as the next action": (
        pdf(page=b"/Annots[<</Subtype/Link/A<</S/GoTo/D[3 0 R]/Next[" + SCRIPT + b"]>>>>]"), {"PDF_SCRIPT"},
    ),
    "script packed in an object stream": (
        packed_objects(
            b"<</Type/Catalog/Pages 2 0 R/OpenAction 4 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>", SCRIPT,
        ), {"PDF_SCRIPT", "PDF_AUTOMATIC"},
    ),
    "script in an update": (updated(), {"PDF_SCRIPT", "PDF_AUTOMATIC", "PDF_UPDATED"}),
    "starts a program": (
        pdf(root=b"/OpenAction<</S/Launch/Win<</F(cmd.exe)/P(/c calc)>>>>"), {"PDF_LAUNCH", "PDF_AUTOMATIC"},
    ),
    "submits a form": (pdf(page=b"/Annots[<</A<</S/SubmitForm/F(http://a/)>>>>]"), {"PDF_REMOTE"}),
    "leads into another file": (pdf(page=b"/Annots[<</A<</S/GoToR/F(\\\\\\\\a\\\\b)/D[0]>>>>]"), {"PDF_REMOTE"}),
    "links to a share": (pdf(page=b"/Annots[<</A<</S/URI/URI(file://a/b)>>>>]"), {"PDF_REMOTE"}),
    "links to the web": (pdf(page=b"/Annots[<</A<</S/URI/URI(https://a/)>>>>]"), {"PDF_LINK"}),
    "reads a stream from elsewhere": (
        pdf(stream(b"", b"/F(http://a/)"), page=b"/AF 4 0 R"), {"PDF_REMOTE"},
    ),
    "carries a file": (
        pdf(FILE, EMBEDDED, root=b"/Names<</EmbeddedFiles<</Names[(a)4 0 R]>>>>"), {"PDF_EMBEDDED"},
    ),
    "is a portfolio": (pdf(root=b"/Collection<</View/T>>"), {"PDF_EMBEDDED"}),
    "carries a file as a note": (
        pdf(FILE, EMBEDDED, page=b"/Annots[<</Subtype/FileAttachment/Rect[0 0 1 1]/FS 4 0 R>>]"), {"PDF_EMBEDDED"},
    ),
    "is a dynamic form": (pdf(stream(b"<a/>"), root=b"/AcroForm<</Fields[]/XFA 4 0 R>>"), {"PDF_XFA"}),
    "plays rich media": (pdf(page=b"/Annots[<</Subtype/RichMedia/Rect[0 0 1 1]>>]"), {"PDF_MEDIA"}),
    "is signed": (pdf(WIDGET, page=b"/Annots[4 0 R]", root=b"/AcroForm<</Fields[4 0 R]>>"), {"PDF_SIGNED"}),
    "pages in a ring": (
        numbered([*TREE, b"<</Type/Pages/Kids[3 0 R]/Count 1>>", b"<</Type/Pages/Kids[2 0 R]/Count 1>>"]),
        {"PDF_LOOP", "PDF_BROKEN"},
    ),
    "pages without bottom": (numbered(DEEP), {"PDF_LOOP"}),
    "an outline in a ring": (
        pdf(b"<</First 5 0 R>>", b"<</Title(a)/Next 5 0 R>>", root=b"/Outlines 4 0 R"), {"PDF_LOOP"},
    ),
    "actions in a ring": (pdf(GO % b"5 0 R", GO % b"4 0 R", root=b"/OpenAction 4 0 R"), {"PDF_LOOP"}),
    "actions in a ring of many": (
        pdf(GO % b"[6 0 R 5 0 R]", GO % b"6 0 R", GO % b"[<</S/GoTo>>4 0 R]", page=b"/Annots[<</A 4 0 R>>]"),
        {"PDF_LOOP"},
    ),
    "actions in a ring, one inside another": (pdf(GO % (GO % b"4 0 R"), root=b"/OpenAction 4 0 R"), {"PDF_LOOP"}),
    "an action that follows itself": (pdf(GO % b"4 0 R", root=b"/OpenAction 4 0 R"), {"PDF_LOOP"}),
    "an object that is itself": (pdf(b"4 0 R", root=b"/OpenAction 4 0 R"), {"PDF_BROKEN"}),
    "nested without bottom": (pdf(b"[" * 50_000, root=b"/AcroForm 4 0 R"), {"PDF_LOOP"}),
    "a stream that swells": (pdf(stream(bomb(140), b"/Filter/FlateDecode")), {"PDF_BOMB"}),
    "a stream packed twice": (
        pdf(stream(zlib.compress(bomb(9)), b"/Filter[/FlateDecode/FlateDecode]")), {"PDF_BOMB"},
    ),
    "an object stream that swells": (
        packed_objects(*TREE, b"<</Type/Pages/Kids[3 0 R]>>", b"<</Type/Page/MediaBox[0 0 9 9]>>", swells=140),
        {"PDF_BOMB"},
    ),
    "too many objects": (
        pdf(*[b"<</A<</B[4 0 R]>>>>"] * 60_000, root=b"/AF[%s]" % b" ".join(b"%d 0 R" % n for n in range(4, 60_004))),
        {"PDF_BOMB"},
    ),
    "a table of objects without end": (
        pdf().replace(b"xref\n0 4\n", b"xref\n0 99999999\n"), {"PDF_BOMB", "PDF_BROKEN"},
    ),
    "a table that names itself before": (
        pdf(trailer=b"/Prev 9999").replace(b"/Prev 9999", b"/Prev %04d" % pdf().rindex(b"xref\n0 ")), {"PDF_LOOP"},
    ),
    "a table of wrong places": (pdf().replace(b"startxref\n1", b"startxref\n9"), {"PDF_REPAIRED"}),
    "cut off": (pdf()[:150], {"PDF_BROKEN", "PDF_REPAIRED"}),
    "no pages": (numbered([*TREE, b"<</Type/Pages/Kids[]/Count 0>>"]), {"PDF_BROKEN"}),
    "no PDF": (b"PK\3\4" + b"\0" * 1_000, {"PDF_BROKEN", "PDF_REPAIRED"}),
}  # fmt: skip

FUZZED = [fuzzed(seed) for seed in range(10)]

"""What a document is, told by its bytes: the seven types, what is disguised as them, and what is two things at once."""

from __future__ import annotations

import io
import json
import zipfile
from base64 import urlsafe_b64encode
from mmap import mmap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.documents.sniff import JPEG, JSON, PDF, PNG, VC_JWT, VP_JWT, XML, sniff
from tests.unit.documents.make import chunk, jpeg, pdf, png, segment, text_chunk


def archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as inside:
        inside.writestr("a.html", "<script>1</script>")
    return buffer.getvalue()


def token(header: object, payload: object = None) -> bytes:
    return b".".join(urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=") for each in (header, payload)) + b".AAAA"


SOUND = {
    PDF: [pdf(), b"\n" + pdf(), pdf() + b"\r\n\0\0"],
    JPEG: [jpeg(), jpeg(segment(0xE2, b"MPF\0")) + jpeg(), jpeg() + b"\0" * 12, jpeg(segment(0xE1, b"<x:xmpmeta/>"))],
    PNG: [png(), png(text_chunk(b"<x:xmpmeta/>"))],
    XML: [
        b'<?xml version="1.0" encoding="UTF-8"?>\n<a xmlns="urn:x"><svg/>&lt;html&gt;</a>\n',
        "\ufeff<a>é</a>".encode(),
        '<?xml version="1.0" encoding="UTF-16"?><a>é</a>'.encode("utf-16"),
        '<?xml version="1.0" encoding="windows-1252"?><a>é</a>'.encode("cp1252"),
    ],
    JSON: [b"{}", b' [1, "<html><script>"]\n', '\ufeff{"é": 1}'.encode()],
    VC_JWT: [
        token({"alg": "ES256", "typ": "vc+jwt"}),
        token({"typ": "application/VC+JWT", "alg": "none"}).removesuffix(b"AAAA"),
        token({"alg": "EdDSA"}, {"vc": {"type": ["VerifiablePresentation"]}}) + b"\r\n",
        token({"alg": "ES256", "typ": "vc-ld+jwt"}, {"type": "VerifiablePresentation"}),
    ],
    VP_JWT: [
        token({"alg": "ES256", "typ": "vp+jwt"}),
        token({"alg": "ES256", "typ": "JWT"}, {"vp": {}}),
        token({"alg": "ES256"}, {"type": ["VerifiablePresentation"]}),
        token({"alg": "ES256"}, {"type": "VerifiablePresentation"}),
    ],
}


@pytest.mark.parametrize(("media_type", "document"), [(kind, each) for kind in SOUND for each in SOUND[kind]])
def test_a_sound_document_is_known_for_what_it_is(media_type: str, document: bytes) -> None:
    looked = sniff(document, media_type)

    assert (looked.media_type, looked.faults, looked.sound) == (media_type, (), True)


@pytest.mark.parametrize(
    "document",
    [
        b'{"a": "%s"}' % (b"x" * 3_000_000),
        b'<a b="%s"><!--%s-->%s</a>' % (b"x" * 300_000, b"y" * 300_000, b"z" * 3_000_000),
        jpeg()[:-2] + b"\0" * 3_000_000 + b"\xff\xd9",
    ],
    ids=[JSON, XML, JPEG],
)
def test_a_sound_document_may_be_large(document: bytes) -> None:
    assert sniff(document).faults == ()


@pytest.mark.parametrize(
    ("claimed", "media_type"),
    [
        ("text/xml; charset=utf-8", XML), ("application/epcis+xml", XML), ("Application/LD+JSON", JSON),
        ("image/jpg", JPEG), ("", PNG), ("application/octet-stream", PDF), ("application/vc+ld+jwt", VC_JWT),
        ("Application/VP-LD+JWT", VP_JWT), ("application/octet-stream", VP_JWT),
    ],
)  # fmt: skip
def test_a_claim_by_another_name_or_none_is_borne_out(claimed: str, media_type: str) -> None:
    assert sniff(SOUND[media_type][0], claimed).faults == ()


@pytest.mark.parametrize(
    ("claimed", "document"), [(kind, SOUND[other][0]) for kind in SOUND for other in SOUND if kind != other]
)
def test_a_document_sent_as_another_type_is_told_apart(claimed: str, document: bytes) -> None:
    faults = sniff(document, claimed).faults

    assert [(each.code, each.found) for each in faults] == [("DOCUMENT_TYPE_DIFFERS", claimed)]


POLYGLOTS = {
    "junk before a PDF": (b"GIF89a" + pdf(), {"DOCUMENT_PADDED"}),
    "a page before a PDF": (b"<html><script>1</script>" + pdf(), {"DOCUMENT_POLYGLOT", "DOCUMENT_ACTIVE"}),
    "a page inside a PDF's head": (pdf(comment=b"<script >1</script>"), {"DOCUMENT_POLYGLOT"}),
    "a ZIP behind a PDF": (pdf() + archive(), {"DOCUMENT_POLYGLOT", "DOCUMENT_PADDED"}),
    "a ZIP behind a JPEG": (jpeg() + archive(), {"DOCUMENT_POLYGLOT", "DOCUMENT_PADDED"}),
    "a ZIP in a JPEG's comment": (jpeg(segment(0xFE, archive())), {"DOCUMENT_POLYGLOT"}),
    "a ZIP in a PNG's text": (png(text_chunk(archive())), {"DOCUMENT_POLYGLOT"}),
    "PHP in a PNG's text": (png(text_chunk(b"<?php 1 ?>")), {"DOCUMENT_POLYGLOT"}),
    "a page in a JPEG's comment": (jpeg(segment(0xFE, b"<HTML><body>")), {"DOCUMENT_POLYGLOT"}),
    "a film behind a JPEG": (jpeg() + b"\0\0\0\x18ftypmp42", {"DOCUMENT_PADDED"}),
    "a PDF header in JSON": (b'["%PDF-1.4"]', {"DOCUMENT_POLYGLOT"}),
    "a PDF header in XML": (b"<!--%PDF-1.4--><a/>", {"DOCUMENT_POLYGLOT"}),
    "a PDF header in a PNG": (png(text_chunk(b"%PDF-1.4")), {"DOCUMENT_POLYGLOT"}),
}


@pytest.mark.parametrize(("document", "codes"), POLYGLOTS.values(), ids=POLYGLOTS)
def test_what_is_two_things_at_once_is_no_document(document: bytes, codes: set[str]) -> None:
    looked = sniff(document)

    assert {each.code for each in looked.faults} == codes
    assert not looked.sound


DISGUISED = {
    "SVG": (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "DOCUMENT_ACTIVE"),
    "SVG spelt by references": (b'<s:svg xmlns:s="&#104;ttp://www.w3.org/2000/svg"/>', "DOCUMENT_ACTIVE"),
    "XHTML far inside": (b'<a><b xmlns:h="http://www.w3.org/1999/xhtml"/></a>', "DOCUMENT_ACTIVE"),
    "a page without namespace": (b"<HTML><body/></HTML>", "DOCUMENT_ACTIVE"),
    "a style sheet": (b'<?xml-stylesheet href="x.xsl"?><a/>', "DOCUMENT_ACTIVE"),
    "an inclusion": (b'<a xmlns:x="http://www.w3.org/2001/XInclude"/>', "DOCUMENT_ACTIVE"),
    "a DTD": (b"<!DOCTYPE a><a/>", "XML_DTD"),
    "entities": (b'<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;">]><a>&c;</a>', "XML_DTD"),
    "an outer entity": (b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>', "XML_DTD"),
    "an undeclared entity": (b"<a>&b;</a>", "DOCUMENT_BROKEN"),
    "an encoding that hides": (b'<?xml version="1.0" encoding="utf-7"?><a/>', "DOCUMENT_BROKEN"),
    "a page in HTML": (b"<!DOCTYPE html><p>", "XML_DTD"),
    "depth": (b"<a>" * 2_000 + b"</a>" * 2_000, "DOCUMENT_BROKEN"),
}


@pytest.mark.parametrize(("document", "code"), DISGUISED.values(), ids=DISGUISED)
def test_what_something_would_run_or_fetch_is_not_plain_xml(document: bytes, code: str) -> None:
    assert [each.code for each in sniff(document, XML).faults] == [code]


TOKEN = token({"alg": "ES256", "typ": "vc+jwt"}, {"a": "b"})
NO_TOKENS = {
    "an access token": (token({"alg": "ES256", "typ": "at+jwt"}), "DOCUMENT_BROKEN"),
    "a token of another kind": (token({"alg": "ES256", "typ": 1}), "DOCUMENT_BROKEN"),
    "two segments": (TOKEN.rpartition(b".")[0], "DOCUMENT_BROKEN"),
    "four segments": (TOKEN + b".AAAA", "DOCUMENT_BROKEN"),
    "no payload": (token({"alg": "ES256"}).replace(b".bnVsbA.", b".."), "DOCUMENT_BROKEN"),
    "padding": (TOKEN + b"=", "DOCUMENT_BROKEN"),
    "blanks inside": (TOKEN.replace(b".", b". "), "DOCUMENT_BROKEN"),
    "more on another line": (TOKEN + b"\n" + TOKEN, "DOCUMENT_BROKEN"),
    "no algorithm": (token({"typ": "vc+jwt"}), "DOCUMENT_TYPE_UNKNOWN"),
    "an algorithm that is no name": (token({"alg": 1}), "DOCUMENT_TYPE_UNKNOWN"),
    "a header that is no object": (token(["alg"]), "DOCUMENT_TYPE_UNKNOWN"),
    "a header without end": (b"eyJ" + b"A" * 100_000 + b".AAAA.AAAA", "DOCUMENT_TYPE_UNKNOWN"),
    "words with dots": (b"a.b.c", "DOCUMENT_TYPE_UNKNOWN"),
}


@pytest.mark.parametrize(("document", "code"), NO_TOKENS.values(), ids=NO_TOKENS)
def test_a_token_is_three_segments_whose_header_names_an_algorithm_and_a_credential(document: bytes, code: str) -> None:
    assert [each.code for each in sniff(document).faults] == [code]


def test_a_token_may_be_large() -> None:
    large = token({"alg": "ES256"}, {"a": "b" * 7_000_000})

    assert (sniff(large).media_type, sniff(large).faults) == (VC_JWT, ())


BROKEN = {
    "PNG with a wrong checksum": (png()[:-5] + b"x" + png()[-4:], "DOCUMENT_BROKEN"),
    "PNG without an image": (png(idat=b""), "DOCUMENT_BROKEN"),
    "PNG of four billion pixels": (png(size=(65_535, 65_535)), "IMAGE_TOO_LARGE"),
    "PNG of no width": (png(size=(0, 1)), "DOCUMENT_BROKEN"),
    "JPEG of four billion pixels": (jpeg(size=(65_535, 65_535)), "IMAGE_TOO_LARGE"),
    "JPEG without a frame": (b"\xff\xd8" + segment(0xE0, b"JFIF\0") + b"\xff\xd9", "DOCUMENT_BROKEN"),
    "JPEG with a segment of no length": (b"\xff\xd8\xff\xe0\0\0\xff\xd9", "DOCUMENT_BROKEN"),
    "JSON with bytes of another encoding": (b'["\xe9"]', "JSON_NOT_UTF8"),
    "JSON and more": (b"{} {}", "DOCUMENT_BROKEN"),
    "JSON nested without end": (b"[" * 1_000_000, "JSON_TOO_DEEP"),
    "XML with crossed tags": (b"<a><b></a></b>", "DOCUMENT_BROKEN"),
    "a PDF of no version": (pdf().replace(b"%PDF-1.7", b"%PDF-x.y"), "DOCUMENT_BROKEN"),
    "PNG of a million chunks": (png(chunk(b"teXt", b"") * 101_000), "DOCUMENT_BROKEN"),
    "JPEG of a million segments": (jpeg(segment(0xFE, b"") * 101_000), "DOCUMENT_BROKEN"),
    "XML with a tag without end": (b"<a " + b'b="%s"' % (b"x" * 3_000_000) + b"/>", "DOCUMENT_BROKEN"),
    "nothing": (b"", "DOCUMENT_EMPTY"),
    "a program": (b"MZ\x90\0" + b"\0" * 100, "DOCUMENT_TYPE_UNKNOWN"),
    "a workbook": (archive(), "DOCUMENT_TYPE_UNKNOWN"),
}  # fmt: skip


@pytest.mark.parametrize(("document", "code"), BROKEN.values(), ids=BROKEN)
def test_what_is_not_built_as_its_type_asks_is_told(document: bytes, code: str) -> None:
    assert sniff(document).faults[0].code == code


@pytest.mark.parametrize("kind", [PDF, JPEG, PNG, XML, JSON])
def test_a_document_cut_off_anywhere_is_never_sound(kind: str) -> None:
    whole = SOUND[kind][0].rstrip()

    assert [cut for cut in range(len(whole)) if sniff(whole[:cut]).sound] == []


MAPPED = [
    *(each for kind in SOUND.values() for each in kind),
    *(each for table in (POLYGLOTS, DISGUISED, BROKEN) for each, _ in table.values() if each),
]


@pytest.mark.parametrize("document", MAPPED)
def test_a_mapped_file_is_seen_as_its_bytes_are_and_can_be_closed_after(document: bytes) -> None:
    with mmap(-1, len(document)) as mapped:
        mapped.write(document)

        assert sniff(mapped) == sniff(document)


@given(
    st.sampled_from([each for kind in SOUND.values() for each in kind]),
    st.lists(st.tuples(st.integers(0, 2_000), st.binary(max_size=8)), max_size=6),
    st.text(max_size=30),
)
def test_whatever_the_bytes_and_the_claim_there_is_an_answer(
    document: bytes, edits: list[tuple[int, bytes]], claimed: str
) -> None:
    for at, put in edits:
        document = document[:at] + put + document[at + len(put) // 2 :]

    looked = sniff(document, claimed)

    assert looked.media_type is not None or looked.faults

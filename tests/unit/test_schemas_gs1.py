"""GS1 keys: EPC URN and Digital Link into one another, by pairs that the standards and their tools publish."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.gs1 import digital_link, epc_urn, identifier_of, parse
from schemas.identifiers import SCHEMES, objection
from tests.samples import sample, samples

PAIRS = [
    ("urn:epc:id:sgtin:0614141.011111.987", "/01/00614141111114/21/987"),
    ("urn:epc:id:sscc:0614141.1234567890", "/00/106141412345678908"),  # Tag Data Standard §6.3.2
    ("urn:epc:id:sgln:4012345.00012.0", "/414/4012345000122"),
    ("urn:epc:id:sgln:0614141.12345.32a%2Fb", "/414/0614141123452/254/32a%2Fb"),  # Tag Data Standard §7.5
    ("urn:epc:id:pgln:4012345.00000", "/417/4012345000009"),
    ("urn:epc:id:grai:4012345.00022.334455", "/8003/04012345000221334455"),
    ("urn:epc:id:giai:4000001.111", "/8004/4000001111"),
    ("urn:epc:id:gsrn:4012345.0000006765", "/8018/401234500000067657"),
    ("urn:epc:id:gsrnp:4012345.0000000007", "/8017/401234500000000074"),
    ("urn:epc:id:gdti:4012345.55555.1234", "/253/40123455555541234"),
    ("urn:epc:id:cpi:0614141.11111111111111-A%23%2F.1234", "/8010/061414111111111111111-A%23%2F/8011/1234"),
    ("urn:epc:id:sgcn:4012345.67890.04711", "/255/401234567890104711"),
    ("urn:epc:id:ginc:0614141.xyz47%2F11", "/401/0614141xyz47%2F11"),
    ("urn:epc:id:gsin:4012345.222333444", "/402/40123452223334442"),
    ("urn:epc:id:itip:4012345.011111.01.02.987", "/8006/040123451111180102/21/987"),
    ("urn:epc:id:upui:1234567.098765.51qIgY)%3C%26Jp3*j7SDB", "/01/01234567987651/235/51qIgY%29%3C%26Jp3%2Aj7SDB"),
    ("urn:epc:class:lgtin:4012345.099988.2014-02-10", "/01/04012345999884/10/2014-02-10"),
    ("urn:epc:idpat:sgtin:4012345.012345.*", "/01/04012345123456"),
    ("urn:epc:idpat:grai:4012345.99999.*", "/8003/04012345999990"),
    ("urn:epc:idpat:gdti:4012345.11111.*", "/253/4012345111118"),
    ("urn:epc:idpat:sgcn:4012345.22222.*", "/255/4012345222227"),
    ("urn:epc:idpat:cpi:4012345.AB12.*", "/8010/4012345AB12"),
    ("urn:epc:idpat:itip:4012345.012345.01.02.*", "/8006/040123451234560102"),
]


@pytest.mark.parametrize(("urn", "path"), PAIRS)
def test_a_urn_and_its_digital_link_are_one_key_in_two_forms(urn: str, path: str) -> None:
    prefix_length = len(urn.split(":")[4].partition(".")[0])

    assert digital_link(urn) == f"https://id.gs1.org{path}"
    assert epc_urn(f"https://id.gs1.org{path}", prefix_length) == urn
    assert epc_urn(urn) == urn


@pytest.mark.parametrize(
    ("link", "canonical"),
    [
        ("http://us-company-with-UPC.com/01/001122334455", "/01/00001122334455"),
        ("http://example.de/gtin-8/01/97803111", "/01/00000097803111"),
        ("https://gs1.test.example.org/some/path/01/9780345418913/10/1223", "/01/09780345418913/10/1223"),
        ("https://example.org/01/9780345418913/21/765tz?11=221109#top", "/01/09780345418913/21/765tz"),
        ("https://example.org/01/9780345418913/22/2A/10/L1/21/765tz", "/01/09780345418913/21/765tz"),
        ("https://example.org/01/9780345418913/22/2A", "/01/09780345418913"),
        ("https://id.gs1.org/414/4280000000002/254/12", "/414/4280000000002/254/12"),
        ("https://example.org/gtin/9780345418913/lot/L1/ser/765tz?abc=1", "/01/09780345418913/21/765tz"),
        ("https://example.org/gln/4280000000002/glnx/0", "/414/4280000000002"),
        ("https://id.gs1.org/8018/385888700111111111/8019/12", "/8018/385888700111111111/8019/12"),
        ("https://id.gs1.org/01/09780345418913/21/a%2fb%5F(c)", "/01/09780345418913/21/a%2Fb_%28c%29"),
        ("HTTPS://ID.GS1.ORG/00/340123453111111115/", "/00/340123453111111115"),
    ],
)
def test_a_digital_link_of_any_domain_has_one_canonical_form(link: str, canonical: str) -> None:
    assert digital_link(link) == f"https://id.gs1.org{canonical}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "foo",
        "http://example.org/123/4012345ABC987/456/4711",
        "http://id.gs1.org/99/9780345418913",
        "http://id.gs1.org/01/9780345418913/99/utfgf",
        "https://id.gs1.org/01/09780345418913/21/A/10/B",  # qualifiers out of order
        "https://id.gs1.org/01/09780345418913/21/A/235/B",  # a UPUI has no serial number beside
        "https://id.gs1.org/01/09780345418913/21/" + "9" * 21,
        "https://id.gs1.org/01/09780345418913/21/%E2%82%AC",
        "https://id.gs1.org/01/09780345418913/21/%4",
        "https://id.gs1.org/01/",
        "https://example.com/orders/401/thanks",
        "urn:epc:id:sgtin:0614141.01111.987",  # 12 digits
        "urn:epc:id:sgtin:0614141.011111.",
        "urn:epc:id:sgtin:0614141.011111",
        "urn:epc:id:sgtin:06141.01111111.987",  # a prefix has 6 to 12 digits
        "urn:epc:id:itip:4012345.011111.1.023.987",
        "urn:epc:idpat:sgtin:4012345.*.*",
        "urn:epc:idpat:sgtin:4012345.012345.1",
        "urn:epc:id:gid:95100000.12345.400",  # a key without Digital Link
        "urn:epc:id:sscc:0614141.1234567890.1",
    ],
)
def test_what_is_no_gs1_key_is_none(text: str) -> None:
    assert parse(text) is None
    assert epc_urn(text, 7) is None
    assert identifier_of(text) == ("uri", text)


@pytest.mark.parametrize(
    ("uri", "identifier"),
    [
        ("urn:epc:id:sscc:4001356.5900000817", ("sscc", "540013569000008171")),
        ("urn:epc:idpat:sgtin:4012345.012345.*", ("gtin", "04012345123456")),
        ("https://example.com/01/9780345418913", ("gtin", "09780345418913")),
        ("urn:epc:id:sgln:0614141.00777.0", ("gln", "0614141007776")),
        ("urn:epc:id:sgln:952123456789..0", ("gln", "9521234567899")),
        ("urn:epc:id:pgln:0614141.00777", ("gln", "0614141007776")),
        ("urn:epc:id:sgln:0614141.07346.1234", ("digital_link", "https://id.gs1.org/414/0614141073467/254/1234")),
        ("urn:epc:id:bic:YMLU3380910", ("iso6346", "YMLU3380910")),
        ("urn:epc:id:bic:HAMA0010106", ("ilu", "HAMA0010106")),
        ("urn:epc:id:imovn:9863297", ("imo", "9863297")),
        ("urn:epc:id:usdod:2S194.12345678901", ("uri", "urn:epc:id:usdod:2S194.12345678901")),
    ],
)
def test_a_uri_is_the_plain_number_where_there_is_a_scheme_for_it(uri: str, identifier: tuple[str, str]) -> None:
    assert identifier_of(uri) == identifier


@pytest.mark.parametrize("path", samples("epcis/valid/*"))
def test_every_epc_urn_of_the_published_documents_is_read_and_written_alike(path: str) -> None:
    for urn in set(re.findall(r'"(urn:epc:(?:id|idpat|class):[^"]+)"', sample(path).decode())):
        key, scheme = parse(urn), identifier_of(urn)[0]

        assert scheme in ("iso6346", "imo") or key is not None
        assert key is None or (epc_urn(key.digital_link, key.prefix_length), key.check_digit) == (urn, None)


def test_a_digital_link_has_no_urn_until_the_length_of_its_prefix_is_known() -> None:
    link = "https://id.gs1.org/01/00614141111114/21/987"

    assert epc_urn(link) is None
    assert epc_urn(link, 6) == "urn:epc:id:sgtin:061414.0111111.987"
    assert epc_urn(link, 13) is None


def test_a_wrong_check_digit_inside_is_told_and_never_lost_in_a_urn() -> None:
    key = parse("https://id.gs1.org/01/00614141111115/21/987")

    assert key is not None
    assert key.check_digit == "4"
    assert key.digital_link == "https://id.gs1.org/01/00614141111115/21/987"
    assert epc_urn(key.digital_link, 7) is None


CSET82 = """!"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"""
KINDS = [("sgtin", 13), ("sgln", 12), ("grai", 12), ("gdti", 12), ("upui", 13)]


@given(st.sampled_from(KINDS), st.integers(6, 12), st.integers(0, 10**13 - 1), st.text(CSET82, min_size=2, max_size=16))
def test_from_urn_to_digital_link_and_back_is_the_same_urn(
    kind: tuple[str, int], length: int, number: int, serial: str
) -> None:
    digits = f"{number:013}"[: kind[1]]
    escaped = "".join(f"%{ord(each):02X}" if each in '"%&/<>?' else each for each in serial)
    urn = f"urn:epc:id:{kind[0]}:{digits[:length]}.{digits[length:]}.{escaped}"

    link = digital_link(urn)

    assert link is not None
    assert digital_link(link) == link
    assert objection(SCHEMES["digital_link"], link) is None
    assert epc_urn(link, length) == urn


STEMS = (
    "",
    "urn:epc:id:sgtin:",
    "urn:epc:idpat:",
    "urn:epc:id:cpi:0614141.",
    "https://id.gs1.org/01/",
    "http://a/8003/0",
)


@given(st.sampled_from(STEMS), st.text())
def test_whatever_the_text_it_is_answered(stem: str, text: str) -> None:
    scheme, value = identifier_of(stem + text)

    assert scheme == "digital_link" or value == stem + text
    assert epc_urn(stem + text) is None or (stem + text).lower().startswith("urn:")

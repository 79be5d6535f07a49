"""The tokenizer: separators, released characters, character sets."""

from __future__ import annotations

import pytest

from schemas.translate.edifact.syntax import CHARACTER_SETS, Marks, decoded, elements_of, marks_at, segment_end
from tests.edifact import GATE_IN, interchange, message, told

PLAIN = interchange(message("CODECO", *GATE_IN)).decode()


@pytest.mark.parametrize(
    ("begin", "marks"),
    [
        ("UNA:+.? 'UNB+", Marks(":", "+", "?", "", "'")),
        ("UNA:+,? '\r\nUNB+", Marks(":", "+", "?", "", "'")),
        ("UNA:+.?'UNB+", Marks(":", "+", "?", "", "'")),
        ("UNA:+.?'\nUNB+", Marks(":", "+", "?", "", "'")),
        ("UNA:+.?*'UNB+", Marks(":", "+", "?", "*", "'")),
        ("UNA:+.?^~UNB+", Marks(":", "+", "?", "^", "~")),
        ("UNA:+.  'UNB+", Marks(":", "+", "", "", "'")),
        ("UNA|;.? \nUNB;", Marks("|", ";", "?", "", "\n")),
        ("UNB+UNOA:2+A+B'", Marks()),
        ("UNB\x1dUNOB\x1f1\x1dA\x1c", Marks("\x1f", "\x1d", "", "", "\x1c")),
        ("UNB;UNOA|2;A;B'", Marks("|", ";", "?", "", "'")),
        ("UNH+1+IFTSTA:D:00B:UN\nBGM+23\n", Marks(":", "+", "?", "", "\n")),
    ],
)
def test_separators_are_those_stated_or_those_that_the_beginning_shows(begin: str, marks: Marks) -> None:
    assert marks_at(begin, 0)[0] == marks


@pytest.mark.parametrize(
    ("raw", "elements"),
    [
        ("FTX+AAA+++PLASTICS?:ARTICLES", [["FTX"], ["AAA"], [""], [""], ["PLASTICS:ARTICLES"]]),
        ("FTX+A??+B?+C:D?'E", [["FTX"], ["A?"], ["B+C", "D'E"]]),
        ("NAD++::", [["NAD"], [""], ["", "", ""]]),
        ("X+?", [["X"], [""]]),
    ],
)
def test_a_released_separator_is_text(raw: str, elements: list[list[str]]) -> None:
    assert elements_of(raw, Marks()) == elements


@pytest.mark.parametrize(("text", "end"), [("A'B", 1), ("A?'B'", 4), ("A??'B'", 3), ("A???'B'", 6), ("A?'", -1)])
def test_a_segment_ends_at_a_terminator_that_is_not_released(text: str, end: int) -> None:
    assert segment_end(text, 0, Marks()) == end


@pytest.mark.parametrize("release", ["", "?"])
def test_of_repetitions_in_version_4_the_first_is_read(release: str) -> None:
    assert elements_of(f"X+a*b+c:d{release}*e", Marks(repetition="*"))[1] == ["a"]


def test_a_document_reads_the_same_with_any_separators_and_line_ends() -> None:
    custom = PLAIN.replace("?", "!").replace("+", "#").replace(":", "|").replace("'", "~")
    same = [PLAIN, PLAIN.replace("\n", ""), PLAIN.replace("\n", "\r\n"), "UNA:+.? '" + PLAIN, "UNA|#.! ~" + custom]

    data = [told(each.encode()).data() for each in same]

    assert data[4]["extensions"]["edifact"]["separators"] == "|#!~"  # type: ignore[index]
    assert all(each["subjects"] == [{"scheme": "iso6346", "value": "MSKU1234565"}] for each in data)
    assert all({**each, "extensions": 0} == {**data[0], "extensions": 0} for each in data)


def test_una_inside_of_text_changes_nothing() -> None:
    told_ = told(interchange(message("CODECO", *GATE_IN[:6], "FTX+AAI+++UNA?:+UNA*", "UNA+x", *GATE_IN[6:])))

    assert told_.verdicts == ["ACCEPTED"]


def test_each_interchange_of_a_file_has_its_own_separators_and_sender() -> None:
    other = PLAIN.replace("TERM", "DEPOT").replace("+", "#")
    told_ = told((PLAIN + "\n\nUNA:#.? '" + other + "\x1a").encode())

    assert told_.verdicts == ["ACCEPTED", "ACCEPTED"]
    assert [each.id for each in told_.items] == ["TERM:R1:1:1", "DEPOT:R1:1:1"]


@pytest.mark.parametrize(
    ("syntax", "word"),
    [
        ("UNOC", "Zürich"), ("UNOD", "Łódź"), ("UNOE", "Москва"), ("UNOF", "Πειραιάς"), ("UNOH", "Rīga"),
        ("UNOI", "دبي"), ("UNOJ", "חיפה"), ("UNOK", "İzmir"), ("UNOL", "Œuvre €"), ("UNOW", "上海"), ("UNOY", "上海 ñ"),
        ("UNOX", "神戸"), ("KECA", "부산"),
    ],
)  # fmt: skip
def test_text_is_read_in_the_character_set_that_the_interchange_names(syntax: str, word: str) -> None:
    text = interchange(message("CODECO", *GATE_IN[:6], f"FTX+AAI+++{'x'}", *GATE_IN[6:])).decode()
    document = text.replace("UNOC", syntax).replace("+++x", f"+++{word}").encode(CHARACTER_SETS[syntax])

    told_ = told(document)

    assert told_.data()["remarks"] == word
    assert "CHARACTER_SET_LEFT" not in told_.codes()


@pytest.mark.parametrize(("syntax", "coding"), [("UNOA", "utf-8"), ("UNOB", "latin-1"), ("UNOY", "latin-1")])
def test_text_beyond_the_character_set_is_read_all_the_same_with_a_warning(syntax: str, coding: str) -> None:
    text = interchange(message("CODECO", *GATE_IN[:6], "FTX+AAI+++x", *GATE_IN[6:])).decode()

    told_ = told(text.replace("UNOC", syntax).replace("+++x", "+++Zürich").encode(coding))

    assert (told_.verdicts, told_.data()["remarks"]) == (["ACCEPTED"], "Zürich")
    assert "CHARACTER_SET_LEFT" in told_.codes()


def test_lower_case_letters_under_level_a_are_no_fault() -> None:
    assert decoded("lower case", "UNOA") == ("lower case", "")


@pytest.mark.parametrize(
    ("syntax", "sent", "text", "read_as"),
    [
        ("UNOC", "M\u00fcller".encode("latin-1"), "M\u00fcller", ""),
        ("UNOC", "M\u00fcller".encode(), "M\u00fcller", "UTF-8"),
        (
            "UNOE",
            "\u041c\u044e\u043b\u043b\u0435\u0440".encode("iso8859-5"),
            "\u041c\u044e\u043b\u043b\u0435\u0440",
            "",
        ),
        ("UNOC", "L\u2019Aigle".encode("cp1252"), "L\u2019Aigle", "Windows-1252"),
        ("KECA", "\ud55c\uad6d".encode("euc_kr"), "\ud55c\uad6d", ""),
    ],
)
def test_text_of_another_character_set_than_named_is_read_as_what_it_is_and_said_so(
    syntax: str, sent: bytes, text: str, read_as: str
) -> None:
    assert decoded(sent.decode("latin-1"), syntax) == (text, read_as)


@pytest.mark.parametrize("order", ["utf-16", "utf-16-le", "utf-16-be"])
def test_an_interchange_in_utf_16_is_read_as_what_it_says(order: str) -> None:
    document = interchange(message("CODECO", *GATE_IN[:-1], "FTX+AAI+++M\u00fcller")).decode("latin-1").encode(order)

    told_ = told(document)

    assert (told_.verdicts, told_.codes()) == (["ACCEPTED"], {"CHARACTER_SET_LEFT"})
    assert told_.data()["remarks"] == "M\u00fcller"


def test_a_control_character_and_an_unknown_syntax_identifier_are_told() -> None:
    control = told(interchange(message("CODECO", *GATE_IN, "FTX+AAI+++a\x00b")))
    unknown = told(interchange(message("CODECO", *GATE_IN)).replace(b"UNOC", b"UNOZ"))

    assert (control.verdicts, control.codes()) == (["ACCEPTED"], {"CHARACTER_SET_LEFT"})
    assert control.judged[0].faults[0].found == "U+0000"
    assert (unknown.verdicts, unknown.codes()) == (["ACCEPTED"], {"SYNTAX_UNKNOWN"})

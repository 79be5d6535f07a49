"""`customs-connect`: what it prints for people and machines, its exit codes, and no traceback for what can happen."""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import AsyncIterator
from importlib import import_module
from importlib.resources import files
from inspect import getdoc
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import unused_port
from cyclopts import App

from connectors.backoff import Backoff
from connectors.cli import VERBS, run
from connectors.keys import read_key, write_key
from tests.unit.fake_hub import FakeHub, NoSleep, dumps, event, fake_hub, problem

VECTORS: dict[str, Any] = orjson.loads((files("schemas") / "formats" / "vectors.json").read_bytes())


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[FakeHub]:
    async with fake_hub() as hub:
        write_key(hub.client_key, tmp_path / "key.pem")
        yield hub


def app_of(verb: str) -> App:
    app: App = import_module(f"connectors.commands.{verb.replace('-', '_')}").app
    return app


class Shell:
    """Runs the command line in a thread, where it has an event loop of its own."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self._capsys, self._monkeypatch = capsys, monkeypatch
        monkeypatch.chdir(folder)

    async def run(self, *arguments: str, stdin: bytes = b"", hub: FakeHub | None = None) -> int:
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        reach = ["--hub", hub.url, "--client", "acme.erp", "--key", "key.pem"] if hub else []
        code = await asyncio.to_thread(run, [*arguments, *reach])
        captured = self._capsys.readouterr()
        self.out, self.err = captured.out, captured.err
        return code

    def json(self) -> list[dict[str, Any]]:
        return [orjson.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Shell:
    return Shell(capsys, monkeypatch, tmp_path)


@pytest.fixture
def golden(tmp_path: Path) -> None:
    (tmp_path / "receipt.json").write_bytes(orjson.dumps(VECTORS["receipts"][0]))
    (tmp_path / "event.json").write_bytes(VECTORS["events"][0]["raw"].encode())
    (tmp_path / "other.json").write_bytes(VECTORS["events"][1]["raw"].encode())
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": VECTORS["key"]["x"]}
    (tmp_path / "keys.json").write_bytes(orjson.dumps({"hub": VECTORS["hub"], "keys": [jwk]}))


async def test_keygen_makes_a_key_that_the_client_reads(shell: Shell, tmp_path: Path) -> None:
    assert await shell.run("keygen", "new.pem", "--algorithm", "EdDSA", "--json") == 0

    [made] = shell.json()
    assert made["kid"] == read_key(tmp_path / "new.pem").id
    assert (tmp_path / made["public"]).read_text().startswith("-----BEGIN PUBLIC KEY")
    assert await shell.run("keygen", "new.pem") == 1
    assert "is there already" in shell.err


@pytest.mark.usefixtures("golden")
async def test_verify_says_what_a_receipt_proves_and_what_not(shell: Shell) -> None:
    assert await shell.run("verify", "receipt.json", "event.json", "--keys", "keys.json") == 0

    assert "The receipt holds." in shell.out
    assert "It does not prove:\n  - That what the event says is true." in shell.out


@pytest.mark.usefixtures("golden")
async def test_verify_fails_for_another_event_and_names_the_check(shell: Shell) -> None:
    assert await shell.run("verify", "receipt.json", "other.json", "--keys", "keys.json") == 1

    assert "FAIL  the statement is about this event" in shell.out
    assert "proves nothing" in shell.out


@pytest.mark.usefixtures("golden")
@pytest.mark.parametrize("receipt", ["keys.json", "missing.json"])
async def test_verify_has_words_and_no_traceback_for_what_is_no_receipt(shell: Shell, receipt: str) -> None:
    assert await shell.run("verify", receipt, "event.json", "--keys", "keys.json") == 1

    assert shell.err.startswith("customs-connect verify: ")
    assert "Traceback" not in shell.err


@pytest.mark.usefixtures("golden")
@pytest.mark.parametrize(
    ("receipt", "event", "keys", "words"),
    [
        ("event.json", "receipt.json", "keys.json", "event.json: this is not a receipt: it has no member 'statement'"),
        ("keys.json", "event.json", "receipt.json", "receipt.json: this is not the hub's key history"),
        ("receipt.json", "event.json", "{}", "{}: this is not the hub's key history"),
        ("{}", "event.json", "keys.json", "{}: this is not a receipt: it has no member 'statement'"),
        ("list", "event.json", "keys.json", "list: this is not a receipt: a member is of another kind"),
    ],
)
async def test_verify_names_the_file_that_is_not_what_it_should_be(
    shell: Shell, tmp_path: Path, receipt: str, event: str, keys: str, words: str
) -> None:
    (tmp_path / "{}").write_text("{}")
    (tmp_path / "list").write_text('{"statement": [], "leaf": [], "seal": []}')

    assert await shell.run("verify", receipt, event, "--keys", keys) == 1

    assert shell.err.startswith(f"customs-connect verify: {words}")
    assert "Error(" not in shell.err


ONE, TWO = event("e1"), event("e2")
FILES = {"one": ONE, "array": b"[" + ONE + b",\n" + TWO + b"]", "ndjson": ONE + b"\n" + TWO + b"\n"}


@pytest.mark.parametrize("form", FILES)
async def test_push_takes_one_event_an_array_or_lines(hub: FakeHub, shell: Shell, tmp_path: Path, form: str) -> None:
    (tmp_path / "events").write_bytes(FILES[form])

    assert await shell.run("push", "events", "--receipts", "receipts", "--json", hub=hub) == 0

    sent = [ONE] if form == "one" else [ONE, TWO]
    assert hub.posts == [sent]
    assert [(o["verdict"], o["receipt_verified"]) for o in shell.json()] == [("ACCEPTED", True)] * len(sent)
    assert await shell.run("receipts", "receipts", "urn:acme:erp", "e1") == 0
    assert shell.json()[0]["statement"]["id"] == "e1"


async def test_push_prints_the_faults_of_a_refused_event_and_fails(hub: FakeHub, shell: Shell) -> None:
    hub.replies = [hub.verdicts(e1="REJECTED")]

    assert await shell.run("push", "-", stdin=ONE, hub=hub) == 1

    assert "REJECTED  urn:acme:erp  e1  EVENT_INVALID\n    error    /data  MEMBER_MISSING" in shell.out


@pytest.mark.parametrize(("language", "said"), [("en", "a later data.updated_at"), ("fr", "plus tardif")])
async def test_push_says_what_to_do_about_a_conflict(hub: FakeHub, shell: Shell, language: str, said: str) -> None:
    hub.replies = [hub.verdicts(e1="CONFLICT")]

    assert await shell.run("push", "-", "--lang", language, stdin=ONE, hub=hub) == 1

    assert said in shell.out


async def test_push_follow_gives_each_line_its_outcome_and_what_is_no_event_its_faults(
    hub: FakeHub, shell: Shell
) -> None:
    lines = ONE + b"\n\nnot json\n" + TWO + b"\n" + ONE

    assert await shell.run("push", "-", "--follow", "--json", stdin=lines, hub=hub) == 1

    verdicts = {(o["id"], o["verdict"]) for o in shell.json()}
    assert len(shell.json()) == 4
    assert {("e1", "ACCEPTED"), ("e2", "ACCEPTED"), ("", "REJECTED"), ("e1", "DUPLICATE")} == verdicts


@pytest.mark.parametrize("json", [False, True])
async def test_push_says_at_once_that_the_hub_is_out_of_reach_and_at_the_end_what_to_do(
    hub: FakeHub, shell: Shell, monkeypatch: pytest.MonkeyPatch, json: bool
) -> None:
    monkeypatch.setattr("connectors.partner.client.Backoff", lambda: Backoff(sleep=NoSleep(), try_count_max=3))
    hub.url = f"http://127.0.0.1:{unused_port()}"

    assert await shell.run("push", "-", *["--json"] * json, stdin=ONE, hub=hub) == 1

    assert shell.err.startswith(f"cannot reach {hub.url} (Cannot connect to host")
    assert shell.err.endswith("; trying again\n")
    assert shell.err.count("trying again") == 1
    assert shell.out.endswith("1 event has no answer; send it again: same command\n") is not json


@pytest.mark.parametrize("outbox", [(), ("--outbox", "out.db")])
async def test_push_says_at_once_and_once_that_the_hub_takes_nothing_now(
    hub: FakeHub, shell: Shell, monkeypatch: pytest.MonkeyPatch, outbox: tuple[str, ...]
) -> None:
    monkeypatch.setattr("connectors.partner.client.Backoff", lambda: Backoff(sleep=NoSleep(), try_count_max=4))
    hub.replies = [hub.problem(503, "OVERLOADED", retryable=True)] * 3

    assert await shell.run("push", "-", *outbox, stdin=ONE, hub=hub) == 0

    assert shell.err.startswith("the hub takes nothing now (OVERLOADED: ")
    assert shell.err.count("trying again") == 1


async def test_push_tells_a_warning_from_an_error(hub: FakeHub, shell: Shell) -> None:
    async def warned(raws: list[bytes]) -> web.Response:
        answer = hub.answer(raws)
        answer["items"][0]["faults"] = [{"code": "CODE_UNKNOWN", "place": "/data/x", "severity": "WARNING"}]
        return web.json_response(answer, dumps=dumps)

    hub.replies = [warned]

    assert await shell.run("push", "-", stdin=ONE, hub=hub) == 0

    assert "\n    warning  /data/x  CODE_UNKNOWN" in shell.out


async def test_push_through_an_outbox_keeps_what_a_suspended_partner_could_not_send(hub: FakeHub, shell: Shell) -> None:
    hub.replies = [hub.problem(403, "PARTNER_SUSPENDED", retryable=False)]

    assert await shell.run("push", "-", "--outbox", "out.db", "--json", stdin=ONE, hub=hub) == 1
    assert "PARTNER_SUSPENDED" in shell.err
    assert await shell.run("outbox", "out.db", "--json") == 0
    assert shell.json() == [{"waiting": 1, "refused": []}]

    assert await shell.run("push", "-", "--outbox", "out.db", "--json", stdin=TWO, hub=hub) == 0
    assert [outcome["id"] for outcome in shell.json()] == ["e1", "e2"]


async def test_outbox_shows_what_was_refused_and_puts_it_back(hub: FakeHub, shell: Shell) -> None:
    hub.replies = [hub.verdicts(e1="REJECTED")]
    await shell.run("push", "-", "--outbox", "out.db", stdin=ONE, hub=hub)

    assert await shell.run("outbox", "out.db") == 0
    assert "0 waiting, 1 refused" in shell.out
    assert "e1  EVENT_INVALID" in shell.out
    assert await shell.run("outbox", "out.db", "--send-again") == 0
    assert await shell.run("outbox", "out.db", "--json") == 0
    assert shell.json() == [{"waiting": 1, "refused": []}]


NOTICE = {"code": "CONFLICT", "source": "urn:acme:erp", "id": "e1", "received": "2026-11-22T09:00:00.000000Z"}


async def test_notices_prints_each_once_over_several_runs(hub: FakeHub, shell: Shell) -> None:
    hub.notices = {None: web.json_response({"items": [NOTICE], "next": "c1"})}

    assert await shell.run("notices", "--cursor", "place", "--json", hub=hub) == 0
    assert shell.json() == [NOTICE]
    assert await shell.run("notices", "--cursor", "place", hub=hub) == 0

    assert shell.out == ""
    assert [asked.get("cursor") for asked in hub.asked_for_notices] == [None, "c1", "c1"]


async def test_notices_goes_on_from_the_earliest_where_its_place_has_expired_and_says_so(
    hub: FakeHub, shell: Shell, tmp_path: Path
) -> None:
    (tmp_path / "place").write_text("old")
    expired = problem(410, "CURSOR_EXPIRED", cursor="fresh", retryable=False)
    hub.notices = {"old": expired, "fresh": web.json_response({"items": [NOTICE], "next": "c1"})}

    assert await shell.run("notices", "--cursor", "place", hub=hub) == 0

    assert shell.out == "2026-11-22T09:00:00.000000Z  CONFLICT  urn:acme:erp  e1\n"
    assert "older notices may be missing" in shell.err
    assert (tmp_path / "place").read_text() == "c1"


async def test_notices_keeps_its_place_where_the_hub_refuses_it(hub: FakeHub, shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "place").write_text("c1")
    hub.notices = {"c1": problem(400, "CURSOR_INVALID", retryable=False)}

    assert await shell.run("notices", "--cursor", "place", hub=hub) == 1

    assert "CURSOR_INVALID" in shell.err
    assert (tmp_path / "place").read_text() == "c1"


SAID = [verb for verb in VERBS if (app_of(verb).default_command and verb != "notices")]


@pytest.mark.parametrize("verb", SAID)
async def test_help_tells_all_that_is_written_of_a_verb(
    shell: Shell, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    written, _, _ = (getdoc(app_of(verb).default_command) or "").partition("Parameters\n")

    assert await shell.run(verb, "--help") == 0

    assert " ".join(written.replace("`", "").split()) in " ".join(shell.out.split())
    assert max(map(len, shell.out.splitlines())) <= 80


async def test_read_prints_records_and_acknowledges_when_asked(hub: FakeHub, shell: Shell) -> None:
    item = {"id": "e1", "type": "t", "time": "T", "publisher": "acme", "data": {}}
    hub.pages = {None: web.json_response({"items": [item], "next": "c1"})}

    assert await shell.run("read", "risk-a", "--count", "1", "--ack", "--json", hub=hub) == 0

    assert shell.json() == [item]
    assert hub.acknowledged == ["c1"]


async def test_read_says_that_nothing_is_new_and_how_to_start_over(hub: FakeHub, shell: Shell) -> None:
    item = {"id": "e1", "type": "t", "time": "T", "publisher": "acme", "data": {}}
    hub.pages = {
        None: web.json_response({"items": [], "next": "c1"}),
        "c1": web.json_response({"items": [item], "next": "c2"}),
    }

    assert await shell.run("read", "risk-a", "--count", "1", "--json", hub=hub) == 0

    assert shell.json() == [item]
    assert shell.err == (
        "nothing new in risk-a after the place acknowledged last; waiting (Ctrl-C ends; --from-start shows all)\n"
    )


async def test_read_stops_at_the_number_that_was_asked_for_and_asks_for_no_more(hub: FakeHub, shell: Shell) -> None:
    items = [{"id": f"e{at}", "source": "s", "type": "t", "time": "T", "data": {}} for at in range(4)]
    hub.pages = {
        None: web.json_response({"items": items[:2], "next": "c1"}),
        "c1": web.json_response({"items": items[2:], "next": "c2"}),
    }

    assert await shell.run("read", "risk-a", "--count", "3", hub=hub) == 0

    assert shell.out == "T  t  -  s e0\nT  t  -  s e1\nT  t  -  s e2\n"
    assert [asked["limit"] for asked in hub.asked] == ["3", "1"]


async def test_read_says_once_that_the_hub_is_waited_for(hub: FakeHub, shell: Shell) -> None:
    item = {"id": "e1", "type": "t", "time": "T", "data": {}}
    answers = [
        problem(503, "OVERLOADED"),
        problem(503, "OVERLOADED"),
        web.json_response({"items": [item], "next": "c"}),
    ]
    hub.pages = {None: lambda: answers.pop(0)}

    assert await shell.run("read", "risk-a", "--count", "1", hub=hub) == 0

    assert shell.err.count("the hub gives nothing now (OVERLOADED") == 1


async def test_read_from_the_start_asks_for_the_earliest_record(hub: FakeHub, shell: Shell) -> None:
    item = {"id": "e1", "type": "t", "time": "T", "publisher": "acme", "data": {}}
    hub.pages = {None: web.json_response({"items": [item], "next": "c1"})}

    assert await shell.run("read", "risk-a", "--from-start", "--count", "1", hub=hub) == 0

    assert [asked["from"] for asked in hub.asked] == ["earliest"]
    assert shell.err == ""


async def test_an_engine_without_state_starts_over_and_acknowledges_nothing(hub: FakeHub, shell: Shell) -> None:
    gone = web.json_response({"code": "FEED_GONE", "retryable": False}, status=410)
    item = orjson.loads(event("e1", time="2026-11-22T09:00:00Z"))
    hub.pages = {None: web.json_response({"items": [item], "next": "c1"}), "c1": gone}

    assert await shell.run("engine", "risk-a", "--grace-seconds", "60", hub=hub) == 1

    assert [asked.get("from") for asked in hub.asked] == ["earliest", None]
    assert hub.acknowledged == []
    assert shell.err.startswith(f"reading risk-a from {hub.url}; alerts appear as they arise")
    assert "60 s after the gate-in" in shell.err


async def test_the_engine_prints_alerts_checkpoints_acknowledges_and_ends_with_its_feed(
    hub: FakeHub, shell: Shell
) -> None:
    seal = {"seal": {"number": "NL001"}, "subjects": [{"scheme": "iso6346", "value": "MSKU1234565"}]}
    item = orjson.loads(event("e1", type="customs.seal.broken", time="2026-11-22T09:00:00Z"))
    item["data"] |= seal
    gone = web.json_response({"code": "FEED_GONE", "retryable": False}, status=410)
    hub.pages = {None: web.json_response({"items": [item], "next": "c1"}), "c1": gone}

    assert await shell.run("engine", "risk-a", "--state", "engine.db", "--json", hub=hub) == 1

    assert [line["kind"] for line in shell.json()] == ["records", "alert", "score"]
    assert shell.json()[1]["rule"] == "seal_broken_in_transit"
    assert hub.acknowledged == ["c1"]
    assert "from" not in hub.asked[0]
    assert "FEED_GONE" in shell.err


@pytest.mark.parametrize(
    ("arguments", "code"), [([], 0), (["--help"], 0), (["nonsense"], 2), (["push"], 2), (["verify", "a", "b"], 2)]
)
async def test_misuse_is_told_from_failure(shell: Shell, arguments: list[str], code: int) -> None:
    assert await shell.run(*arguments) == code


async def test_a_hub_in_the_clear_is_refused_with_what_to_do(shell: Shell, hub: FakeHub) -> None:
    reach = ["--hub", "http://hub.example", "--client", "c", "--key", "key.pem"]

    assert await shell.run("push", "-", *reach, stdin=ONE) == 1
    assert "only over https" in shell.err

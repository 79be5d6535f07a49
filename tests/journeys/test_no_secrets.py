"""A hub goes through everything that has a secret in it, with every logger at its loudest; then nothing of it is found.

A new kind of secret adds its step to `STEPS`. Looked through are the log, the metrics, the audit trail, every view of
the registrar, every refusal that was answered, and every file of the data directory but those of the hub's own keys.
"""

from __future__ import annotations

import base64
import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
import structlog

from connectors.enrolment import enrolment_proof
from connectors.keys import generate, rotation_proof, write_key
from connectors.possession import Possession
from connectors.webhook import Keys
from hub.core.codes import INVITATION, digest_of, make_api_key, make_code
from hub.drivers.system.entropy import SystemEntropy
from hub.drivers.system.observer import configure_log
from hub.operate.registrar import VIEWS, Done
from hub.trust.sealed_password import seal_password
from hub.trust.webhook import secret_text
from tests.endpoints import sealed_for
from tests.mandates import JSON, principal, signed_by
from tests.receiver import receiving
from tests.secrets_made import DERIVED, Secrets, dumped, seed_of
from tests.unit.operate.office import key_pair, public_pem
from tests.wire.test_admin_matrix import least
from tests.world import RISK, Answer, Caller, HubWorld, event, hub_world, settings_in

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Scene:
    """A hub on SQLite, what is said aloud around it, and what was made that nobody may read."""

    def __init__(self, world: HubWorld, directory: Path) -> None:
        self.world, self.directory = world, directory
        self.secrets = Secrets()
        self.refusals: list[Answer] = []

    async def ask(self, method: str, path: str, **more: Any) -> Answer:
        answer = await self.world.ask(method, path, **more)
        self.refusals += [answer] if answer.status >= 400 else []
        return answer

    async def company(self, name: str) -> Caller:
        caller = await self.world.company(name, roles=["terminal"])
        self.secrets.note_key("private key of a company", caller.key.private)
        self.secrets.note_jws("access token", caller.token)
        return caller


Step = Callable[[Scene], Awaitable[None]]


async def keys_in_files(scene: Scene) -> None:
    for algorithm in ("ES256", "EdDSA"):
        key = generate(algorithm)  # type: ignore[arg-type]
        write_key(key, scene.directory.parent / f"{algorithm}.pem")
        scene.secrets.note_key("private key in a file", key.private)
        pem = (scene.directory.parent / f"{algorithm}.pem").read_text()
        refused = await scene.world.hub.registrar.perform(
            "key.add", {"partner": "watch", "system": "sys", "key": pem, "scopes": ["feeds:read"]}, actor="test"
        )
        assert not isinstance(refused, Done)
        scene.refusals.append(Answer(422, {}, repr(refused).encode()))


async def assertions_and_tokens(scene: Scene) -> None:
    caller = await scene.company("delta")
    for _ in range(2):
        form = {"grant_type": "client_credentials"} | caller.assertion()
        scene.secrets.note_jws("assertion", form["client_assertion"])
        answers = [await scene.ask("POST", "/oauth/token", data=form) for _ in range(2)]
        assert [answer.status for answer in answers] == [200, 401]
        scene.secrets.note_jws("access token", answers[0].json["access_token"])
    broken = scene.secrets.note_jws("forged assertion", form["client_assertion"][:-4] + "AAAA")
    await scene.ask("POST", "/oauth/token", data=form | {"client_assertion": broken})
    await scene.ask("POST", "/oauth/token", data=form | {"client_assertion_type": broken})
    await scene.ask("POST", "/oauth/token", data=broken.encode() * 40, headers=FORM)
    await caller.post(event())
    for path in ("introspect", "revoke"):
        await scene.ask("POST", f"/oauth/{path}", data=caller.assertion() | {"token": caller.token})


async def tokens_where_they_do_not_belong(scene: Scene) -> None:
    token = (await scene.company("echo")).token
    paths = [f"/v1/events?access_token={token}", f"/v1/events?cursor={token}", f"/v1/{token}"]
    paths += [f"/v1/feeds/{token[:64]}/records", f"/v1/events?{token[:200]}=1"]
    for path in paths:
        await scene.ask("GET", path, headers={"Authorization": f"Bearer {token}"})
    schemes = [
        f"Basic {token}",
        token,
        f"Bearer {token}x",
        f"DPoP {token}",
        f"Bearer  {token}",
        f"Bearer {token} {token}",
    ]
    for authorization in schemes:
        await scene.ask("GET", "/v1/events", headers={"Authorization": authorization})
    wire = await scene.world.wire()
    await wire.send(f"GET /v1/events HTTP/1.1\r\nHost: h\r\nAuthorization Bearer {token}\r\n\r\n".encode())
    scene.refusals.append(await wire.answer())
    wire = await scene.world.wire()
    await wire.send(f"GET {token} HTTP/1.1\r\nAuthorization: Bearer {token}\x00\r\n\r\n".encode())
    scene.refusals.append(await wire.answer())
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    await scene.ask("POST", "/v1/events", data=f'{{"Authorization": "Bearer {token}"', headers=headers)


async def proofs_of_possession(scene: Scene) -> None:
    caller, possession = await scene.company("foxtrot"), Possession()
    scene.secrets.note_key("key of a session", possession._key.private)
    nonce = (await scene.ask("GET", "/.well-known/jwks.json")).headers.get("DPoP-Nonce", "")
    for _ in range(2):
        proof = possession.proof("POST", f"{scene.world.hub.url}/oauth/token", nonce=nonce)
        scene.secrets.note_jws("DPoP proof", proof)
        answer = await caller.sign_in(headers={"DPoP": proof})
        nonce = answer.headers["DPoP-Nonce"]
    scene.secrets.note_jws("access token", caller.token)
    for path in ("/v1/events", "/v1/receipts"):
        proof = possession.proof("GET", f"{scene.world.hub.url}/v1/events", nonce=nonce, token=caller.token)
        scene.secrets.note_jws("DPoP proof", proof)
        await scene.ask("GET", path, headers={"Authorization": f"DPoP {caller.token}", "DPoP": proof})


async def enrolment(scene: Scene) -> None:
    act, codes = scene.world.act, [_code(scene) for _ in range(2)]
    await act("partner.apply", id="golf", name="Golf", country="NL", roles=["terminal"])
    await act("partner.vet", id="golf")
    for number, code in enumerate(codes):
        scopes = ["events:write", "receipts:read"]
        await act("invitation.make", id=digest_of(code), partner="golf", system=f"sys{number}", scopes=scopes)
        key = generate("EdDSA")
        scene.secrets.note_key("private key of a company", key.private)
        asked = {"code_sha256": sha256(code.encode()).hexdigest()}
        nonce = (await scene.ask("POST", "/v1/enrolment/challenge", json=asked)).json["nonce"]
        given = {"hub": scene.world.hub.url, "code": code, "nonce": nonce, "time": int(time.time())}
        proof = scene.secrets.note_jws("enrolment proof", enrolment_proof(key, **given))
        await scene.ask("POST", "/v1/enrolment", json={"proof": proof[:-4] + "AAAA"})
        enrolled = await scene.ask("POST", "/v1/enrolment", json={"proof": proof})
        assert enrolled.status == 201, enrolled
        offline = scene.secrets.note("offline code", enrolled.json["revocation_code"])
        await scene.ask("POST", "/v1/enrolment/challenge", json={"code_sha256": code})
        await scene.ask("POST", "/v1/credentials/revoke", json={"code": offline, "key": offline})
        if number:
            await act("key.approve", key=enrolled.json["read_out"])
            assert (await scene.ask("POST", "/v1/credentials/revoke", json={"code": offline})).status == 204


def _code(scene: Scene) -> str:
    return scene.secrets.note("invitation code", make_code(INVITATION, SystemEntropy().bytes(17)))


async def api_keys(scene: Scene) -> None:
    act = scene.world.act
    await act("partner.add", id="hotel", name="Hotel", country="NL", roles=["terminal"], tier="small")
    for number in range(2):
        secret = scene.secrets.note("API key", make_api_key(SystemEntropy().bytes(17)))
        scopes = ["events:write"]
        await act("api-key.issue", id=digest_of(secret), partner="hotel", system="web", scopes=scopes)
        caller = Caller(scene.world, "hotel.web", generate("EdDSA"), secret)
        assert (await caller.post(event(f"by-{number}"))).status == 201
        for path in ("/v1/notices", f"/v1/events?access_token={secret}", f"/v1/tables/{secret}"):
            await scene.ask("GET", path, headers={"Authorization": f"Bearer {secret}"})
        await act("api-key.revoke" if number else "key.leaked", **_ended(digest_of(secret), number))
        assert (await caller.post(event())).status == 401


def _ended(name: str, number: int) -> dict[str, str]:
    return {"id": name} if number else {"key": name, "since": "2020-01-01", "reason": "found"}


async def rotation_and_revocation(scene: Scene) -> None:
    caller, new = await scene.company("india"), generate("EdDSA")
    scene.secrets.note_key("private key of a company", new.private)
    claims = {"hub": scene.world.hub.url, "system": caller.id, "time": int(time.time())}
    proof = scene.secrets.note_jws("rotation proof", rotation_proof(new, **claims))
    headers = {"Authorization": f"Bearer {caller.token}"}
    for sent in (proof[:-4] + "AAAA", proof, proof):
        await scene.ask("POST", "/v1/credentials/rotate", json={"proof": sent}, headers=headers)
    await caller.post(event("before"))
    await scene.world.act("key.leaked", key=caller.key.id, since="2020-01-01", reason="stolen")
    assert (await scene.ask("GET", "/v1/events", headers=headers)).status == 401


async def mandates(scene: Scene) -> None:
    """Granted, used, withdrawn; and what a clerk pastes where a mandate, a signature or a name belongs."""
    agent, owner = await scene.company("kilo"), await principal(scene.world, "juliett", roles=["terminal"])
    scene.secrets.note_jws("access token", owner.caller.token)
    for key in owner.keys:
        scene.secrets.note_key("private key of a principal", key.private)
    assert (await owner.grant("kilo")).status == 201
    assert (await agent.post(event("for another"), Hub_On_Behalf_Of="juliett")).status == 201
    assert (await owner.withdraw()).status == 200
    whole = write_key(owner.keys[0], scene.directory.parent / "principal.pem").with_name("principal.pem").read_text()
    signed = orjson.loads(orjson.dumps(signed_by(owner.drafted("kilo", "m2"), owner.keys)))
    headers = JSON | {"Authorization": f"Bearer {owner.caller.token}"}
    for pasted in (whole, owner.caller.token):
        for body in (pasted.encode(), orjson.dumps({**signed, "signatures": [pasted, pasted]}), orjson.dumps([pasted])):
            answer = await scene.ask("POST", "/v1/mandates", data=body, headers=headers)
            assert answer.status >= 400, answer
    await scene.ask("POST", f"/v1/mandates/{owner.caller.token}/withdraw", data=b"{}", headers=headers)
    sent = JSON | {"Authorization": f"Bearer {agent.token}", "Hub-On-Behalf-Of": agent.token}
    await scene.ask("POST", "/v1/events", data=b"{}", headers=sent)


async def endpoints(scene: Scene) -> None:
    """Registered with a secret and an OAuth client, verified, sent to, rotated; and a secret pasted in clear."""
    hub, secret = scene.world.hub, SystemEntropy().bytes(32)
    text = scene.secrets.note("secret of an endpoint", secret_text(secret))
    scene.secrets.note("secret of an endpoint", secret)
    client_secret = scene.secrets.note("OAuth client secret", "c" + secret.hex()[:40])
    scene.secrets.note("seed of an endpoint", hub.ports.keys.secret("webhook:engine:1"))
    told: Any = await hub.registrar.looks.view("endpoint.next", {"id": "engine"})
    feed = {"name": "brought", "recipient": "watch", "purpose": RISK, "ways": ["webhook"]}
    await scene.world.act("feed.add", **feed)
    async with receiving() as receiver:
        receiver.keys = Keys(text)
        request = {"id": "engine", "feed": "brought", "url": receiver.url, **sealed_for(told, secret)}
        pasted = await hub.registrar.perform("endpoint.add", request | {"sealed": text}, actor="test")
        scene.refusals.append(Answer(422, {}, repr(pasted).encode()))
        client = seal_password(client_secret, told["client_secret_name"], told["key"])
        oauth = {"token_url": receiver.url, "client_id": "hub", "client_secret": client}
        await scene.world.act("endpoint.add", **request, **oauth)
        receiver.token = scene.secrets.note("access token for a receiver", secret.hex()[20:])
        await (await scene.company("lima")).post(event("brought"))
        await receiver.until(lambda came: len(came) > 0)


async def certificates(scene: Scene) -> None:
    """A file that holds the private key beside the certificate is refused without echo."""
    key = generate("ES256")
    scene.secrets.note_key("private key of a certificate", key.private)
    pem = write_key(key, scene.directory.parent / "certificate.pem").with_name("certificate.pem").read_text()
    refused = await scene.world.hub.registrar.perform(
        "certificate.add", {"partner": "watch", "system": "sys", "certificate": pem, "scopes": []}, actor="test"
    )
    scene.refusals.append(Answer(422, {}, repr(refused).encode()))


async def operators(scene: Scene) -> None:
    """Last, since two are needed from then on."""
    registrar, pair = scene.world.hub.registrar, key_pair()
    scene.secrets.note_key("private key of an operator", pair.private)
    whole = base64.b64encode(seed_of(pair.private)).decode()
    for key in (whole, f"-----BEGIN PRIVATE KEY-----\n{whole}\n-----END PRIVATE KEY-----\n", public_pem(pair)):
        done = await registrar.perform("operator.first", {"id": "ann", "name": "Ann", "key": key}, actor="root")
        scene.refusals.append(Answer(422, {}, repr(done).encode()))
    assert isinstance(done, Done), done
    prepared: Any = await registrar.prepare("partner.suspend", {"id": "delta"}, operator="ann")
    assert isinstance(await registrar.sign(prepared.statement, pair.sign_act(prepared.statement.encode())), Done)
    now = scene.world.hub.clock.now_us() // 1_000_000
    assertion = pair.assertion("operator.ann", scene.world.hub.url, jti="1", now=now)
    scene.secrets.note_jws("assertion of an operator", assertion)
    form = {"grant_type": "client_credentials", "scope": "admin", "client_assertion": assertion}
    form["client_assertion_type"] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    nonce = (await scene.ask("GET", "/.well-known/oauth-authorization-server")).headers["DPoP-Nonce"]
    url = f"{scene.world.hub.url}/oauth/token"
    proof = pair.proof("POST", url, nonce=nonce, jti="2", now=now)
    answer = await scene.ask("POST", "/oauth/token", data=form, headers={"DPoP": proof})
    assert answer.status == 200, answer
    scene.secrets.note_jws("access token of an operator", answer.json["access_token"])
    headers = {"Authorization": f"DPoP {answer.json['access_token']}"}
    await scene.ask("GET", "/v1/events", headers=headers)


STEPS: tuple[Step, ...] = (
    keys_in_files,
    assertions_and_tokens,
    tokens_where_they_do_not_belong,
    proofs_of_possession,
    enrolment,
    api_keys,
    rotation_and_revocation,
    mandates,
    endpoints,
    certificates,
    operators,
)


@contextmanager
def at_their_loudest(file: Path) -> Iterator[None]:
    """Every logger of every library at DEBUG, into one file, which the hub logs to as well."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    with file.open("a") as log:
        configure_log(log)
        loud = logging.StreamHandler(log)
        root.addHandler(loud)
        root.setLevel(logging.DEBUG)
        try:
            yield
        finally:
            root.setLevel(level)
            root.handlers[:] = handlers
            structlog.reset_defaults()


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    directory = tmp_path / "data"
    directory.mkdir(mode=0o700)
    here = {"networks": "127.0.0.0/8"}
    settings = settings_in(directory, ground="sqlite", quotas={"failures_per_second": 1_000_000}, webhooks=here)
    with at_their_loudest(tmp_path / "hub.log"):
        async with hub_world(settings) as world:
            await world.reader(provider={"all": True})
            scene = Scene(world, directory)
            scene.secrets.note_pem_files("the hub's own key", directory)
            for use in DERIVED:
                scene.secrets.note("the hub's own secret", world.hub.ports.keys.secret(use))
            yield scene


async def test_no_secret_is_found_in_anything_that_a_hub_says_or_keeps(scene: Scene, tmp_path: Path) -> None:
    for step in STEPS:
        before = sum(map(len, scene.secrets.made.values()))
        await step(scene)
        assert sum(map(len, scene.secrets.made.values())) > before, f"{step.__name__} made no secret"

    found = [
        each async for where, content in everything(scene, tmp_path) for each in scene.secrets.found_in(where, content)
    ]
    assert found == []
    assert b"INSERT" in (tmp_path / "hub.log").read_bytes().upper()  # Libraries do tell what they are given.


async def everything(scene: Scene, tmp_path: Path) -> AsyncIterator[tuple[str, bytes]]:
    hub = scene.world.hub
    status = orjson.loads(orjson.dumps(await hub.status(), default=str))
    async with aiohttp.ClientSession() as http, http.get(f"{status['operations']}/metrics") as answer:
        yield "metrics", await answer.read()
    yield "audit", b"\n".join(await hub.live.audit(0, 10_000))
    yield "status", orjson.dumps(status)
    for name, view in VIEWS.items():
        yield name, repr(await hub.registrar.looks.view(name, least(view.request))).encode()
    for refusal in scene.refusals:
        yield "a refusal", refusal.body + repr(dict(refusal.headers)).encode()
    for where, content in dumped(scene.directory):
        yield where, content
    yield "log", (tmp_path / "hub.log").read_bytes()


def test_a_secret_is_found_however_it_is_written_down(tmp_path: Path) -> None:
    """The test's own proof."""
    secrets, code = Secrets(), "chi_0123456789ABCDEFGHJKMNPQ"
    secrets.note("code", code)
    in_base64 = [base64.b64encode(b"x" * shift + code.encode() + b"y") for shift in range(3)]
    for content in (code.encode(), code.encode().hex().encode(), *in_base64):
        assert secrets.found_in("here", b"before " + content + b" after") == ["code in here"]
    with sqlite3.connect(tmp_path / "a.db") as database:
        database.execute("create table t (x)")
        database.execute("insert into t values (?)", (code.encode(),))
    database.close()
    assert {each for where, content in dumped(tmp_path) for each in secrets.found_in(where, content)} == {
        "code in a.db", "code in a.db as SQL"
    }  # fmt: skip

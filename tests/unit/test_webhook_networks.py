"""Where the hub connects to when somebody else names the address: decided for each connection, after resolution."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from hub.core.settings import WebhookSettings
from hub.drivers.http import resolver
from hub.drivers.http.networks import is_open, networks_of
from hub.drivers.http.poster import HttpPoster
from hub.drivers.system.clock import SystemClock
from hub.ports.webhooks import BODY_BYTES_MAX, Post, Reply
from tests.certificates import SERVER, Pair

NAT64_OF_LOOPBACK, NAT64_OF_PUBLIC = "64:ff9b::7f00:1", "64:ff9b::808:808"
EVERYWHERE = "0.0.0.0"
"""Every address of the machine's loopback network, among others."""
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
        *("224.0.0.1", "239.255.255.250", "255.255.255.255", "240.0.0.1", "192.0.2.1", "198.18.0.1"),
        *("::1", "::", "fe80::1", "fe80::1%lo", "fc00::1", "fd12:3456::1", "ff02::1", "2001:db8::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "::10.0.0.1"),
        *(NAT64_OF_LOOPBACK, "64:ff9b:1::a00:1", "2002:7f00:1::", "2002:a00:1::1"),
        *("2001:0:7f00:1:0:0:f5ff:fffe", "fec0::1", "3fff::1", "2001:4860::5efe:a00:1", "2001:4860::200:5efe:808:808"),
        *("64:ff9b:1:a00:0:100:808:808", "64:ff9b:1:7f00:0:100:808:808", "64:ff9b:1::808:808"),
    ],
)
def test_no_address_of_a_network_of_one_s_own_is_connected_to(address: str) -> None:
    assert not is_open(address, (), public=True)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", NAT64_OF_PUBLIC])
def test_public_addresses_are_connected_to_but_not_without_tls(address: str) -> None:
    assert is_open(address, (), public=True)
    assert not is_open(address, (), public=False)


def test_an_allowed_network_is_open_and_its_neighbour_is_not() -> None:
    allowed = networks_of(["10.1.0.0/16", "fd00::/8"])

    assert is_open("10.1.255.1", allowed, public=False)
    assert is_open("::ffff:10.1.0.1", allowed, public=False)
    assert is_open("fd00::1", allowed, public=True)
    assert not is_open("10.2.0.1", allowed, public=True)
    assert not is_open("127.0.0.1", allowed, public=True)


class Names(AbstractResolver):
    """Answers the addresses of `turns`, one after the other, and the last one for ever."""

    def __init__(self, *turns: str) -> None:
        self.turns = list(turns)
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked += 1
        address = self.turns.pop(0) if len(self.turns) > 1 else self.turns[0]
        found = ResolveResult(hostname=host, host=address, port=port, family=socket.AF_INET, proto=0, flags=0)
        return [found]

    async def close(self) -> None:
        """There is nothing to close."""


@asynccontextmanager
async def receiver(answer: Answer, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, host, 0, ssl_context=tls).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def posted(url: str, *, networks: str = "", names: Names | None = None, **post: Any) -> Reply:
    settings = WebhookSettings(networks=networks, answer_seconds_max=5)
    async with HttpPoster(settings, SystemClock(), names) as poster:
        return await poster.post(Post(url, {"webhook-id": "msg_1"}, b"{}", **post))


async def test_a_name_that_leads_to_the_hub_s_own_machine_is_not_followed() -> None:
    seen: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request.path)
        return web.Response()

    async with receiver(answer) as port:
        by_name = await posted(f"http://receiver.example:{port}/", names=Names("127.0.0.1"))
        by_tls = await posted(f"https://receiver.example:{port}/", names=Names("127.0.0.1"))
        by_address = await posted(f"https://127.0.0.1:{port}/")
        by_another_form = await posted(f"https://[::ffff:127.0.0.1]:{port}/")

    assert [by_name.status, by_tls.status, by_address.status, by_another_form.status] == [0, 0, 0, 0]
    assert "no address that the hub connects to" in by_name.detail
    assert seen == []


async def test_what_may_not_leave_any_more_once_it_is_connected_is_not_posted_nor_where_a_redirect_leads() -> None:
    seen: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request.path)
        return web.Response(status=307, headers={"Location": "/further"})

    names = Names("127.0.0.1")
    async with receiver(answer) as port:
        url = f"http://receiver.example:{port}/first"
        never = await posted(url, networks="127.0.0.1/32", names=names, still=lambda: names.asked == 0)
        once = await posted(url, networks="127.0.0.1/32", names=names, still=lambda: not seen)

    assert (never, once) == (Reply(0, withheld=True), Reply(0, withheld=True))
    assert (seen, names.asked) == (["/first"], 2)


async def test_a_name_that_changes_its_mind_between_two_connections_gets_the_second_one_to_nowhere() -> None:
    """DNS rebinding: the first answer is allowed, every later one is the hub's own loopback."""
    seen: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request.host)
        return web.Response(headers={"Connection": "close"})

    names = Names("127.0.0.2", "127.0.0.1")
    settings = WebhookSettings(networks="127.0.0.2/32")
    async with receiver(answer, EVERYWHERE) as port, HttpPoster(settings, SystemClock(), names) as poster:
        first = await poster.post(Post(f"http://receiver.example:{port}/", {}, b"{}"))
        second = await poster.post(Post(f"http://receiver.example:{port}/", {}, b"{}"))

    assert (first.status, second.status) == (200, 0)
    assert names.asked == 2
    assert len(seen) == 1


async def test_a_redirect_to_another_network_is_not_followed_and_one_that_is_allowed_keeps_the_body() -> None:
    seen: list[tuple[str, bytes, str | None]] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append((request.path, await request.read(), request.headers.get("Authorization")))
        if request.path == "/done":
            return web.Response()
        host = {"/inside": "127.0.0.1", "/outside": "127.0.0.3"}[request.path]
        raise web.HTTPPermanentRedirect(f"http://{host}:{request.url.port}/done")

    async with receiver(answer, EVERYWHERE) as port:
        networks = "127.0.0.1/32, 127.0.0.2/32"
        inside = await posted(f"http://127.0.0.2:{port}/inside", networks=networks, credential="Bearer t")
        outside = await posted(f"http://127.0.0.2:{port}/outside", networks=networks, credential="Bearer t")

    assert (inside.status, outside.status) == (200, 0)
    assert seen == [("/inside", b"{}", "Bearer t"), ("/done", b"{}", None), ("/outside", b"{}", "Bearer t")]


@pytest.mark.parametrize(("status", "followed"), [(301, 1), (302, 1), (303, 1), (307, 4), (308, 4)])
async def test_redirects_are_followed_three_times_where_the_method_stays(status: int, followed: int) -> None:
    seen: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request.path)
        return web.Response(status=status, headers={"Location": "/again"})

    async with receiver(answer) as port:
        reply = await posted(f"http://127.0.0.1:{port}/", networks="127.0.0.0/8")

    assert not reply.taken
    assert len(seen) == followed


async def test_of_an_answer_only_its_beginning_is_read() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=503, body=b"x" * 1_000_000, headers={"Retry-After": "7"})

    async with receiver(answer) as port:
        reply = await posted(f"http://127.0.0.1:{port}/", networks="127.0.0.0/8")

    assert (reply.status, reply.retry_after, len(reply.body)) == (503, 7, BODY_BYTES_MAX)


@pytest.mark.parametrize(
    ("text", "understood"),
    [("0", 0), ("99999999999999", 999_999_999), ("-1", None), ("soon", None), ("Sun, 06 Nov 1994 08:49:37 GMT", 0)]
    + [(f"Mon, 01 Jan {year} 00:00:00 {zone}", None) for year, zone in (("2024", "+" + "9" * 14), ("9" * 30, "GMT"))],
)
async def test_retry_after_is_seconds_or_a_date(text: str, understood: int | None) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=429, headers={"Retry-After": text})

    async with receiver(answer) as port:
        reply = await posted(f"http://127.0.0.1:{port}/", networks="127.0.0.0/8")

    assert reply.retry_after == understood


@pytest.mark.parametrize("url", ["ftp://example.org/", "http://", "https://[::1", "file:///etc/passwd"])
async def test_what_is_no_address_of_the_web_is_answered_with_why(url: str) -> None:
    reply = await posted(url)

    assert reply.status == 0
    assert reply.why


async def test_a_receiver_learns_nothing_of_names_and_addresses_inside() -> None:
    """It redirects to what it is curious about; what is told of all of them is the same."""
    targets = ["https://db.intranet.example/", "https://127.0.0.3:1/", "http://10.20.30.40/"]

    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=307, headers={"Location": targets.pop()})

    async with receiver(answer) as port:
        url = f"http://127.0.0.1:{port}/"
        replies = [await posted(url, networks="127.0.0.1/32", names=Names("10.20.30.40")) for _ in range(3)]

    assert {reply.why for reply in replies} == {"no connection"}
    assert "10.20.30.40" in replies[-1].detail


async def test_whatever_fails_while_posting_is_an_attempt_that_failed() -> None:
    class Broken(Names):
        async def resolve(self, *_: Any) -> list[ResolveResult]:
            raise RuntimeError("nobody foresaw it")

    reply = await posted("https://receiver.example/", names=Broken("127.0.0.1"))

    assert (reply.status, reply.why) == (0, "no answer that can be read")


async def test_a_name_server_that_hangs_holds_up_nobody_but_who_named_it(monkeypatch: pytest.MonkeyPatch) -> None:
    answering, asked = Event(), []

    def hanging(host: str, *_: object, **__: object) -> list[Any]:
        asked.append(host)
        if host.startswith("hangs"):
            answering.wait()
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))]

    async def look_up(asker: str, host: str) -> list[ResolveResult]:
        resolver.ASKER.set(asker)
        return await names.resolve(host, 443)

    monkeypatch.setattr(resolver, "getaddrinfo", hanging)
    names = resolver.OwnThreads()
    hung = [asyncio.create_task(look_up("bad", f"hangs{number}.example")) for number in (0, 0, 1, 2, 3)]
    good = await asyncio.create_task(look_up("good", "good.example"))
    with pytest.raises(OSError, match="too many"):
        await asyncio.create_task(look_up("bad", "hangs4.example"))
    answering.set()
    answers = await asyncio.gather(*hung)

    assert [each["host"] for each in good] == ["127.0.0.1"]
    assert all(answers)
    assert sorted(asked) == ["good.example", *(f"hangs{number}.example" for number in range(4))]


async def test_a_name_that_nobody_knows_is_an_error_and_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> list[Any]:
        raise OSError(-2, "Name or service not known")

    monkeypatch.setattr(resolver, "getaddrinfo", unknown)
    names = resolver.OwnThreads()
    for _ in range(resolver.LOOK_UPS_MAX + 1):
        with pytest.raises(OSError, match="not known"):
            await names.resolve("nobody.example", 443)


def contexts(folder: Path, authority: Pair | None = None) -> tuple[ssl.SSLContext, WebhookSettings]:
    """Of a receiver that asks for a certificate of the same authority as its own, and of a hub that has one."""
    authority = authority or Pair("authority", usage=None)
    server, client = Pair("receiver", issuer=authority, usage=SERVER), Pair("hub", issuer=authority)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*server.write(folder, "server"))
    (folder / "ca.pem").write_text(authority.pem)
    context.load_verify_locations(folder / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    certificate, key = client.write(folder, "client")
    settings = WebhookSettings(
        networks="127.0.0.0/8",
        ca_file=str(folder / "ca.pem"),
        certificate_file=str(certificate),
        key_file=str(key),
        answer_seconds_max=5,
    )
    return context, settings


async def test_the_hub_s_certificate_is_shown_to_whom_it_is_meant_for_and_to_nobody_else(tmp_path: Path) -> None:
    seen: list[object] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request.transport and request.transport.get_extra_info("peercert")["subject"])
        return web.Response()

    context, settings = contexts(tmp_path)
    async with receiver(answer, tls=context) as port, HttpPoster(settings, SystemClock()) as poster:
        shown = await poster.post(Post(f"https://127.0.0.1:{port}/", {}, b"{}", shows_certificate=True))
        hidden = await poster.post(Post(f"https://127.0.0.1:{port}/", {}, b"{}"))

    assert (shown.status, hidden.status) == (200, 0)
    assert seen == [((("commonName", "hub"),),)]


async def test_a_certificate_that_was_replaced_is_shown_without_a_restart_and_half_of_a_pair_is_not(
    tmp_path: Path,
) -> None:
    seen: list[object] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request.transport and request.transport.get_extra_info("peercert")["subject"][0][0][1])
        return web.Response(headers={"Connection": "close"})

    authority = Pair("authority", usage=None)
    context, settings = contexts(tmp_path, authority)
    new, key = Pair("hub-2", issuer=authority).write(tmp_path, "new")
    async with receiver(answer, tls=context) as port, HttpPoster(settings, SystemClock()) as poster:
        post = Post(f"https://127.0.0.1:{port}/", {}, b"{}", shows_certificate=True)
        await poster.post(post)
        new.replace(settings.certificate_file)
        await poster.post(post)
        key.replace(settings.key_file)
        await poster.post(post)

    assert seen == ["hub", "hub", "hub-2"]


async def test_a_receiver_of_an_unknown_authority_is_told_nothing(tmp_path: Path) -> None:
    seen: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request.path)
        return web.Response()

    context, settings = contexts(tmp_path)
    without = WebhookSettings(networks=settings.networks)
    async with receiver(answer, tls=context) as port, HttpPoster(without, SystemClock()) as poster:
        reply = await poster.post(Post(f"https://127.0.0.1:{port}/", {}, b"{}"))

    assert reply.status == 0
    assert "certificate" in reply.why.lower()
    assert seen == []

"""An office of operators in front of a registrar, each with a key pair of their own."""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from hub.core.approval import Review
from hub.core.errors import Refusal
from hub.operate.registrar import Done, Prepared, Waiting
from hub.trust.act import OperatorKeyPair, load_key_pair


def key_pair() -> OperatorKeyPair:
    return load_key_pair(Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def public_pem(key: OperatorKeyPair) -> str:
    return key.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


class Office:
    """Ann is the first; ben has every role that changes something too, olga is a partner officer."""

    def __init__(self, desk: Any) -> None:
        self.desk = desk
        self.registrar = desk.registrar
        self.keys: dict[str, OperatorKeyPair] = {}

    async def open(self) -> Office:
        self.keys["ann"] = key_pair()
        await self.desk.do("operator.first", id="ann", name="Ann", key=public_pem(self.keys["ann"]))
        await self.join("ben", "security-officer", "partner-officer", "agreement-officer")
        [alone] = self.desk.live.snapshot.reviews
        await self.ask("ben", "review.done", id=alone.id, note="it is me")
        await self.join("olga", "partner-officer")
        return self

    @property
    def open_reviews(self) -> list[Review]:
        return [review for review in self.desk.live.snapshot.reviews if not review.done]

    async def join(self, name: str, *roles: str, **more: Any) -> None:
        self.keys[name] = key_pair()
        request = {"id": name, "name": name.title(), "roles": roles, "key": public_pem(self.keys[name])} | more
        if len(self.desk.live.snapshot.operators) == 1:
            assert isinstance(await self.ask("ann", "operator.add", local=True, **request), Done)
        else:
            await self.both("operator.add", "ann", "ben", **request)

    async def statement(self, who: str, act: str, /, **request: Any) -> str:
        prepared = await self.registrar.prepare(act, request, operator=who)
        assert isinstance(prepared, Prepared), prepared
        return prepared.statement

    async def sign(self, who: str, statement: str, *, local: bool = False) -> Done | Waiting | Refusal:
        signed: Done | Waiting | Refusal = await self.registrar.sign(
            statement, self.keys[who].sign_act(statement.encode()), local=local
        )
        return signed

    async def ask(self, who: str, act: str, /, *, local: bool = False, **request: Any) -> Done | Waiting | Refusal:
        return await self.sign(who, await self.statement(who, act, **request), local=local)

    async def both(self, act: str, first: str, second: str, /, **request: Any) -> Done:
        statement = await self.statement(first, act, **request)
        assert isinstance(await self.sign(first, statement), Waiting)
        done = await self.sign(second, statement)
        assert isinstance(done, Done), done
        return done


def code(outcome: object) -> str:
    assert isinstance(outcome, Refusal), outcome
    return outcome.code

"""What two peers say to each other: which of the candidates lead there, and then their texts.

Each peer asks at all candidates, over and over; an answer shows that the way is open in both directions. One of the
two, whose secret is the smaller, chooses the first that answers, and says so there. The other one follows as soon as
that address has answered it, too: nobody's word is taken for where the other is.

A text is repeated until it is heard, and the next one waits for that, so each comes once and in order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from hashlib import blake2b
from typing import Final

from multiaddr_py import Multiaddr
from punching.events import PunchError
from punching.fields import Text, Token
from punching.messages import Bye, Heard, Punch, Say
from punching.transport import Transport

PACE: Final = 0.1  # seconds between two messages to a candidate
CHOICE: Final = 1.5  # seconds for the one that was chosen to answer once more
MOST_CANDIDATES: Final = 16
REPEAT: Final = 0.25  # seconds after which a text is said again
SILENCE: Final = 15.0  # seconds after which a peer that does not answer is gone


class Session:
    """What a peer has to do with the other one, whose secret it was told."""

    def __init__(
        self, transport: Transport, mine: Token, other: Token, *, name: str, heard: Callable[[str], None]
    ) -> None:
        self._transport = transport
        self._name = name
        self._chooses = mine < other
        self._heard = heard
        self._said = 0  # texts that the other has heard
        self._expected = 0  # the number of its next one
        self._candidates: dict[Multiaddr, asyncio.Task[None]] = {}
        self._searches = True
        self._answered: set[Multiaddr] = set()
        self._chosen: set[Multiaddr] = set()
        self._choosing = asyncio.Lock()
        self._path: asyncio.Future[Multiaddr] = asyncio.get_running_loop().create_future()
        self.seen: dict[Multiaddr, Multiaddr] = {}
        """By which candidate this peer is seen, and as what."""
        self.talks = False
        """Whether texts are heard, which may come before this peer knows of the path itself."""
        self.doubted = asyncio.Event()
        """There is reason to ask whether the other peer is still there."""
        self.left = asyncio.Event()
        """The other peer has said that it goes."""
        transport.keys = (seal(mine, other), seal(other, mine))
        transport.handlers |= {Punch: self._on_punch, Say: self._on_say, Bye: self._on_bye}

    async def find_path(
        self,
        candidates: Iterable[Multiaddr],
        *,
        patience: float,
        last_resort: Multiaddr | None = None,
        relay_patience: float = 0,
        grace: float = 0,
    ) -> Multiaddr:
        """Return the candidate that both peers talk over from now on.

        After `patience` seconds the last resort is tried besides, for `relay_patience` more; and then there are `grace`
        seconds for a choice that is on its way. Raises `TimeoutError`.
        """
        try:
            for candidate in candidates:
                self._try(candidate)
            with suppress(TimeoutError):
                return await self._wait(patience)
            if last_resort is not None:
                self._try(last_resort)
                with suppress(TimeoutError):
                    return await self._wait(relay_patience)
            return await self._wait(grace)
        finally:
            self._searches = False
            for check in self._candidates.values():
                check.cancel()
            await asyncio.gather(*self._candidates.values(), return_exceptions=True)

    async def _wait(self, patience: float) -> Multiaddr:
        async with asyncio.timeout(patience):  # `wait_for` of Python 3.11 may swallow that it is cancelled
            return await asyncio.shield(self._path)

    def _try(self, candidate: Multiaddr) -> None:
        """Ask at a candidate from now on, if that is not done already."""
        if self._searches and candidate not in self._candidates and len(self._candidates) < MOST_CANDIDATES:
            self._candidates[candidate] = asyncio.create_task(self._check(candidate))

    async def _check(self, candidate: Multiaddr) -> None:
        """Ask at a candidate until it has answered; choose it if that is up to this peer, and it is the first."""
        while not self._path.done():
            self.seen[candidate] = await self.knock(candidate, every=PACE, patience=SILENCE)
            self._answered.add(candidate)
            if not self._chooses:
                self._follow(candidate)
                return
            async with self._choosing:
                if not self._path.done():
                    with suppress(TimeoutError):  # then it is another one's turn
                        await self.knock(candidate, chosen=True, every=PACE, patience=CHOICE)
                        self._path.set_result(candidate)

    async def knock(self, to: Multiaddr, *, chosen: bool = False, every: float, patience: float) -> Multiaddr:
        """Ask whether the other peer hears this one at an address; return as whom. Raises `TimeoutError`."""
        question = Punch(self._transport.token(), chosen)
        answer = await self._transport.ask(question, to, every=every, patience=patience)
        assert isinstance(answer, Heard)
        return answer.address

    def _follow(self, candidate: Multiaddr) -> None:
        """Take what was chosen, once it has answered here, too."""
        if candidate in self._chosen & self._answered and not self._path.done():
            self._path.set_result(candidate)

    async def _on_punch(self, punch: Punch, sender: Multiaddr) -> None:
        await self._transport.send(Heard(punch.token, sender), sender)
        if "tcp" in sender:
            return
        self._try(sender)
        if punch.chosen and not self._chooses:
            self._chosen.add(sender)
            self._follow(sender)

    # Once there is a path

    async def say(self, text: Text, route: Callable[[], Multiaddr], failed: Callable[[Multiaddr], None]) -> None:
        """Say a text until it is heard, over the route of each moment; tell of one that fails. Raises `PunchError`."""
        say = Say(self._transport.token(), self._said, text)
        waited = 0.0
        while waited < SILENCE:
            way = route()
            try:
                await self._transport.ask(say, way, every=REPEAT, patience=4 * REPEAT)
            except TimeoutError:
                waited += 4 * REPEAT
                failed(way)
            else:
                self._said += 1
                return
        raise self._silent()

    async def _on_say(self, say: Say, sender: Multiaddr) -> None:
        if not self.talks or say.number > self._expected:
            return  # nobody says this before the one in between was heard
        if say.number == self._expected:
            self._expected += 1
            self._heard(say.text)
        await self._transport.send(Heard(say.token, sender), sender)

    async def stay(self, path: Multiaddr, every: float) -> None:
        """Keep the way through the NATs open, for as long as the other peer answers. Raises `PunchError`."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(every):
                    await self.doubted.wait()
            self.doubted.clear()
            try:
                await self.knock(path, every=1.0, patience=SILENCE)
            except TimeoutError:
                raise self._silent() from None

    def _silent(self) -> PunchError:
        return PunchError(f"{self._name} has been silent for {SILENCE:g} s")

    async def leave(self) -> None:
        """Tell the other peer that this one goes, wherever that one may believe that there is a path."""
        if self.left.is_set():
            return
        ways = [self._path.result()] if self._path.done() else self._candidates
        for _ in range(3):  # no answer is waited for
            for way in ways:
                await self._transport.send(Bye(self._transport.token()), way)

    async def _on_bye(self, bye: Bye, sender: Multiaddr) -> None:
        self.left.set()


def seal(sender: Token, receiver: Token) -> bytes:
    """Return the key of one direction."""
    return blake2b(sender + receiver, digest_size=32).digest()

"""Asks the uploads workers, as any client of the topics does: a query out, its answer or its refusal back."""

import asyncio
import time
import uuid
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from sightline_client.events import Upload
from sightline_client.lists import Recommendations, RecommendedItem, Region
from web.parts import Parts
from web.problems import Problem

#: The longest wait for an answer; a worker that is starting answers later, to nobody.
ANSWER_S: Final = 10.0
#: Queries that one process waits for at the same time.
WAITING_LIMIT: Final = 256


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """Items that answer a search, the best first; `degraded` says what they were found without.

    `regions` are the parts of the picture that the query asks about, each with the items that are like it, or with
    `refused`, why it cannot be looked at.
    """

    items: list[RecommendedItem]
    degraded: list[str] = []
    model: dict[str, str] = {}
    timings_ms: dict[str, float] = {}
    regions: list[Region] = []


async def ask(parts: Parts, query: Upload) -> Found:
    """The answer to a query, under an id of its own that nobody else uses; raises Problem."""
    begun, asker = time.perf_counter(), f"web-{uuid.uuid4().hex}"
    query = replace(query, event_id=asker, user_id=asker, item_id=asker)
    if parts.tail.answers.waiting >= WAITING_LIMIT:
        raise Problem.away("A place for the query", f"{WAITING_LIMIT} queries wait for their answers: come back")
    known = parts.inlet.known_as(asker)
    answer, letter = parts.tail.answers.expect(known), parts.tail.letters.expect(known)
    try:
        await parts.inlet.publish([query])
        waiting: set[asyncio.Future[Any]] = {answer, letter}
        await asyncio.wait(waiting, timeout=ANSWER_S, return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            return _found(answer.result(), begun)
        if letter.done():
            refused = letter.result()
            raise Problem(422, "The query was refused", refused.error, reason=refused.reason)
        raise _unanswered(parts)
    finally:
        for future in (answer, letter):
            future.cancel()


def _found(answer: Recommendations, begun: float) -> Found:
    total = round(1000 * (time.perf_counter() - begun), 3)
    timings = {"answer": answer.timings_ms.get("total", 0.0), "total": total}
    return Found(
        items=answer.items,
        degraded=answer.degraded,
        model=answer.model,
        timings_ms=timings,
        regions=answer.regions or [],
    )


def _unanswered(parts: Parts) -> Problem:
    if "encoder" in parts.feeds.degraded:
        return Problem.away("Triton", "pictures and words cannot be compared while it is: send the request again")
    return Problem.away(
        "The answer", f"no uploads worker answered within {ANSWER_S:g} s: see whether one runs, and send it again"
    )

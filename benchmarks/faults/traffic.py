"""The load under which a fault strikes: random interactions from a seed, each with a known id."""

import threading
import time
from random import Random
from typing import Any

from confluent_kafka import KafkaError, Producer

from streams.wire.events import Interaction, InteractionType, encode

USERS = 200
ITEMS = 300
#: Share of events that repeat a recent event, as a publisher that retries does.
DUPLICATES = 0.05
_TYPES: tuple[InteractionType, ...] = ("click", "click", "view", "like", "purchase", "dislike", "hide")
_FLUSH_S = 60.0


class Traffic:
    """Publishes `rate` interactions a second from `start` to `stop`, in its own thread."""

    def __init__(self, kafka: str, topic: str, *, rate: float, seed: int = 7) -> None:
        self._topic = topic
        self._rate = rate
        self._random = Random(seed)  # noqa: S311 (no secret is drawn)
        self._producer = Producer(
            {
                "bootstrap.servers": kafka,
                "partitioner": "murmur2_random",
                "linger.ms": 1,
                # The producer knows exactly what Kafka accepted, even if connections fail.
                "enable.idempotence": True,
                "message.timeout.ms": 0,
                "log_level": 0,
            }
        )
        #: Number of accepted messages, and the error of each refused one.
        self.accepted = 0
        self.refused: list[str] = []
        self._sent = 0
        self._last: list[Interaction] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="traffic", daemon=True)

    def start(self) -> None:
        """Start publishing."""
        self._thread.start()

    def stop(self) -> None:
        """Stop publishing; returns when Kafka has accepted everything sent, or after a minute."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()
        self._producer.flush(_FLUSH_S)

    def send(self, key: bytes | None, value: bytes | None) -> None:
        """Publish any message, also after `stop`; `flush` waits for it."""
        self._producer.produce(self._topic, key=key, value=value, on_delivery=self._delivered)
        self._producer.poll(0)

    def publish(self, count: int) -> None:
        """Publish `count` interactions at once; returns when Kafka has accepted them."""
        for _ in range(count):
            event = self._draw()
            self.send(event.user_id.encode(), encode(event))
        self._producer.flush(_FLUSH_S)

    def flush(self) -> None:
        """Return when Kafka has accepted everything sent, or after a minute."""
        self._producer.flush(_FLUSH_S)

    def _run(self) -> None:
        begun = time.monotonic()
        number = 0
        while not self._ended.wait(max(begun + number / self._rate - time.monotonic(), 0)):
            event = self._draw()
            try:
                self.send(event.user_id.encode(), encode(event))
            except BufferError:
                self._producer.poll(0.05)
                continue
            number += 1

    def _draw(self) -> Interaction:
        random = self._random
        if self._last and random.random() < DUPLICATES:
            return random.choice(self._last)
        event = Interaction(
            event_id=f"event-{self._sent}",
            type=random.choice(_TYPES),
            user_id=f"user-{min(int(random.paretovariate(0.7)), USERS)}",
            item_id=f"item-{random.randrange(ITEMS)}",
            occurred_at_ms=time.time_ns() // 1_000_000 - random.randrange(60_000),
        )
        self._sent += 1
        self._last = [*self._last[-20:], event]
        return event

    def _delivered(self, error: KafkaError | None, _: Any) -> None:
        if error is None:
            self.accepted += 1
        else:
            self.refused.append(error.str())

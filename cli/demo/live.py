"""What `sightline demo` does once its pictures are there: it shows the page, while shoppers go on clicking."""

import itertools
import sys
import time
import webbrowser
from collections.abc import Sequence
from contextlib import suppress
from os import environ

from benchmarks.world.shoppers import Visit
from benchmarks.world.shopping import Feeds
from cli.output import progress, results
from deploy.errors import StackError
from deploy.local import Endpoints
from deploy.workers import Workers
from streams.client import EventPublisher
from streams.credentials import kafka_security
from streams.settings import Settings

#: Few enough that a visitor sees the effect of each own click, and enough that trends move.
EVENTS_PER_SECOND = 5.0


def show_page(settings: Settings, endpoints: Endpoints, visits: Sequence[Visit]) -> None:
    """Print where the page is, open it where there is a browser, and click until Ctrl-C or SIGTERM."""
    web = Workers(settings, endpoints).find("web")
    if web is None or web.web_port is None:
        raise StackError("the web door has ended: its log is under .sightline/logs")
    url = f"http://127.0.0.1:{web.web_port}/"
    results().print(f"the page: {url}", soft_wrap=True)
    progress("shoppers go on clicking; Ctrl-C ends everything")
    sys.stdout.flush()
    if _has_browser():
        webbrowser.open(url)
    with suppress(KeyboardInterrupt):
        _click_on(settings, endpoints, visits)
    progress("ending")


def _click_on(settings: Settings, endpoints: Endpoints, visits: Sequence[Visit]) -> None:
    prefix, security = settings.topic_prefix, kafka_security(settings)
    with (
        Feeds(endpoints.kafka, prefix=prefix, security=security) as feeds,
        EventPublisher(endpoints.kafka, prefix=prefix, security=security) as publisher,
    ):
        for visit in itertools.cycle(visits):
            publisher.publish(visit.act(feeds.newest(visit.user_id), time.time_ns() // 1_000_000))
            # Only the newest list of each shopper counts.
            feeds.received.clear()
            time.sleep(1 / EVENTS_PER_SECOND)


def _has_browser() -> bool:
    return sys.platform == "darwin" or bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))

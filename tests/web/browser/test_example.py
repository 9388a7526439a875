"""The example in JavaScript of docs/http.md runs in a browser, with a user's token, on an app that really listens."""

import json
import re

import msgspec

from tests.harness.paths import ROOT
from tests.harness.serving import Serving
from tests.harness.web import LOCKED, Door
from tests.web.browser.conftest import Visits

EXAMPLES = re.findall(r"^```js run\n(.*?)^```$", (ROOT / "docs" / "http.md").read_text(), re.M | re.S)
#: What the app of the reader has: it shows lists.
AROUND = """async ({{ door, token }}) => {{
    const shown = new Promise((show) => {{ window.show = show; }});
    {code}
    return shown;
}}"""


def test_there_is_one() -> None:
    assert len(EXAMPLES) == 1


def test_a_page_shows_the_pushed_list_and_sends_what_the_user_does(visits: Visits) -> None:
    door = Door(**LOCKED)
    items = [{"item_id": "lamp-7"}]
    door.tail.lists.put("ann", 7, json.dumps({"seq": 7, "items": items}).encode())
    token = door.token("ann")["authorization"].removeprefix("Bearer ")
    serving = Serving(door.app)
    try:
        url = f"http://127.0.0.1:{serving.port}"
        visitor = visits.to(url)
        visitor.page.goto(url)
        shown = visitor.page.evaluate(AROUND.format(code=EXAMPLES[0]), {"door": url, "token": token})
    finally:
        serving.stop()
    assert shown == items
    (sent,) = [msgspec.json.decode(message.value or b"") for message in door.kafka.messages]
    assert (sent["type"], sent["user_id"], sent["item_id"]) == ("click", "ann", "lamp-7")

"""The page's files and how they are served, without a browser."""

import json
import re
from pathlib import Path
from typing import get_args

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from inference.explain.explanation import AnswerCode, ObstacleCode, Verdict
from inference.retrieval.filters import FILTERS
from sightline_client.lists import ReasonCode
from web.page.page import FOLDER, PageFiles, page_handlers, read_page

MODULES = sorted((FOLDER / "js").rglob("*.js"))
#: A module of the page is short enough to be read at once.
MODULE_LINES = 200


@pytest.fixture(scope="module")
def files() -> PageFiles:
    return read_page()


@pytest.fixture(scope="module")
def client(files: PageFiles) -> TestClient[Litestar]:
    return TestClient(Litestar(page_handlers(files), openapi_config=None, logging_config=None))


def test_the_page_is_asked_for_again_and_what_it_loads_is_kept(client: TestClient[Litestar], files: PageFiles) -> None:
    page = client.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-cache"
    assert f"/page/{files.version}/js/main.js" in page.text
    main = client.get(f"/page/{files.version}/js/main.js")
    assert main.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "immutable" in main.headers["cache-control"]


def test_what_the_browser_has_is_not_sent_again(client: TestClient[Litestar]) -> None:
    etag = client.get("/").headers["etag"]
    again = client.get("/", headers={"if-none-match": etag})
    assert (again.status_code, again.content) == (304, b"")


def test_each_encoding_has_its_own_etag(client: TestClient[Litestar]) -> None:
    plain = client.get("/", headers={"accept-encoding": "identity"})
    zipped = client.get("/", headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert zipped.headers["content-encoding"] == "gzip"
    assert zipped.text == plain.text
    assert zipped.headers["etag"] != plain.headers["etag"]


@pytest.mark.parametrize(
    "path", ["/page/0000000000000000/js/main.js", "/page/{version}/js/none.js", "/page/{version}/../page.py"]
)
def test_another_version_or_file_is_not_there(client: TestClient[Litestar], files: PageFiles, path: str) -> None:
    assert client.get(path.format(version=files.version)).status_code == 404


def test_another_byte_is_another_version(tmp_path: Path, files: PageFiles) -> None:
    for name, file in files.files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.body)
    first = read_page(tmp_path).version
    (tmp_path / "js" / "main.js").write_text("// another")
    assert read_page(tmp_path).version != first


def test_all_that_the_page_and_its_modules_name_exists(files: PageFiles) -> None:
    linked = re.findall(rf"/page/{files.version}/([\w./-]+)", files.files["index.html"].body.decode())
    assert [name for name in linked if name not in files.files] == []
    imports = [(path, name) for path in MODULES for name in re.findall(r'from "(\.[^"]+)"', path.read_text())]
    assert [(str(path), name) for path, name in imports if not (path.parent / name).exists()] == []


def test_no_script_or_style_stands_in_the_page_itself() -> None:
    page = (FOLDER / "index.html").read_text()
    assert re.findall(r"<style|\sstyle=|<script(?![^>]*src=)|\son\w+=", page) == []


def test_modules_make_no_html_from_text() -> None:
    named = [
        str(path)
        for path in MODULES
        if re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", path.read_text())
    ]
    assert named == []


def test_a_module_is_short_enough_to_be_read_at_once() -> None:
    lines = {str(path): len(path.read_text().splitlines()) for path in MODULES}
    assert {path: count for path, count in lines.items() if count >= MODULE_LINES} == {}


def words(language: str) -> dict[str, str]:
    found: dict[str, str] = json.loads((FOLDER / "i18n" / f"{language}.json").read_text())
    return found


def test_both_languages_say_the_same_things_with_the_same_values() -> None:
    english, chinese = words("en"), words("zh")
    values = re.compile(r"\{(\w+)\}")
    assert list(english) == list(chinese)
    assert [key for key in english if set(values.findall(english[key])) != set(values.findall(chinese[key]))] == []


def test_every_code_that_lists_and_explanations_have_is_in_the_pages_words() -> None:
    codes = {
        "reason": set(get_args(ReasonCode)),
        "signal": set(get_args(ReasonCode)),
        "answer": set(get_args(AnswerCode)),
        "obstacle": set(get_args(ObstacleCode)),
        "verdict": set(get_args(Verdict)),
        "filter": set(FILTERS),
    }
    named = {f"{kind}.{code}" for kind, each in codes.items() for code in each}
    assert sorted(named - set(words("en"))) == []


def test_every_word_that_a_module_names_is_there() -> None:
    source = "\n".join(path.read_text() for path in MODULES) + (FOLDER / "index.html").read_text()
    named = set(re.findall(r'\bt\("([\w.]+)"', source)) | set(re.findall(r'data-i18n="([\w.]+)"', source))
    assert sorted(named - set(words("en"))) == []

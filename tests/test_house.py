"""What CONTRIBUTING.md promises about the project's files: limits of size, rooms, and links that lead somewhere."""

import ast
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import grimp

from tests.harness.paths import ROOT

FILE_LINES = 400
BODY_LINES = 40
FILES_IN_A_ROOM = 16
#: Commands and benches are looked up by name, so that their folders are to be shorter.
FILES_IN_A_LIST = 14

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES: list[str] = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
SOURCES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
#: What people read: code, documents, configuration.
TEXTS = [
    path
    for folder in (*PACKAGES, "docs", "tests", ".github")
    for path in sorted((ROOT / folder).rglob("*.*"))
    if path.suffix in {".md", ".py", ".sh", ".lua", ".toml", ".yaml", ".yml"}
] + [ROOT / "Makefile", ROOT / "pyproject.toml", *ROOT.glob("*.md")]

_OURS = "|".join((*PACKAGES, "docs", "tests"))
_PATH = re.compile(rf"(?<![\w./-])(?:{_OURS})/[\w./-]*\.(?:py|md|lua|sh|ya?ml|toml|json|npz|xml)\b")
_MODULE = re.compile(rf"python -m ((?:{_OURS})\.[\w.]+)")
_LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)\s#]+)")


def bodies(path: Path) -> Iterator[tuple[str, int]]:
    """The functions of a file and their lines, without signature and docstring."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            statements = node.body[1:] if ast.get_docstring(node) else node.body
            yield node.name, (node.end_lineno or 0) - statements[0].lineno + 1 if statements else 0


def anchors(page: Path) -> list[tuple[str, str]]:
    """The links of a page to headings: the file ("" for the page itself), and the heading's slug."""
    return re.findall(r"\]\((?!https?:|mailto:)([^)\s#]*)#([^)\s]+)\)", page.read_text())


def slugs(page: Path) -> set[str]:
    """The headings of a page as GitHub names them in links."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


def test_a_file_is_short_enough_to_be_read_at_once() -> None:
    lines = {str(path): len(path.read_text().splitlines()) for path in SOURCES}
    assert {path: count for path, count in lines.items() if count > FILE_LINES} == {}


def test_a_function_fits_on_a_screen() -> None:
    assert [(str(path), *body) for path in SOURCES for body in bodies(path) if body[1] > BODY_LINES] == []


def test_a_folder_holds_one_subject() -> None:
    files = Counter(str(path.parent) for path in SOURCES if path.name != "__init__.py")
    lists = {folder for folder in files if Path(folder).relative_to(ROOT).parts[0] in ("cli", "benchmarks")}
    limits = {folder: FILES_IN_A_LIST if folder in lists else FILES_IN_A_ROOM for folder in files}
    assert {folder: count for folder, count in files.items() if count > limits[folder]} == {}


def test_no_modules_import_each_other_in_a_circle_not_even_for_types() -> None:
    graph = grimp.build_graph(*PACKAGES, exclude_type_checking_imports=False)
    imported = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    TopologicalSorter(imported).prepare()  # which raises CycleError


def test_an_init_says_what_its_folder_is_for_and_nothing_else() -> None:
    modules = {path: ast.parse(path.read_text()) for path in SOURCES if path.name == "__init__.py"}
    assert [path for path, module in modules.items() if not ast.get_docstring(module) or len(module.body) > 1] == []


def test_a_link_leads_to_a_file() -> None:
    links = [(path, link) for path in TEXTS if path.suffix == ".md" for link in _LINK.findall(path.read_text())]
    assert [(str(path), link) for path, link in links if not (path.parent / link).exists()] == []


def test_an_anchor_is_a_heading() -> None:
    pages = [path for path in TEXTS if path.suffix == ".md"]
    named = [(path, (path.parent / link if link else path), anchor) for path in pages for link, anchor in anchors(path)]
    assert [(str(path), anchor) for path, page, anchor in named if anchor not in slugs(page)] == []


def test_a_path_that_is_named_exists() -> None:
    named = [(path, found) for path in TEXTS for found in _PATH.findall(path.read_text())]
    assert [(str(path), found) for path, found in named if not (ROOT / found).exists()] == []


def test_a_module_that_is_named_can_be_run() -> None:
    named = [(path, module) for path in TEXTS for module in _MODULE.findall(path.read_text())]
    files = [(path, ROOT / (module.replace(".", "/") + ".py")) for path, module in named]
    assert [(str(path), str(file)) for path, file in files if not file.exists()] == []

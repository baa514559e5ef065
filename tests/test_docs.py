"""What the documents show runs as shown."""

from __future__ import annotations

import doctest
import importlib
import inspect
import json
import pkgutil
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from tests.conftest import Script

import undergird

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
RUNNING = [page for page in PAGES if "```python" in page.read_text()]
MODULES = [
    module.name for module in pkgutil.walk_packages(undergird.__path__, "undergird.") if "__main__" not in module.name
]
SHOWING = [
    name for name in MODULES if (spec := find_spec(name)) and spec.origin and b">>>" in Path(spec.origin).read_bytes()
]


@pytest.mark.parametrize("page", RUNNING, ids=lambda page: page.name)
def test_the_python_of_a_page_runs_from_top_to_bottom(page: Path, tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "\n".join(blocks)],
        check=False,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in (tmp_path / "run.log").read_text().splitlines()]
    assert any(line["message"] == "agent moved" and line["agent_id"] == 7 for line in lines)


# Each module's in a child of its own, of one interpreter: to start it takes longer than most examples.
EXAMPLES = """
import doctest, importlib, os, sys
modules = [importlib.import_module(name) for name in sys.argv[1:]]
failed = []
for module in modules:
    if (child := os.fork()) == 0:
        os.mkdir(module.__name__)
        os.chdir(module.__name__)
        sys.exit(doctest.testmod(module).failed > 0)
    if os.waitpid(child, 0)[1]:
        failed.append(module.__name__)
sys.exit(", ".join(failed) or None)
"""


def test_the_examples_of_every_module_run(script: Script) -> None:
    # numpy's threads would not be in the children.
    script(EXAMPLES, *SHOWING, OPENBLAS_NUM_THREADS="1")


def test_examples_are_found_where_there_are_some() -> None:
    finder = doctest.DocTestFinder()
    assert [
        name for name in SHOWING if not any(test.examples for test in finder.find(importlib.import_module(name)))
    ] == []
    assert {"undergird.log.logger", "undergird.log.run.setup", "undergird.log.tree.messages"} <= {*SHOWING}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    for file, anchor in re.findall(r"\]\(([^):#]*)(?:#([^)]*))?\)", page.read_text()):
        there = page.parent / file if file else page
        assert there.exists(), file
        if anchor:
            titles = re.findall(r"^#+ (.*)$", there.read_text(), re.MULTILINE)
            assert anchor in [re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles], anchor


def test_every_setting_of_configure_is_in_the_table_of_settings() -> None:
    rows = re.findall(r"^\| (`.*?`) \|.*$", (ROOT / "docs" / "logging.md").read_text(), re.MULTILINE)
    shown = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    besides = {"console_level", "console_stream", "console_tracebacks"}  # Told in the row of `console`.
    assert set(inspect.signature(undergird.configure).parameters) <= shown | besides


def test_every_test_that_the_page_of_failures_names_exists() -> None:
    named = re.findall(r"`((?:tests|rust)/[\w/.]+)::(\w+)`", (ROOT / "docs" / "reliability.md").read_text())
    assert len(named) > 50
    for file, name in named:
        word = "fn" if file.endswith(".rs") else "def"
        assert re.search(rf"^{word} {name}\(", (ROOT / file).read_text(), re.MULTILINE), f"{file} has no {name}"

"""What the documents say is true: their code runs and their links lead somewhere."""

import re
from pathlib import Path

import pytest

from luthier.core import Recipe
from luthier.report.summary import Outcome, Summary

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"(<!-- not run -->\n+)?^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
NAMED = re.compile(r"`((?:docs|luthier|scripts|src|tests)/[\w/.]+)`")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


def page_id(page: Path) -> str:
    return str(page.relative_to(ROOT))


def code(page: Path) -> str:
    """Return a page's code on the lines where it stands, so that errors name them."""
    text = page.read_text(encoding="utf-8")
    lines = [""] * (text.count("\n") + 1)
    for block in BLOCK.finditer(text):
        if block[1]:
            continue
        first = text.count("\n", 0, block.start(2))
        for offset, line in enumerate(block[2].splitlines()):
            lines[first + offset] = line
    return "\n".join(lines)


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as the usual renderers make them."""
    headings = HEADING.findall(FENCE.sub("", page.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", h).strip().lower().replace(" ", "-") for h in headings}


# What needs Keras runs in `make keras` (tests/keras/once/test_docs.py).
WITH_CODE = [page for page in PAGES if code(page).strip() and page.name != "keras.md"]


@pytest.mark.parametrize("page", WITH_CODE, ids=page_id)
def test_code_in_the_documents_runs(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(code(page), str(page), "exec"), {"__name__": "__main__"})


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_in_the_documents_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        if "://" in target or target.startswith("mailto:"):
            continue
        path, _, anchor = target.partition("#")
        aim = (page.parent / path).resolve() if path else page
        assert aim.exists(), f"{page_id(page)}: no file {target}"
        if anchor and aim.suffix == ".md":
            assert anchor in anchors(aim), f"{page_id(page)}: no heading for {target}"


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_files_that_the_documents_name_exist(page: Path) -> None:
    named = NAMED.findall(page.read_text(encoding="utf-8"))
    missing = [
        name for name in named if not ((ROOT / name).exists() or (ROOT / "src" / name).exists())
    ]
    assert not missing


def test_every_key_of_the_json_stands_on_its_page() -> None:
    outcome = Outcome(0, Recipe(), {"rmse": 1.0}, {}, epoch=1, epochs=2, seed=0)
    summary = Summary(
        study="wine-mlp",
        storage="sqlite://",
        task="regression",
        metric="rmse",
        direction="minimize",
        best=outcome,
        baseline=outcome,
        epochs_spent=2,
        seconds=1.0,
        trials={},
        engine="torch_eager",
    )
    data = summary.to_json()
    page = (ROOT / "docs" / "json.md").read_text(encoding="utf-8")
    assert [key for key in (*data, *data["best"]) if f"`{key}`" not in page] == []

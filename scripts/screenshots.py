"""Take the pictures of docs/images: a search on digits, its report, in a headless Chromium.

``python scripts/screenshots.py`` needs ``pip install '.[torch,browser]'`` and a Chromium of the
system. It searches for about a minute; with ``--report FILE`` it shows a report that is there.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

import luthier

IMAGES = Path(__file__).parents[1] / "docs" / "images"
SHOTS = (("light", 1120, 1000, "light"), ("dark", 1120, 1000, "dark"), ("phone", 390, 844, "light"))
BUDGET = "300 epochs"


def searched(folder: Path) -> Path:
    """Search as the README does, and return the report."""
    study = luthier.tune(
        None,
        "digits",
        budget=BUDGET,
        storage=f"sqlite:///{folder / 'luthier.db'}",
        engine="torch_eager",
    )
    return study.report(folder / "report.html")


def shoot(report: Path) -> None:
    """Write a picture of the first screen for each setting, and one of the search."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        for name, width, height, scheme in SHOTS:
            screen = {"width": width, "height": height}
            settings: dict[str, Any] = {"viewport": screen, "color_scheme": scheme}
            page = browser.new_page(**settings)
            page.goto(report.resolve().as_uri())
            page.screenshot(path=IMAGES / f"report-{name}.png")
            if name == "dark":
                page.evaluate("document.querySelector('nav').remove()")  # it stays on top
                page.locator("#search").screenshot(path=IMAGES / "report-search.png")
            page.close()
        browser.close()


def main() -> None:
    """Read the arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--report", type=Path, help="a report that is there")
    asked = parser.parse_args()
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        shoot(asked.report or searched(Path(folder)))


if __name__ == "__main__":
    main()

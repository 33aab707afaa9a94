"""Take the pictures of docs/images: a search on digits, its report and dashboard, in Chromium.

``python scripts/screenshots.py`` needs ``pip install '.[torch,browser]'`` and a Chromium of the
system. It searches for about a minute; with ``--report FILE`` it shows a report that is there.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def browsing() -> Iterator[Any]:
    """Run the system's Chromium."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


def shoot_dashboard(storage: str) -> None:
    """Write pictures of the dashboard: the winner's page, and what one can do."""
    command = [sys.executable, "-m", "luthier", "serve", "--storage", storage, "--port", "0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    if server.stdout is None:
        raise SystemExit("luthier serve has no output")
    address = server.stdout.readline().split()[1]
    with browsing() as browser:
        page = browser.new_page(viewport={"width": 1120, "height": 1000}, color_scheme="dark")
        page.goto(address)
        page.locator(".studies a").first.click()
        page.locator("#table a").first.evaluate("link => link.click()")
        page.wait_for_url("**/trials/*")
        page.screenshot(path=IMAGES / "dashboard-trial.png")
    server.terminate()


def shoot(report: Path) -> None:
    """Write a picture of the first screen for each setting, and one of the search."""
    with browsing() as browser:
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


def main() -> None:
    """Read the arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--report", type=Path, help="a report that is there")
    asked = parser.parse_args()
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        if asked.report:
            shoot(asked.report)
            return
        shoot(searched(Path(folder)))
        shoot_dashboard(f"sqlite:///{folder}/luthier.db")


if __name__ == "__main__":
    main()

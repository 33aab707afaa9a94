"""A study's page tells the whole story, holds all it needs, and lets no text become markup."""

import json
import re
from html.parser import HTMLParser

import pytest

from luthier.core import Diagnosis, History, Proof, Verdict
from luthier.report.html import diagnosis_page, study_fragment, study_page
from luthier.testing import stories

HEADINGS = (
    "The answer",
    "Why it won",
    "How it trained",
    "What the search did",
    "What is wrong, or left to do",
    "How to reproduce it",
)


class Elements(HTMLParser):
    """Every element of a page with its attributes, and the text outside scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.data: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.data.append(data)

    def ids(self):
        return [attrs["id"] for _, attrs in self.found if attrs.get("id")]


@pytest.fixture(scope="module")
def page() -> str:
    return study_page(stories.drawn_story())


def test_the_story_stands_in_its_order(page: str):
    assert re.findall(r"<h2>(.*?)</h2>", page) == list(HEADINGS)


def test_nothing_is_asked_of_a_server(page: str):
    for name, attributes in Elements(page).found:
        for key in ("src", "href"):
            value = attributes.get(key)
            assert value is None or value.startswith(("#", "data:")), (name, value)
    assert "@import" not in page
    assert "url(" not in page


def test_no_text_becomes_markup(page: str):
    elements = Elements(page)
    assert {name for name, _ in elements.found}.isdisjoint({"img", "b>", "i", "iframe"})
    scripts = [attrs.get("type") for name, attrs in elements.found if name == "script"]
    assert scripts.count(None) == 1  # the page's own; all others are data
    assert not [key for _, attrs in elements.found for key in attrs if key.startswith("on")]


def test_the_policy_admits_the_pages_own_script_and_no_other(page: str):
    policy = next(a["content"] for n, a in Elements(page).found if n == "meta" and "content" in a)
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy


def test_every_id_stands_once_and_every_link_finds_one(page: str):
    elements = Elements(page)
    ids = elements.ids()
    assert len(ids) == len(set(ids))
    links = {a["href"][1:] for n, a in elements.found if n == "a" and a.get("href", "#")[:1] == "#"}
    assert links <= set(ids)


def test_charts_hold_the_trials(page: str):
    shown = stories.drawn_story().history
    rows = json.loads(re.search(r'id="parallel".*?json">(.*?)</script>', page, re.DOTALL)[1])
    scored = [t for t in shown.trials if t.state != "failed"]
    assert sorted(rows["trials"]) == [t.number for t in scored]
    assert rows["trials"][0] == shown.best.number
    curves = re.findall(r'data-trial="(\d+)"', page)
    assert len(curves) == len(shown.trials)


def test_the_parameter_that_decides_is_the_most_important_one(page: str):
    shares = re.findall(r'data-parameter="(.*?)" data-share="(.*?)"', page)
    assert shares[0][0] == "learning_rate"
    assert float(shares[0][1]) > 0.6
    assert all(float(share) < 0.2 for _, share in shares[1:])


def test_every_epoch_is_accounted_for(page: str):
    epochs = [int(one) for one in re.findall(r'data-epochs="(\d+)"', page)]
    assert sum(epochs) == stories.drawn_history(60).epochs
    assert all(epochs)


def test_a_finding_is_marked_where_it_began(page: str):
    (mark,) = [a for _, a in Elements(page).found if a.get("data-epoch")]
    assert (mark["data-problem"], mark["data-epoch"], mark["href"]) == (
        "overfitting",
        "3",
        "#finding-1",
    )


def test_what_is_known_of_verdict_and_interval_is_told():
    reach = (0.01, 0.03)
    verdict = Verdict("better", 0.02, reach, reach, 0.012, 0.05, 0.9, 3, 300, 0.01, 0)
    proof = Proof(
        verdict,
        seeds=(1, 2, 3),
        best=(0.049, 0.05, 0.051),
        baseline=(0.069, 0.07, 0.071),
        best_interval=(0.04, 0.06),
        baseline_interval=(0.06, 0.08),
    )
    summary = {"best": {"test": {"log_loss": 0.051}}, "proof": proof.to_json()}
    page = study_page(stories.drawn_story(summary=summary))
    assert "<b>Verdict: </b>better: trained again on data that it has not seen" in page
    assert "p = 0.012" in page
    assert "The winner is better" in page
    assert "0.04 to 0.06" in page
    assert "test log_loss" in page


@pytest.mark.parametrize("count", [0, 1, 2, 9])
def test_a_study_that_has_hardly_begun_has_its_page(count: int):
    page = study_page(stories.drawn_story(count, diagnosis=Diagnosis("study")))
    assert re.findall(r"<h2>(.*?)</h2>", page) == list(HEADINGS)
    assert "nan" not in "".join(re.findall(r' d="(.*?)"', page))


def test_a_study_whose_trials_all_failed_says_so():
    failed = tuple(t for t in stories.drawn_history(60).trials if t.state == "failed")[1:2]
    shown = History(failed, "log_loss", "minimize")
    assert "No trial has a score." not in study_page(stories.drawn_story())
    assert "No trial has a score." in study_page(stories.drawn_story(history=shown))


def test_a_fragment_for_a_notebook_has_no_script_that_runs():
    scripts = [a for n, a in Elements(study_fragment(stories.drawn_story())).found if n == "script"]
    assert all(one.get("type") == "application/json" for one in scripts)


def test_a_diagnosis_has_a_page_with_its_curves():
    curves = stories.drawn_history(1).trials[0].curves
    page = diagnosis_page(stories.drawn_diagnosis(), curves, "<a.csv>")
    elements = Elements(page)
    assert [a["data-epoch"] for _, a in elements.found if a.get("data-epoch")] == ["3"]
    assert elements.ids().count("finding-1") == 1
    assert "weight_decay: 0 → 0.01" in page


def test_ten_thousand_trials_stay_a_few_megabytes():
    page = study_page(stories.drawn_story(10_000))
    assert len(page) < 4_000_000
    assert "of 9,412 trials" in page

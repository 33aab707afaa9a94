"""Errors are sentences, are what Python programmers catch, and say what to type."""

import pytest

from luthier import core
from luthier.core import (
    BuilderError,
    CaptureError,
    DataError,
    LuthierError,
    MissingCompilerError,
    MissingExtraError,
    Pruned,
    RecipeError,
    SpaceError,
    StorageError,
    StudyMismatchError,
    StudyNotFoundError,
    WatchError,
    did_you_mean,
)

BUILTIN = {
    SpaceError: ValueError,
    RecipeError: ValueError,
    DataError: ValueError,
    BuilderError: ValueError,
    CaptureError: Exception,
    StudyNotFoundError: KeyError,
    StudyMismatchError: ValueError,
    MissingExtraError: ImportError,
    MissingCompilerError: ImportError,
    StorageError: Exception,
    WatchError: ValueError,
}


@pytest.mark.parametrize(("ours", "python"), BUILTIN.items(), ids=lambda cls: cls.__name__)
def test_each_is_caught_as_ours_and_as_pythons_own(ours: type, python: type):
    assert issubclass(ours, LuthierError)
    assert issubclass(ours, python)


def test_the_table_above_names_all_of_them():
    exported = {getattr(core, name) for name in core.__all__}
    found = {e for e in exported if isinstance(e, type) and issubclass(e, LuthierError)}
    assert found - {LuthierError} == set(BUILTIN)


def test_pruning_is_no_mistake():
    assert not issubclass(Pruned, LuthierError)


TEXTS = [
    (
        StudyNotFoundError("mnist-v2", "sqlite:///runs.db", ["mnist-v1", "cifar"]),
        "no study 'mnist-v2' in sqlite:///runs.db. It holds 'mnist-v1', 'cifar'. "
        "Create it with `luthier tune ... --study mnist-v2`.",
    ),
    (
        StudyNotFoundError("a", "sqlite://"),
        "no study 'a' in sqlite://. It holds no study. "
        "Create it with `luthier tune ... --study a`.",
    ),
    (
        StudyMismatchError("a", ["the data differs", "the seed differs"]),
        "study 'a' exists and is about something else: the data differs; the seed differs. "
        "Go on with what it was started with, or name another: `--study a-2`.",
    ),
    (
        MissingExtraError("ray", "ray", "the executor 'ray'"),
        "the executor 'ray' needs ray, which is not installed. "
        "Install it with: pip install 'luthier[ray]'",
    ),
    (SpaceError("one sentence."), "one sentence."),
    (LuthierError(), ""),
]


@pytest.mark.parametrize(("error", "text"), TEXTS, ids=lambda value: type(value).__name__)
def test_the_text_is_plain_sentences(error: LuthierError, text: str):
    assert str(error) == text


class TestDidYouMean:
    def test_a_near_miss_gets_one_suggestion(self):
        assert did_you_mean("widht", ["width", "depth"]) == " Did you mean 'width'?"

    @pytest.mark.parametrize("known", [[], ["depth"]])
    def test_anything_else_gets_none(self, known: list[str]):
        assert did_you_mean("learning_rate", known) == ""

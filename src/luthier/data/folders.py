"""Folders of images: which classes, parts, size and mode. What they hold is decided here."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from luthier.core import DataError
from luthier.data.dataset import Dataset, checked
from luthier.data.file import too_large
from luthier.data.labels import coded
from luthier.data.pictures import IMAGE_ENDINGS, image_files, read_image, read_pictures
from luthier.data.target import inspect_target

_PART_FOLDERS = {"train": 0, "val": 1, "valid": 1, "validation": 1, "test": 2}
_GREY = {"1", "L", "LA", "I", "I;16", "I;16B", "I;16L", "F"}


def read_folder(folder: Path, *, task: str | None, max_bytes: int, max_side: int = 64) -> Dataset:
    """Read a folder that holds one folder of images a class, or such folders for each part.

    Args:
        folder: Where the class folders are.
        task: Must be classification if given.
        max_bytes: Bound on the images in memory.
        max_side: Longer sides are resized to this; 64 pixels keep a convolution quick on a CPU.

    Raises:
        DataError: for a folder without class folders, unreadable images, or too many.
    """
    if task == "regression":
        raise DataError(
            f"{folder} is a folder of class folders; task is 'regression'. Images in class "
            "folders are classified. Leave the task out, or give arrays with numbers as y."
        )
    parts = _parts(folder)
    files = [file for part in parts for file in image_files(str(folder), part["folder"])]
    if not files:
        raise DataError(
            f"{folder} has no folders with images in them. It needs one folder a class, such as "
            f"{folder.name}/cats/1.png, with images ending in {', '.join(IMAGE_ENDINGS[:6])}. "
            "Sort the images so."
        )
    kinds = {label for label, _ in files}
    if len(kinds) < 2:
        raise DataError(
            f"{folder} has images in one folder only: '{kinds.pop()}'. It needs one folder a "
            "class, two at least. Sort the images so, or give the folder that holds the classes."
        )
    mode, size, notes = _look(files, max_side)
    channels = 1 if mode == "L" else 3
    needed = len(files) * channels * size[0] * size[1]
    if needed > max_bytes:
        raise DataError(too_large(f"{folder}: {len(files)} images", needed, max_bytes))
    labels = np.array([label for label, _ in files], str)
    found = inspect_target("class folder", *coded(labels), None, "classification")
    reading = {
        "reader": "images",
        "parts": parts,
        "mode": mode,
        "size": size,
        "kind": "classification",
        "classes": list(found.classes),
    }
    try:
        raw = read_pictures(str(folder), reading)
    except (OSError, ValueError, SyntaxError):
        for _, path in files:
            open_image(path, reading)
        raise
    notes = (*notes, *found.notes)
    path = str(folder)
    return checked(
        Dataset(raw, "classification", found.classes, reading=reading, path=path, notes=notes)
    )


def open_image(path: str, reading: dict[str, Any]) -> Any:
    """Read one image, and name it where that fails."""
    try:
        return read_image(path, reading)
    except (OSError, ValueError, SyntaxError) as error:
        raise _unreadable(path, error) from None


def _parts(folder: Path) -> list[dict[str, Any]]:
    """Return the given parts in the order train, validation, test; one part if there are none."""
    found = [
        {"folder": place.name, "part": _PART_FOLDERS[place.name.lower()]}
        for place in folder.iterdir()
        if place.is_dir() and place.name.lower() in _PART_FOLDERS
    ]
    found.sort(key=lambda part: (part["part"], part["folder"]))
    given = len(found) > 1 and found[0]["part"] == 0
    return found if given else [{"folder": ".", "part": 0}]


def _look(files: list[tuple[str, str]], max_side: int) -> tuple[str, list[int], tuple[str, ...]]:
    """Return the mode and size that all images are brought to, and what that changes."""
    from PIL import Image

    sizes: Counter[tuple[int, int]] = Counter()
    grey = True
    for _, path in files:
        try:
            with Image.open(path) as image:
                width, height = image.size
                if image.getexif().get(0x0112, 1) in (5, 6, 7, 8):
                    width, height = height, width
                grey = grey and image.mode in _GREY
        except (OSError, ValueError, SyntaxError) as error:
            raise _unreadable(path, error) from None
        sizes[height, width] += 1
    shapes = np.array([size for size, count in sizes.items() for _ in range(count)])
    height, width = (int(np.median(shapes[:, axis])) for axis in (0, 1))
    shrink = min(1.0, max_side / max(height, width))
    size = [max(1, round(height * shrink)), max(1, round(width * shrink))]
    if len(sizes) == 1 and (height, width) == tuple(size):
        return "L" if grey else "RGB", size, ()
    note = (
        f"images of {len(sizes)} sizes (median {height} x {width}) resized to "
        f"{size[0]} x {size[1]} pixels, height by width."
    )
    return "L" if grey else "RGB", size, (note,)


def _unreadable(path: str, error: Exception) -> DataError:
    return DataError(
        f"cannot read the image {path}: {error}. Every file with an image's ending must be one. "
        "Remove or replace it."
    )

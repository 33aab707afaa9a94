"""A folder of class folders of images as one array. NumPy and Pillow only.

This module is written into exported scripts as it stands, so it imports nothing of luthier
but what is written beside it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from luthier.data.labels import class_numbers, coded, keep_classes

IMAGE_ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".pgm", ".ppm")


def image_files(folder: str, part: str) -> list[tuple[str, str]]:
    """Return (class, path) of each image of one part, sorted; "." is a folder without parts."""
    found = []
    for place in sorted(Path(folder, part).iterdir()):
        if place.is_dir() and not place.name.startswith("."):
            files = [f for f in place.rglob("*") if f.suffix.lower() in IMAGE_ENDINGS]
            found += [(place.name, str(f)) for f in sorted(files)]
    return found


def image_values(image: Any, mode: str, size: list[int], layout: str = "first") -> NDArray[Any]:
    """Return one image as bytes of shape (channels, height, width), or with its channels last."""
    from PIL import Image, ImageOps

    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):
        # Sixteen bits a pixel: Pillow would clip them at 255.
        image = Image.fromarray((np.asarray(image).astype(np.int64) // 256).astype(np.uint8))
    image = image.convert(mode)
    height, width = size
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.BILINEAR)
    values = np.asarray(image, np.uint8)
    values = values[:, :, None] if values.ndim == 2 else values
    return values if layout == "last" else values.transpose(2, 0, 1)


def read_image(path: str, reading: dict[str, Any]) -> NDArray[Any]:
    """Read one image file."""
    from PIL import Image

    with Image.open(path) as image:
        layout = reading.get("layout", "first")
        return image_values(image, reading["mode"], reading["size"], layout)


def read_pictures(folder: str, reading: dict[str, Any]) -> dict[str, Any]:
    """Read every image below the class folders, part by part."""
    parts = [image_files(folder, part["folder"]) for part in reading["parts"]]
    files = [file for part in parts for file in part]
    labels = np.array([label for label, _ in files], str)
    given = None
    if len(parts) > 1:
        numbers = np.array([part["part"] for part in reading["parts"]], np.int64)
        given = np.repeat(numbers, [len(part) for part in parts])
    raw: dict[str, Any] = {
        "numeric": np.zeros((len(files), 0)),
        "codes": np.zeros((len(files), 0), np.int64),
        "levels": [],
        "tensor": np.stack([read_image(path, reading) for _, path in files]),
        "target": class_numbers(*coded(labels), reading["classes"]),
        "weight": None,
        "group": None,
        "time": None,
        "given": given,
    }
    return keep_classes(raw)

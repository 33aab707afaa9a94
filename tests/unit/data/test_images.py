from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from luthier.data import read, split


def test_grey_images_have_one_channel_and_colour_images_three(tmp_path: Path, write_images):
    grey = read(write_images(tmp_path / "grey"))
    assert grey.raw["tensor"].shape == (24, 1, 9, 7)
    assert grey.classes == ("cat", "dog")
    assert grey.notes == ()
    colour = read(write_images(tmp_path / "colour", mode="RGB"))
    assert colour.raw["tensor"].shape == (24, 3, 9, 7)


def test_pixels_arrive_as_they_are(tmp_path: Path, write_images: Callable[..., Path]):
    folder = write_images(tmp_path / "pictures")
    with Image.open(folder / "cat" / "00.png") as image:
        assert np.array_equal(read(folder).raw["tensor"][0, 0], np.asarray(image))


def test_sixteen_bits_are_not_clipped(tmp_path: Path):
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
        for i in range(12):
            values = np.full((4, 4), 256 * (i + 1), np.uint16)
            Image.fromarray(values).save(tmp_path / label / f"{i}.png")
    assert sorted(set(read(tmp_path).raw["tensor"].ravel().tolist())) == list(range(1, 13))


def test_train_and_test_folders_are_given_parts(tmp_path: Path, write_images):
    write_images(tmp_path / "train", each=15)
    write_images(tmp_path / "test", each=5)
    splits = split(read(tmp_path))
    assert (len(splits.train), len(splits.val), len(splits.test)) == (24, 6, 10)


def test_a_folder_has_the_same_fingerprint_elsewhere(tmp_path: Path, write_images):
    here, there = write_images(tmp_path / "here"), write_images(tmp_path / "there")
    assert read(here).fingerprint == read(there).fingerprint

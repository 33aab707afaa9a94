"""Read data from a file, a folder or scikit-learn's bundle."""

from __future__ import annotations

import logging
from pathlib import Path

from luthier.core import DataError, did_you_mean
from luthier.data.bundles import NAMES
from luthier.data.dataset import Dataset
from luthier.data.file import missing_file
from luthier.data.folders import read_folder
from luthier.data.matrices import read_archive, read_bundle
from luthier.data.tables import TABLE_ENDINGS, read_table
from luthier.data.target import check_kind

_log = logging.getLogger(__name__)


def read(
    source: str | Path,
    *,
    target: str | None = None,
    task: str | None = None,
    weight: str | None = None,
    group: str | None = None,
    time: str | None = None,
    images: bool = False,
    max_side: int = 64,
    max_bytes: int = 2 << 30,
) -> Dataset:
    """Read data, and say plainly what cannot be learned from.

    Args:
        source: A CSV, TSV, Parquet, Arrow or NPZ file, a folder of class folders of images, or
            the name of a data set that scikit-learn bundles.
        target: Column to predict; tables need one.
        task: ``classification`` or ``regression``; the target decides if left out.
        weight: Column that says how much each row counts.
        group: Column whose equal values stay in one part of the split.
        time: Column that orders the rows: validation and test are the latest.
        images: Give ``digits`` as images of 8 x 8 pixels.
        max_side: Images with longer sides are made smaller.
        max_bytes: Larger files are refused: data is held in memory.

    Raises:
        DataError: for data that is missing, unreadable, or cannot be learned from.

    >>> iris = read("iris")
    >>> len(iris), iris.kind, iris.classes
    (150, 'classification', ('setosa', 'versicolor', 'virginica'))
    """
    check_kind(task)
    path = Path(source)
    roles = {"weight": weight, "group": group, "time": time}
    ending = path.suffix.lower()
    if not path.exists():
        if str(source) not in NAMES:
            raise missing_file(str(source), NAMES)
        _tables_only(str(source), target, roles)
        dataset = read_bundle(str(source), task=task, images=images)
    elif path.is_dir():
        _tables_only(str(source), target, roles)
        dataset = read_folder(path.resolve(), task=task, max_bytes=max_bytes, max_side=max_side)
    elif ending == ".npz":
        _tables_only(str(source), target, roles)
        dataset = read_archive(path.resolve(), task=task, max_bytes=max_bytes)
    elif ending in TABLE_ENDINGS:
        dataset = read_table(
            path.resolve(), target=target, task=task, roles=roles, max_bytes=max_bytes
        )
    else:
        known = [*TABLE_ENDINGS, ".npz"]
        raise DataError(
            f"{source} ends in '{ending}', which luthier cannot read."
            f"{did_you_mean(ending, known)} It reads {', '.join(known)}, and folders of images. "
            "Convert the file, or rename it if it is one of these."
        )
    _log.info("read %d rows from %s", len(dataset), source)
    return dataset


def _tables_only(source: str, target: str | None, roles: dict[str, str | None]) -> None:
    """Refuse column names for data that has no named columns."""
    for role, name in {"target": target, **roles}.items():
        if name is not None:
            raise DataError(
                f"{source} has no named columns, but {role} is '{name}'. Columns are named for "
                f"tables: CSV, TSV, Parquet and Arrow files. Leave {role} out."
            )

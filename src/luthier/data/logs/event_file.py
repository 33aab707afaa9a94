"""TensorBoard's event files, without TensorFlow: records with checksums, and the fields we need.

A record is a length (8 bytes), its checksum (4), the data, its checksum (4): the TFRecord format.
The data is a protocol buffer ``Event``: step = 2, summary = 5, and in it value = 1 with tag = 1,
simple_value = 2 or tensor = 8 (dtype = 1, tensor_content = 4, float_val = 5, double_val = 6).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from luthier.core import DataError
from luthier.data.logs.format import Format, Rows
from luthier.data.logs.names import speaks_of_a_part

_LARGEST = 1 << 16  # a record with scalars alone is far smaller; images and graphs are skipped
_POLYNOMIAL = 0x82F63B78  # CRC-32C (Castagnoli), reflected
_FLOAT, _DOUBLE = 1, 2
Fields = Iterator[tuple[int, Any]]
Points = dict[str, list[tuple[int, str, float]]]


def knows(path: Path) -> bool:
    """Tell whether a path is an event file, or a folder with some in it."""
    return bool(_files(path))


def rows(path: Path) -> Rows:
    """Return a row a step of one run; folders of parts, such as ``train``, go before the names."""
    found: dict[int, dict[str, Any]] = {}
    run = _run(path)
    for folder, points in _points(path).items():
        here, part = _split(folder)
        if here != run:
            continue
        for step, tag, value in points:
            row = found.setdefault(step, {"step": step})
            row[f"{part}/{tag}" if part else tag] = value
    return [found[step] for step in sorted(found)]


def about(path: Path) -> str:
    """Say which run is read, where a folder holds several."""
    runs = {_split(folder)[0] for folder, points in _points(path).items() if _is_long(points)}
    return f"holds {len(runs)} runs: {path / _run(path)} is read" if len(runs) > 1 else ""


def _run(path: Path) -> str:
    """Return the folder of the newest run that has more than single points, as hparams have."""
    newest: dict[str, tuple[bool, int, str]] = {}
    for folder, points in _points(path).items():
        run = _split(folder)[0]
        stamp = max(file.name for file in _files(path) if _folder(path, file) == folder)
        here = (_is_long(points), len(stamp), stamp)
        newest[run] = max(newest.get(run, here), here)
    return max(newest, key=lambda run: newest[run], default="")


def _is_long(points: list[tuple[int, str, float]]) -> bool:
    """Tell whether values of more than one step are there."""
    return len({step for step, *_ in points}) > 1


def _split(folder: str) -> tuple[str, str]:
    """Return a run's folder, and the folder of one of its parts.

    >>> _split("runs/a/train"), _split("version_0")
    (('runs/a', 'train'), ('version_0', ''))
    """
    before, _, last = folder.rpartition("/")
    return (before, last) if speaks_of_a_part(last) else (folder, "")


def _folder(path: Path, file: Path) -> str:
    folder = file.parent.relative_to(path).as_posix() if path.is_dir() else "."
    return "" if folder == "." else folder


def _points(path: Path) -> Points:
    """Return the scalars of each folder: step, tag, value."""
    files = _files(path)
    return _read(
        path, tuple((file, file.stat().st_size, file.stat().st_mtime_ns) for file in files)
    )


@lru_cache(maxsize=1)
def _read(path: Path, files: tuple[tuple[Path, int, int], ...]) -> Points:
    """Read files of that size and age once: a training may still be writing them."""
    found: Points = {}
    for file, *_ in files:
        points = found.setdefault(_folder(path, file), [])
        for record in _records(file):
            step, values = _event(record)
            points += [(step, tag, value) for tag, value in values]
    return found


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(path.rglob("*tfevents*"))
    return [path] if "tfevents" in path.name else []


def _records(path: Path) -> Iterator[bytes]:
    """Yield the records; one that is broken off at the end was being written."""
    data = path.read_bytes()
    position = 0
    while position + 12 <= len(data):
        head = data[position : position + 8]
        (length,) = struct.unpack("<Q", head)
        (check,) = struct.unpack_from("<I", data, position + 8)
        if check != _masked(head):
            raise DataError(
                f"{path} is broken at byte {position}: a checksum does not fit. An event file "
                "is what TensorBoard's writers leave. Copy it again, or give another."
            )
        body = data[position + 12 : position + 12 + length]
        position += 16 + length
        if position > len(data):
            return
        if length <= _LARGEST:
            if struct.unpack_from("<I", data, position - 4)[0] != _masked(body):
                raise DataError(
                    f"{path} is broken in the record before byte {position}: a checksum does not "
                    "fit. An event file is what TensorBoard's writers leave. Copy it again."
                )
            yield body


def _masked(data: bytes) -> int:
    """Return the masked CRC-32C of TFRecord.

    >>> hex(_masked(b"123456789"))
    '0x...'
    """
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def _entry(byte: int) -> int:
    for _ in range(8):
        byte = (byte >> 1) ^ (_POLYNOMIAL if byte & 1 else 0)
    return byte


_TABLE = tuple(_entry(byte) for byte in range(256))


def _event(record: bytes) -> tuple[int, list[tuple[str, float]]]:
    step, values = 0, []
    for number, value in _fields(record):
        if number == 2 and isinstance(value, int):
            step = value
        elif number == 5 and isinstance(value, bytes):
            for inner, content in _fields(value):
                if inner == 1 and (scalar := _scalar(content)) is not None:
                    values.append(scalar)
    return step, values


def _scalar(value: bytes) -> tuple[str, float] | None:
    tag, found = "", None
    for number, content in _fields(value):
        if number == 1:
            tag = content.decode("utf-8", errors="replace")
        elif number == 2 and len(content) == 4:
            (found,) = struct.unpack("<f", content)
        elif number == 8:
            found = _tensor(content)
    return None if found is None else (tag, found)


def _tensor(value: bytes) -> float | None:
    """Return the one number of a tensor of floats; None for any other."""
    kind, content = 0, b""
    for number, field in _fields(value):
        if number == 1:
            kind = field
        elif number in (4, 5, 6):
            content = field
    form = {_FLOAT: "<f", _DOUBLE: "<d"}.get(kind)
    if form is None or len(content) != struct.calcsize(form):
        return None
    number_found: float = struct.unpack(form, content)[0]
    return number_found


def _fields(data: bytes) -> Fields:
    """Yield the fields of a message: whole numbers for varints, else bytes."""
    position = 0
    while position < len(data):
        key, position = _varint(data, position)
        kind = key & 7
        if kind == 0:
            value, position = _varint(data, position)
            yield key >> 3, value
            continue
        if kind == 2:
            length, position = _varint(data, position)
        else:
            length = {1: 8, 5: 4}.get(kind, len(data))
        yield key >> 3, data[position : position + length]
        position += length


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while position < len(data):
        byte = data[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if not byte & 0x80:
            break
    return value, position


TENSORBOARD = Format("tensorboard", "TensorBoard's event files or their folder", knows, rows, about)

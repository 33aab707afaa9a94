"""What an SQLite file must be before it is opened, and what SQLite's errors mean in words."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from luthier.core import StorageError
from luthier.storage.schema import VERSION

# "luth" in ASCII, where SQLite keeps a number that says whose file it is.
APPLICATION_ID = int.from_bytes(b"luth", "big")

# Their locks are known to be missing, optional or local to one machine. 9p and virtiofs are not
# here: they are the home directories of WSL and of containers, and lie on the same machine.
NETWORK_FILE_SYSTEMS = (
    *("nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ncpfs", "lustre", "gpfs", "beegfs", "ceph"),
    *("glusterfs", "orangefs", "pvfs2", "davfs", "fuse.sshfs", "fuse.glusterfs", "fuse.ceph"),
    *("fuse.s3fs", "fuse.rclone", "fuse.davfs2", "fuse.juicefs"),
)

_MAGIC = b"SQLite format 3\0"


def check_file(path: Path, *, known: bool = False, mounts: Path = Path("/proc/mounts")) -> None:
    """Refuse, without touching it, a path that no storage can live at.

    Args:
        path: Where the database is or shall be, absolute.
        known: Whether this process has it open already. Then its header is not read: a process
            that closes any descriptor of a file loses all its locks on it, SQLite's among them.
        mounts: The system's list of file systems; where there is none, none is refused.

    Raises:
        StorageError: with what stands there, what was expected, and what to type.
    """
    if path.is_dir():
        raise StorageError(
            f"{path} is a folder. A storage is one file. "
            f"Name a file in it: `--storage sqlite:///{path / 'luthier.db'}`."
        )
    if not path.parent.is_dir():
        raise StorageError(
            f"{path} cannot be created: {path.parent} is no folder. "
            f"A storage needs a folder that exists. Make it: `mkdir -p {path.parent}`."
        )
    kind = network_file_system(path, mounts)
    if kind is not None:
        raise StorageError(
            f"{path} lies on a network file system ({kind}), where SQLite's locks do not hold and "
            "studies get damaged. An SQLite storage needs a disk of this machine. Put the file "
            "there, or use PostgreSQL for several machines: `--storage postgresql://...`."
        )
    if not known and path.exists():
        _check_header(path)


def network_file_system(path: Path, mounts: Path = Path("/proc/mounts")) -> str | None:
    """Return the kind of network file system that a path lies on; None for a local one."""
    try:
        lines = mounts.read_text(errors="replace").splitlines()
    except OSError:
        return None
    real, depth, kind = path.resolve(), -1, ""
    for line in lines:
        _, point, found, *_ = [*line.split(" "), "", ""]
        root = Path(point.replace("\\040", " "))
        # A later mount at the same point hides the earlier one.
        if real.is_relative_to(root) and len(root.parts) >= depth:
            depth, kind = len(root.parts), found
    return kind if kind in NETWORK_FILE_SYSTEMS else None


def check_version(where: str, version: int) -> None:
    """Refuse a database that a newer luthier wrote."""
    if version > VERSION:
        raise StorageError(
            f"{where} was written by a newer luthier: it has storage version {version}. "
            f"This luthier reads versions up to {VERSION}; the file was left as it is. "
            "Update with: pip install --upgrade luthier"
        )


def _check_header(path: Path) -> None:
    # Read by hand: SQLite may finish another program's work in a file just by opening it.
    if not path.is_file():
        raise _not_ours(path, "no regular file")
    try:
        with path.open("rb") as file:
            head = file.read(100)
    except OSError as error:
        raise StorageError(
            f"{path} cannot be read ({error.strerror}). A storage is a file that you may read and "
            f"write. Change its rights, or name another: `--storage sqlite:///other.db`."
        ) from error
    if not head:
        return
    if len(head) < 100 or not head.startswith(_MAGIC):
        raise _not_ours(path, "no database")
    if int.from_bytes(head[68:72], "big") != APPLICATION_ID:
        raise _not_ours(path, "an SQLite database of another program")
    check_version(str(path), int.from_bytes(head[60:64], "big"))


def _not_ours(path: Path, what: str) -> StorageError:
    return StorageError(
        f"{path} is {what}. Expected a luthier database, or a name that is still free; the file "
        "was left as it is. Name another: `--storage sqlite:///luthier.db`."
    )


def explain(error: SQLAlchemyError, path: Path | None, wait: float) -> StorageError:
    """Return an error of the database in words."""
    original = error.orig if isinstance(error, DBAPIError) else None
    # Only errors of the SQLite library itself carry a name.
    name = getattr(original, "sqlite_errorname", "")
    where = "the database in memory" if path is None else str(path)
    free = shutil.disk_usage(path.parent).free if path is not None else None
    # A file system that is full to the last block makes shared memory fail before the file does.
    if name == "SQLITE_FULL" or (
        name.startswith("SQLITE_IOERR") and free is not None and free < 2**20
    ):
        left = "" if free is None else f" ({free // 1024} KiB are free)"
        return StorageError(
            f"the disk of {where} is full{left}. Everything stored before is still there; only the "
            "last step is missing. Free some space, then run the same command again."
        )
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return StorageError(
            f"{where} was locked by another program for {wait:g} seconds. Workers hold it for "
            "milliseconds, so another tool has it open for writing. Close that, then run the same "
            "command again."
        )
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")):
        return StorageError(
            f"{where} cannot be opened for writing ({original}). A storage needs to write to its "
            "file and beside it. Change the rights of both, or name another: "
            "`--storage sqlite:///other.db`."
        )
    if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
        return StorageError(
            f"{where} is damaged ({original}). A luthier database was expected; nothing was "
            f"changed. Save what can be saved with `sqlite3 {where} .recover`, or name another: "
            "`--storage sqlite:///other.db`."
        )
    reason = original if isinstance(original, sqlite3.Error) else error
    return StorageError(
        f"{where} did not take a command ({type(reason).__name__}: {reason}). Everything stored "
        "before is still there. Run the same command again; if it comes back, report it."
    )

"""A file on its way: what has come of it so far, what is known of it, and a lock that ends with the process.

parts/KEY/model.ending.part     the first bytes          parts/KEY/state.json     what the server said of the whole
parts/KEY/model.ending          all of it, checked       parts/KEY/lock           held by whoever fetches it
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import IO, Any, Self

from modelhub.errors import SetupError

__all__ = ["Part", "State", "in_use"]

_PIECE = 1 << 22


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What a server said of a file: how to ask for the rest of the same one, its size, its checksum."""

    etag: str | None = None
    """Of the server that sends the bytes; only a strong one is of use."""
    total: int | None = None
    sha256: str | None = None
    """As the hub tells it; of a whole file, as it is."""
    whole: bool = False


class Part:
    """The file ``name`` that is to lie in ``folder``. Close it, or use it as a context manager.

    Raises ``SetupError`` where another process, or another thread, is fetching it.
    """

    def __init__(self, folder: str, name: str) -> None:
        self.folder = folder
        self.name = name
        os.makedirs(self.folder, exist_ok=True)
        self._lock = _locked(self.whole_path + ".lock")
        if self._lock is None:
            raise SetupError(f"{name} is being fetched already, by another process or thread: {self.folder}.")
        self.state = self._read()
        self._file: IO[bytes] | None = None
        self._digest: Any = None

    @property
    def whole_path(self) -> str:
        """Where the file lies when it is whole."""
        return os.path.join(self.folder, self.name)

    @property
    def path(self) -> str:
        """Where its first bytes lie."""
        return self.whole_path + ".part"

    @property
    def whole(self) -> bool:
        """Whether nothing is left to be done."""
        return self.state.whole and os.path.isfile(self.whole_path)

    @property
    def size(self) -> int:
        """How many bytes have come."""
        with suppress(OSError):
            return os.path.getsize(self.path)
        return 0

    def remember(self, state: State) -> None:
        """Keep what is known, for this process and the next."""
        if state == self.state:
            return
        self.state = state
        temporary = self.whole_path + ".writing"
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump(asdict(state), file)
        os.replace(temporary, self.whole_path + ".json")

    def begin(self) -> None:
        """Open the file to append to it. What is there is read once, for the checksum."""
        from hashlib import sha256

        if self._file is not None:
            return
        self._digest = sha256()
        self._file = open(self.path, "a+b", buffering=0)  # noqa: SIM115  # closed by close()
        self._file.seek(0)
        while piece := self._file.read(_PIECE):
            self._digest.update(piece)

    def append(self, pieces: list[bytes]) -> None:
        """Write what has come."""
        assert self._file is not None, "begin() comes before append()"
        for piece in pieces:
            left = memoryview(piece)
            while left:
                left = left[self._file.write(left) :]
            self._digest.update(piece)

    def reset(self) -> None:
        """Forget what has come: it is no beginning of what comes now."""
        self._shut()
        with suppress(FileNotFoundError):
            os.unlink(self.path)
        self.remember(State())

    def checksum(self) -> str:
        """Of what has come."""
        self.begin()
        digest: str = self._digest.hexdigest()
        return digest

    def finish(self) -> str:
        """Give the file its own name, and say where it is."""
        checksum = self.checksum()
        self._shut()
        size = self.size
        os.replace(self.path, self.whole_path)
        self.remember(State(total=size, sha256=checksum, whole=True))
        return self.whole_path

    def close(self) -> None:
        """Leave what there is to whoever goes on."""
        self._shut()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _shut(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file = self._digest = None

    def _read(self) -> State:
        try:
            with open(self.whole_path + ".json", encoding="utf-8") as file:
                said = json.load(file)
            state = State(**said)
        except (OSError, ValueError, TypeError):
            return State()
        sound = isinstance(state.total, int | None) and isinstance(state.etag, str | None)
        return state if sound and isinstance(state.sha256, str | None) else State()


def in_use(folder: str) -> bool:
    """Whether some process is fetching a file into this folder."""
    with suppress(OSError), os.scandir(folder) as items:
        return any(_is_held(item.path) for item in items if item.name.endswith(".lock"))
    return False


def _is_held(path: str) -> bool:
    lock = _locked(path)
    if lock is None:
        return True
    lock.close()
    return False


def _locked(path: str) -> IO[bytes] | None:
    """The file, locked until it is closed or the process ends; ``None`` where somebody else has it."""
    file = open(path, "ab")  # noqa: SIM115  # it stays open as long as the lock
    try:
        _lock(file)
    except BlockingIOError:
        file.close()
        return None
    except OSError:  # a file system without locks
        return file
    return file


def _lock(file: IO[bytes]) -> None:
    try:
        import fcntl
    except ImportError:
        _lock_windows(file)
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _lock_windows(file: IO[bytes]) -> None:
    from importlib import import_module

    msvcrt = import_module("msvcrt")
    file.seek(0)
    try:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    except OSError as error:
        raise BlockingIOError(*error.args) from None

"""The eSpeak NG library by ``ctypes``: text in, samples out. One process holds one engine, so one thread speaks at a time."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from modelhub.plugin import AnswerError, InvalidRequest, PluginBroken, PluginMissing

__all__ = ["spoken"]

_SYNCHRONOUS = 2
_KEEP_RUNNING = 0x8000
_UTF8 = 1
_RATE = 1
_PLAIN_SPEED = 175
_SPEEDS = range(80, 451)
_Heard = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
_lock = threading.Lock()


class _Voice(ctypes.Structure):
    """``espeak_VOICE`` of ``speak_lib.h``."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_char_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("reserved", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


def spoken(text: str, voice: str, speed: float) -> tuple[bytes, int]:
    """The samples (16 bits, one channel), and how many make a second.

    The engine keeps wavering from where its last sentence ended, so each text gets a fresh one: the same text, the same sound.
    Raises ``PluginMissing`` without the extra, ``PluginBroken`` where the engine cannot start, ``InvalidRequest``.
    """
    rate = _words_a_minute(speed)
    with _lock, _engine() as (library, samples_a_second):
        if not _chosen(library, voice.encode("utf-8", "replace")):
            raise InvalidRequest(f"eSpeak NG has no voice {voice!r}. Give a language (en-us, ja, cmn), or the name of a voice.")
        library.espeak_SetParameter(_RATE, rate, 0)
        return _samples(library, text), samples_a_second


def _chosen(library: ctypes.CDLL, voice: bytes) -> bool:
    """By name, or else by language: ``en-gb`` is no name, and the voice of that language is called otherwise."""
    if library.espeak_SetVoiceByName(voice) == 0:
        return True
    return bool(library.espeak_SetVoiceByProperties(ctypes.byref(_Voice(languages=voice))) == 0)


def _samples(library: ctypes.CDLL, text: str) -> bytes:
    heard: list[bytes] = []

    def listen(samples: Any, count: int, _events: object) -> int:
        if samples and count > 0:
            heard.append(ctypes.string_at(samples, 2 * count))
        return 0

    encoded = text.replace("\0", " ").encode("utf-8", "replace")
    callback = _Heard(listen)
    library.espeak_SetSynthCallback(callback)
    failed = library.espeak_Synth(encoded, ctypes.c_size_t(len(encoded) + 1), 0, 1, 0, _UTF8, None, None)
    if library.espeak_Synchronize() or failed:
        raise AnswerError(f"eSpeak NG could not speak (its error {failed}).")
    return b"".join(heard)


@contextmanager
def _engine() -> Iterator[tuple[ctypes.CDLL, int]]:
    """The library, started, and its samples a second; stopped and unloaded at the end."""
    library, data = _loaded()
    try:
        rate = library.espeak_Initialize(_SYNCHRONOUS, 0, data, _KEEP_RUNNING)
        if rate <= 0:
            raise PluginBroken("eSpeak NG found no voice data: reinstall espeakng-loader.")
        yield library, rate
        library.espeak_Terminate()
    finally:
        _unload(library)


def _loaded() -> tuple[ctypes.CDLL, bytes]:
    try:
        import espeakng_loader  # type: ignore[import-not-found, unused-ignore]  # an extra
    except ImportError:
        raise PluginMissing('starter:espeak needs eSpeak NG: pip install "modelhub-starter[speech]".') from None
    try:
        return ctypes.CDLL(espeakng_loader.get_library_path()), str(espeakng_loader.get_data_path()).encode()
    except OSError as error:
        raise PluginBroken(f"eSpeak NG is installed and cannot be loaded: {error}") from error


def _unload(library: ctypes.CDLL) -> None:
    """``ctypes`` never unloads by itself; this is the call it would make."""
    import _ctypes

    unload = getattr(_ctypes, "FreeLibrary", None) or _ctypes.dlclose
    unload(library._handle)  # noqa: SLF001  # a CDLL shows its handle in no other way


def _words_a_minute(speed: float) -> int:
    wanted = round(_PLAIN_SPEED * speed)
    if wanted not in _SPEEDS:
        least, most = _SPEEDS[0] / _PLAIN_SPEED, _SPEEDS[-1] / _PLAIN_SPEED
        raise InvalidRequest(f"speed is {speed}: starter:espeak has {least:.2f} to {most:.2f}.")
    return wanted

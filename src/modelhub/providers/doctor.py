"""A check of every installed plugin, each in a process of its own: one that aborts or never ends harms nobody."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from modelhub.errors import PluginBroken
from modelhub.providers.installed import Installed, installed

__all__ = ["Diagnosis", "diagnose"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """How one plugin fares. ``cause`` is a line; ``traceback`` what is known beyond it, and may be empty."""

    name: str
    distribution: str
    version: str
    module: str
    ok: bool
    cause: str = ""
    traceback: str = ""

    @property
    def uninstall(self) -> str:
        """The command that takes it away."""
        return f"pip uninstall {self.distribution}"


def diagnose(*, deadline: float = 10.0) -> tuple[Diagnosis, ...]:
    """Load every installed plugin in a process of its own and ask it for all it contributes, within ``deadline`` seconds.

    Two distributions with one name are each reported, whatever else is right or wrong with them.
    """
    from concurrent.futures import ThreadPoolExecutor

    plugins = installed()
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        found = pool.map(lambda plugin: _examined(plugin, deadline), plugins)
        return tuple(_rivalry(diagnosis, plugins) for diagnosis in found)


def _rivalry(diagnosis: Diagnosis, plugins: Sequence[Installed]) -> Diagnosis:
    claims = [plugin for plugin in plugins if plugin.name == diagnosis.name]
    if len(claims) < 2:
        return diagnosis
    cause = f"Two distributions claim the name {diagnosis.name!r}: {' and '.join(map(str, claims))}. Uninstall one."
    return replace(diagnosis, ok=False, cause=f"{cause} {diagnosis.cause}".strip())


def _examined(plugin: Installed, deadline: float) -> Diagnosis:
    """Start the examination, wait for it, and read what it wrote. Files instead of pipes: nothing can hold them open."""
    import subprocess
    import tempfile

    with tempfile.TemporaryDirectory(prefix="modelhub-doctor-") as folder:
        errors, result = os.path.join(folder, "errors"), os.path.join(folder, "result.json")
        order = json.dumps({"path": sys.path, "plugin": asdict(plugin), "result": result})
        with open(errors, "wb") as stderr:
            process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-X", "faulthandler", "-c", _EXAMINATION, order],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
            )
            try:
                code: int | None = process.wait(deadline)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                code = None
        return _read(plugin, result, errors, code, deadline)


_EXAMINATION = """
import json, sys
order = json.loads(sys.argv[1])
sys.path[:] = order["path"]
from modelhub.providers.doctor import examine
examine(order["plugin"], order["result"])
"""


def _read(plugin: Installed, result: str, errors: str, code: int | None, deadline: float) -> Diagnosis:
    try:
        with open(result, encoding="utf-8") as file:
            found = json.load(file)
    except (OSError, ValueError):
        with open(errors, encoding="utf-8", errors="replace") as file:
            found = {"ok": False, "cause": _end(code, deadline), "traceback": file.read()[-4000:]}
    return Diagnosis(name=plugin.name, distribution=plugin.distribution, version=plugin.version, module=plugin.module, **found)


def _end(code: int | None, deadline: float) -> str:
    if code is None:
        return f"it did not finish loading within {deadline:g} s"
    if code < 0:
        import signal

        return f"it ended the process while loading ({signal.Signals(-code).name})"
    return f"it ended the process while loading (exit code {code})"


def examine(plugin: dict[str, str], result: str) -> None:
    """The examination itself, in the process that is its own. Writes what it found to the file ``result``."""
    found = _findings(Installed(**plugin))
    with open(f"{result}.part", "w", encoding="utf-8") as file:
        json.dump(found, file)
    os.replace(f"{result}.part", result)
    os._exit(0)


def _findings(plugin: Installed) -> dict[str, object]:
    import traceback

    from modelhub.providers.loading import ask, plugin_manager

    try:
        manager = plugin_manager(plugin)
        answers = [
            ask(plugin, manager, caller.name) for caller in manager.get_hookcallers(manager.get_plugin(plugin.name)) or ()
        ]
        for answer in answers:
            _find_kinds(answer)
    except PluginBroken as error:
        cause = error.__cause__ or error
        return {"ok": False, "cause": error.message, "traceback": "".join(traceback.format_exception(cause))}
    return {"ok": True}


def _find_kinds(answer: object) -> None:
    """Whether the modules that a provider names exist; they are not imported, since one may be a whole engine."""
    from modelhub.provider import Provider

    if not isinstance(answer, Provider):
        return
    asked = (answer.options, answer.cards, answer.listing, answer.local, answer.search, answer.describe)
    for address in (*answer.kinds.values(), *asked):
        module, colon, attribute = (address or "").partition(":")
        if address and not (colon and attribute and _exists(module)):
            raise PluginBroken(f"The provider {answer.name!r} names {address!r}, which is not there.")


def _exists(module: str) -> bool:
    from importlib.util import find_spec

    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False

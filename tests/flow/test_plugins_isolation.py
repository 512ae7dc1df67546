"""Plugins in fresh processes: slow ones, broken ones, rivals, threads (AT-B1 to AT-B4)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

GOOD = """
from modelhub.plugin import Provider, hookimpl

@hookimpl
def modelhub_provider():
    return Provider(name="{name}", title="{name} は元気です")
"""

BROKEN = {
    "importing": "import a_module_that_is_not_there",
    "unparsable": "def broken(:\n",
    "exiting": "import sys; sys.exit(3)",
    "asking": "from modelhub.plugin import hookimpl\n@hookimpl\ndef modelhub_provider(config): return None",
    "misnaming": "from modelhub.plugin import hookimpl\n@hookimpl\ndef modelhub_provder(): return None",
    "raising": "from modelhub.plugin import hookimpl\n@hookimpl\ndef modelhub_provider(): raise RuntimeError('no\\nluck')",
    "answering": "from modelhub.plugin import hookimpl\n@hookimpl\ndef modelhub_provider(): return {'name': 'answering'}",
    "silent": "from modelhub.plugin import hookimpl\n@hookimpl\ndef modelhub_provider(): return None",
    "renamed": GOOD.format(name="something-else"),
    "hookless": "x = 1",
    "halfway": GOOD.format(name="halfway") + "\n@hookimpl\ndef modelhub_loader(unknown): return None",
    "outdated": 'modelhub_api = ">=7,<8"\n' + GOOD.format(name="outdated"),
    "unversioned": "modelhub_api = 1\n" + GOOD.format(name="unversioned"),
}
CAUSES = {
    "importing": "ModuleNotFoundError: No module named 'a_module_that_is_not_there'",
    "unparsable": "SyntaxError: invalid syntax",
    "exiting": "it called sys.exit(3)",
    "asking": "PluginValidationError: ",
    "misnaming": "there is no hook 'modelhub_provder'. Did you mean 'modelhub_provider'?",
    "raising": "RuntimeError: no luck",
    "answering": "modelhub_provider() answered a dict, not a Provider",
    "silent": "modelhub_provider() answered None",
    "renamed": "its entry point is named 'renamed' and its Provider 'something-else'",
    "hookless": "it implements no hook",
    "halfway": "PluginValidationError: ",
    "outdated": "it is made for modelhub_api '>=7,<8', and this modelhub has 1.0",
    "unversioned": "modelhub_api has to be a string like '>=1,<2'",
}


def plugin(site: Path, name: str, code: str, *, version: str = "1.0", distribution: str = "") -> None:
    """A distribution of one module, as an installer leaves it."""
    module = f"fake_{name}_{distribution or 'own'}".replace("-", "_")
    info = site / f"{distribution or 'modelhub_' + name}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "entry_points.txt").write_text(f"[modelhub]\n{name} = {module}\n", encoding="utf-8")
    (site / f"{module}.py").write_text(textwrap.dedent(code), encoding="utf-8")


def python(site: Path, code: str, *flags: str) -> Any:
    """What the code prints as JSON, run in a fresh process that sees the plugins of ``site``."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])])}
    done = subprocess.run(
        [sys.executable, *flags, "-c", textwrap.dedent(code)],
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


ASK = """
import json, sys
from modelhub.errors import SetupError
from modelhub.providers import provider
found = {}
for name in %r:
    try:
        found[name] = provider(name).name
    except SetupError as error:
        cause = error.__cause__
        found[name] = [type(error).__name__, error.message, type(cause).__name__ if cause else None]
print(json.dumps(found))
"""


def test_a_plugin_that_sleeps_at_import_slows_nobody_else(tmp_path: Path) -> None:
    """AT-B1: of twenty plugins one sleeps; asking for another imports that other alone, and listing imports none."""
    for number in range(19):
        plugin(
            tmp_path,
            f"p{number}",
            f"import sys; sys.loaded = getattr(sys, 'loaded', []) + [{number}]\n" + GOOD.format(name=f"p{number}"),
        )
    plugin(tmp_path, "sleeper", "import time; time.sleep(30)")
    begun = time.monotonic()
    found = python(
        tmp_path,
        """
        import json, sys
        from modelhub.providers import installed, provider
        listed = [plugin.name for plugin in installed()]
        before = getattr(sys, "loaded", [])
        name = provider("p7").name
        print(json.dumps([len(listed), before, name, sys.loaded, "importlib.metadata" in sys.modules]))
        """,
    )
    assert time.monotonic() - begun < 20
    count, before, name, loaded, slow_way = found
    assert count >= 20
    assert (before, name, loaded, slow_way) == ([], "p7", [7], False)


def test_a_broken_plugin_is_named_and_harms_no_other(tmp_path: Path) -> None:
    """AT-B2: whatever is wrong with a plugin, asking for it says so in a line that names its distribution."""
    for name, code in BROKEN.items():
        plugin(tmp_path, name, code, version="0.9")
    plugin(tmp_path, "healthy", GOOD.format(name="healthy"))
    found = python(tmp_path, ASK % ([*BROKEN, "healthy", *BROKEN],))
    assert found.pop("healthy") == "healthy"
    for name, cause in CAUSES.items():
        kind, message, original = found[name]
        assert kind == "PluginBroken"
        assert message.startswith(f"The plugin {name!r} (modelhub-{name} 0.9) cannot be used: "), message
        assert cause in message
        assert "\n" not in message
        assert original is not None


def test_an_interrupt_is_not_swallowed(tmp_path: Path) -> None:
    plugin(tmp_path, "interrupting", "raise KeyboardInterrupt")
    code = """
    import json
    from modelhub.providers import provider
    try:
        provider("interrupting")
    except KeyboardInterrupt:
        print(json.dumps("interrupted"))
    """
    assert python(tmp_path, code) == "interrupted"


def test_two_distributions_with_one_name_are_an_error_only_for_that_name(tmp_path: Path) -> None:
    plugin(tmp_path, "twin", GOOD.format(name="twin"), distribution="modelhub_first", version="1")
    plugin(tmp_path, "twin", GOOD.format(name="twin"), distribution="modelhub_second", version="2")
    plugin(tmp_path, "healthy", GOOD.format(name="healthy"))
    found = python(tmp_path, ASK % (["twin", "healthy"],))
    assert found["healthy"] == "healthy"
    assert found["twin"][:2] == [
        "PluginBroken",
        "Two distributions claim the name 'twin': modelhub-first 1 and modelhub-second 2. Uninstall one.",
    ]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("anthropic", "No plugin answers to 'anthropic'. Install it: pip install modelhub-anthropic."),
        ("healty", "No plugin answers to 'healty'. Did you mean 'healthy'? If not, install it: pip install modelhub-healty."),
        ("os", "No plugin answers to 'os'. Install it: pip install modelhub-os."),
        ("a/b", "No plugin answers to 'a/b'. Installed: "),
    ],
)
def test_a_missing_plugin_is_told_with_what_to_do(tmp_path: Path, name: str, message: str) -> None:
    plugin(tmp_path, "healthy", GOOD.format(name="healthy"))
    kind, told, _ = python(tmp_path, ASK % ([name],))[name]
    assert kind == "PluginMissing"
    assert told.startswith(message)


def test_the_doctor_survives_what_a_plugin_does(tmp_path: Path) -> None:
    """AT-B2: an abort, an end of the process and an endless sleep at import are each told, with the way out."""
    plugin(tmp_path, "aborting", "import os; os.abort()")
    plugin(tmp_path, "leaving", "import os; os._exit(0)")
    plugin(tmp_path, "endless", "import time; time.sleep(600)")
    plugin(tmp_path, "printing", "print('{}' * 1000)\n" + GOOD.format(name="printing"))
    plugin(tmp_path, "importing", BROKEN["importing"], version="0.9")
    plugin(tmp_path, "hollow", GOOD.format(name="hollow").replace("title=", 'kinds={"text": "nowhere.at:all"}, title='))
    plugin(tmp_path, "twin", GOOD.format(name="twin"), distribution="modelhub_first", version="1")
    plugin(tmp_path, "twin", GOOD.format(name="twin"), distribution="modelhub_second", version="2")
    code = """
    import dataclasses, json
    from modelhub.providers.doctor import diagnose
    print(json.dumps([{**dataclasses.asdict(found), "uninstall": found.uninstall} for found in diagnose(deadline=6)]))
    """
    found = {(each["name"], each["distribution"]): each for each in python(tmp_path, code)}
    aborted = found["aborting", "modelhub-aborting"]
    assert not aborted["ok"]
    assert "SIGABRT" in aborted["cause"] or os.name == "nt"
    assert "fake_aborting_own" in aborted["traceback"]
    assert "exit code 0" in found["leaving", "modelhub-leaving"]["cause"]
    assert found["endless", "modelhub-endless"]["cause"] == "it did not finish loading within 6 s"
    assert found["printing", "modelhub-printing"]["ok"] is True
    importing = found["importing", "modelhub-importing"]
    assert CAUSES["importing"] in importing["cause"]
    assert "Traceback" in importing["traceback"]
    assert importing["uninstall"] == "pip uninstall modelhub-importing"
    assert "names 'nowhere.at:all', which is not there" in found["hollow", "modelhub-hollow"]["cause"]
    for name in ("modelhub-first", "modelhub-second"):
        assert "Two distributions claim the name 'twin'" in found["twin", name]["cause"]


THREADS = """
import json, sys, threading
from modelhub.providers import provider
names = ["a", "b", "c", "d"]
start, answers, failures = threading.Barrier(64), [], []
def ask(number):
    start.wait()
    try:
        answers.append(provider(names[number % 4]).name)
    except BaseException as error:
        failures.append(repr(error))
threads = [threading.Thread(target=ask, args=(number,)) for number in range(64)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(json.dumps([sorted(answers), failures, sys.imported]))
"""


def test_sixty_four_threads_may_ask_at_once(tmp_path: Path) -> None:
    """AT-B3: in a fresh process, again and again: no failure, and each module is imported exactly once."""
    counting = """
import sys, time
counts = sys.__dict__.setdefault("imported", {})
counts[__name__] = counts.get(__name__, 0) + 1
time.sleep(0.005)
"""
    for name in "abcd":
        plugin(tmp_path, name, counting + GOOD.format(name=name))
    for _ in range(20):
        answers, failures, imported = python(tmp_path, THREADS)
        assert failures == []
        assert answers == sorted(["a", "b", "c", "d"] * 16)
        assert imported == {f"fake_{name}_own": 1 for name in "abcd"}


GOLDEN = '''
"""A plugin as it was written for version 1.0 of the hooks; later versions have to load it unchanged."""

from modelhub.plugin import Provider, hookimpl

modelhub_api = ">=1,<2"


class Shouting:
    def load(self, data, name):
        return data.decode("utf-8").upper()


@hookimpl
def modelhub_provider():
    return Provider(name="golden", kinds={"text": "json:loads"}, title="Golden", options=None, cards="json:dumps")


@hookimpl
def modelhub_loader():
    return Shouting()


@hookimpl(optionalhook=True)
def modelhub_hook_of_a_later_version():
    return 1
'''


def test_a_plugin_of_version_1_loads(tmp_path: Path) -> None:
    """AT-B4: the golden plugin of the first release."""
    plugin(tmp_path, "golden", GOLDEN)
    code = """
    import json
    from modelhub.providers import contribution, imported, provider
    from modelhub.providers.doctor import diagnose
    found = provider("golden")
    loader = contribution("modelhub_loader", "golden")
    whole = [each.ok for each in diagnose() if each.name == "golden"]
    print(json.dumps([found.title, imported(found.kinds["text"])("[1]"), loader.load("é".encode(), "x"), whole]))
    """
    assert python(tmp_path, code) == ["Golden", [1], "É", [True]]


def test_an_entry_point_may_name_an_object(tmp_path: Path) -> None:
    code = """
    from modelhub.plugin import hookimpl
    class Thing:
        @hookimpl
        def modelhub_loader(self): return "read"
    thing = Thing()
    """
    plugin(tmp_path, "thing", code)
    points = tmp_path / "modelhub_thing-1.0.dist-info" / "entry_points.txt"
    points.write_text("[modelhub]\nthing = fake_thing_own:thing\n", encoding="utf-8")
    code = """
    import json
    from modelhub.errors import PluginMissing
    from modelhub.providers import contribution, provider
    try:
        provider("thing")
    except PluginMissing as error:
        told = error.message
    print(json.dumps([contribution("modelhub_loader", "thing"), told]))
    """
    found, told = python(tmp_path, code)
    assert found == "read"
    assert told == "The plugin 'thing' (modelhub-thing 1.0) is not a provider of models: it has no modelhub_provider()."

"""The laws of plugins: found by name, described before they are imported, light, and alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any, ClassVar

from modelhub.model import KINDS
from modelhub.provider import Provider
from modelhub.providers import Installed, imported, installed, provider

__all__ = ["PluginConformance"]

HEAVY = (
    "aiohttp",
    "asyncio",
    "httpx",
    "numpy",
    "onnxruntime",
    "pandas",
    "PIL",
    "pydantic",
    "requests",
    "scipy",
    "tokenizers",
    "torch",
    "transformers",
)
_LOADED = """
import importlib, json, sys
importlib.import_module(sys.argv[1])
print(json.dumps(sorted(sys.modules)))
"""
_FOUND = """
import json, sys
from modelhub.providers import provider
provider(sys.argv[1])
print(json.dumps(sorted(sys.modules)))
"""


class PluginConformance:
    """For an installed plugin that provides models: ``class TestPlugin(PluginConformance): provider = "shout"``."""

    provider: ClassVar[str]
    heavy: ClassVar[Sequence[str]] = HEAVY
    """What the module of the entry point must not import: others pay for it even where this plugin is not asked."""

    def described(self) -> Provider:
        """What the plugin's hook says."""
        return provider(self.provider)

    def test_one_distribution_registers_the_name(self) -> None:
        found = _named(self.provider)
        assert found, (
            f"No installed distribution has the entry point {self.provider!r} in the group 'modelhub': "
            f'write [project.entry-points.modelhub] {self.provider} = "your_package", and install it (pip install -e .).'
        )
        assert len(found) == 1, f"{self.provider!r} is registered by {' and '.join(map(str, found))}: uninstall all but one."

    def test_the_provider_serves_kinds_that_there_are(self) -> None:
        kinds = self.described().kinds
        assert kinds, "The provider serves no kind: name at least one in Provider(kinds=...)."
        strange = kinds.keys() - set(KINDS)
        assert not strange, f"There is no kind {min(strange)!r}: the kinds are {', '.join(KINDS)}."

    def test_every_address_leads_somewhere(self) -> None:
        described = self.described()
        asked = (described.options, described.cards, described.listing, described.local, described.hubs)
        more = (described.search, described.describe, described.pull, described.conversion)
        for address in (*described.kinds.values(), *described.files.values(), *asked, *more):
            if address is not None:
                assert callable(imported(address)), f"{address!r} is no function or class: mend it in Provider(...)."

    def test_the_entry_point_loads_nothing_heavy(self) -> None:
        module = _named(self.provider)[0].module.partition(":")[0]
        loaded = _modules_after(_LOADED, module) & set(self.heavy)
        assert not loaded, f"Importing {module} loads {', '.join(sorted(loaded))}: import it where it is used."

    def test_finding_it_loads_no_other_plugin(self) -> None:
        others = {_package(plugin) for plugin in installed()} - {_package(plugin) for plugin in _named(self.provider)}
        loaded = _modules_after(_FOUND, self.provider) & others
        assert not loaded, f"Asking for {self.provider!r} loads {', '.join(sorted(loaded))}: a plugin imports no other plugin."

    def test_its_cards_are_its_own(self) -> None:
        from modelhub.catalog.cards import CARDS_FILE, cards_on_disk

        described = self.described()
        told: Any = tuple(imported(described.cards)()) if described.cards else ()
        written = cards_on_disk(_named(self.provider)[0].module)
        assert not told or not written or told == written, f"{CARDS_FILE} and {described.cards} differ: keep the cards in one."
        for card in (*told, *written):
            assert card.model.startswith(f"{self.provider}:"), f"The card {card.model!r} must begin with {self.provider}:."
            assert card.kind in described.kinds, f"{card.model} is a {card.kind} model, which the provider does not serve."


def _named(name: str) -> list[Installed]:
    return [plugin for plugin in installed() if plugin.name == name]


def _package(plugin: Installed) -> str:
    return plugin.module.partition(":")[0].partition(".")[0]


def _modules_after(script: str, argument: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after the script."""
    command = [sys.executable, "-c", script, argument]
    surroundings = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONUTF8": "1"}
    done = subprocess.run(command, env=surroundings, capture_output=True, encoding="utf-8", check=False, timeout=60)
    assert done.returncode == 0, f"It fails in a fresh interpreter:\n{done.stderr}"
    return {name.partition(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}

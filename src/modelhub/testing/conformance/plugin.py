"""The laws of plugins: found by name, described before they are imported, light, and alone."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any, ClassVar

from modelhub.model import KINDS
from modelhub.provider import Provider

__all__ = ["PluginConformance"]

HEAVY = (
    "aiohttp",
    "asyncio",
    "httpx",
    "numpy",
    "onnxruntime",
    "openai",
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
        from modelhub.providers import provider

        return provider(self.provider)

    def test_one_distribution_registers_the_name(self) -> None:
        from modelhub.testing.installed import addresses

        found = addresses(self.provider)
        assert found, (
            f"No installed distribution has the entry point {self.provider!r} in the group 'modelhub': "
            f'write [project.entry-points.modelhub] {self.provider} = "your_package", and install it (pip install -e .).'
        )
        assert len(found) == 1, f"{self.provider!r} is registered {len(found)} times: {sorted(found)}. Uninstall all but one."

    def test_the_hook_answers_with_its_own_name(self) -> None:
        described = self.described()
        assert isinstance(described, Provider), f"modelhub_provider() gave {described!r}: return a modelhub.plugin.Provider."
        assert described.name == self.provider, f"Provider(name={described.name!r}): the entry point says {self.provider!r}."
        strange = described.kinds.keys() - set(KINDS)
        assert not strange, f"There is no kind {min(strange, default='')!r}: the kinds are {', '.join(KINDS)}."
        assert described.kinds, "The provider serves no kind: name at least one in Provider(kinds=...)."

    def test_every_address_leads_somewhere(self) -> None:
        described = self.described()
        for address in (*described.kinds.values(), described.options, described.cards):
            if address is not None:
                assert callable(_imported(address)), f"{address!r} is no function or class: mend it in Provider(...)."

    def test_the_entry_point_loads_nothing_heavy(self) -> None:
        from modelhub.testing.installed import addresses

        module = addresses(self.provider)[0].partition(":")[0]
        loaded = _modules_after(_LOADED, module) & set(self.heavy)
        assert not loaded, f"Importing {module} loads {', '.join(sorted(loaded))}: import it where it is used."

    def test_finding_it_loads_no_other_plugin(self) -> None:
        from modelhub.testing.installed import addresses

        own = {address.partition(":")[0].partition(".")[0] for address in addresses(self.provider)}
        others = {address.partition(":")[0].partition(".")[0] for address in addresses(None)} - own - {"modelhub"}
        loaded = _modules_after(_FOUND, self.provider) & others
        assert not loaded, f"Asking for {self.provider!r} loads {', '.join(sorted(loaded))}: a plugin imports no other plugin."

    def test_its_cards_are_its_own(self) -> None:
        described = self.described()
        cards: Any = _imported(described.cards)() if described.cards else ()
        for card in cards:
            assert card.model.startswith(f"{self.provider}:"), f"The card {card.model!r} must begin with {self.provider}:."
            assert card.kind in described.kinds, f"{card.model} is a {card.kind} model, which the provider does not serve."


def _imported(address: str) -> Any:
    from modelhub.providers import imported

    return imported(address)


def _modules_after(script: str, argument: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after the script."""
    command = [sys.executable, "-c", script, argument]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False, timeout=60)
    assert done.returncode == 0, f"It fails in a fresh interpreter:\n{done.stderr}"
    return {name.partition(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}

"""The conformance class of plugins: an installed one that keeps the laws passes, one that breaks any is caught."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest

from modelhub.errors import PluginBroken
from modelhub.testing import PluginConformance

Install = Callable[..., PluginConformance]
GOOD = """
from modelhub.plugin import Provider, hookimpl

@hookimpl
def modelhub_provider():
    return Provider(name="{name}", kinds={{"text": "{package}.text:model"}}, cards="{package}.text:cards")
"""
MODEL = """
from modelhub.plugin import ModelCard

def model(name, options):
    return None

def cards():
    return (ModelCard(model="{name}:one", kind="text"),)
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a plugin whose package holds these files; its conformance class comes back."""
    monkeypatch.syspath_prepend(tmp_path)

    def installed(
        name: str, provider: str = GOOD, model: str = MODEL, *, distribution: str = "", cards: str = ""
    ) -> PluginConformance:
        package = f"kit_{name}"
        names = {"name": name, "package": package}
        (tmp_path / package).mkdir(exist_ok=True)
        (tmp_path / package / "__init__.py").write_text(provider.format(**names), encoding="utf-8")
        (tmp_path / package / "text.py").write_text(model.format(**names), encoding="utf-8")
        if cards:
            (tmp_path / package / "modelhub_cards.json").write_text(cards, encoding="utf-8")
        info = tmp_path / f"{distribution or package}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Name: {distribution or package}\nVersion: 1.0\n", encoding="utf-8")
        (info / "entry_points.txt").write_text(f"[modelhub]\n{name} = {package}\n", encoding="utf-8")

        class Kit(PluginConformance):
            pass

        Kit.provider = name
        return Kit()

    return installed


class TestInstalled(PluginConformance):
    """The whole class, over a plugin that keeps every law."""

    provider: ClassVar[str] = "kept"

    @pytest.fixture(autouse=True)
    def _there(self, install: Install) -> None:
        install("kept")
        install("neighbour")


def test_a_plugin_that_is_not_installed_says_what_to_write() -> None:
    class Kit(PluginConformance):
        provider = "absent"

    with pytest.raises(AssertionError, match=r"\[project\.entry-points\.modelhub\] absent = "):
        Kit().test_one_distribution_registers_the_name()


def test_a_name_registered_twice_is_caught(install: Install) -> None:
    install("twice")
    with pytest.raises(AssertionError, match=r"kit-twice 1\.0 and other 1\.0: uninstall all but one"):
        install("twice", distribution="other").test_one_distribution_registers_the_name()


def test_a_provider_of_another_name_is_caught(install: Install) -> None:
    with pytest.raises(PluginBroken, match="name both alike"):
        install("misnamed", GOOD.replace("{name}", "elsewhere")).test_the_provider_serves_kinds_that_there_are()


def test_a_kind_that_there_is_not_is_caught(install: Install) -> None:
    with pytest.raises(AssertionError, match="no kind 'prose': the kinds are text"):
        install("strange", GOOD.replace('"text"', '"prose"')).test_the_provider_serves_kinds_that_there_are()


def test_a_provider_of_nothing_is_caught(install: Install) -> None:
    nothing = GOOD.replace('kinds={{"text": "{package}.text:model"}}, ', "")
    with pytest.raises(AssertionError, match="serves no kind"):
        install("nothing", nothing).test_the_provider_serves_kinds_that_there_are()


def test_an_address_that_leads_nowhere_is_caught(install: Install) -> None:
    with pytest.raises(PluginBroken, match=r"kit_lost\.text:modle cannot be imported"):
        install("lost", GOOD.replace("text:model", "text:modle")).test_every_address_leads_somewhere()


def test_an_address_of_something_that_cannot_be_called_is_caught(install: Install) -> None:
    with pytest.raises(AssertionError, match="is no function or class"):
        install("data", model=MODEL + "\nmodel = 3\n").test_every_address_leads_somewhere()


def test_a_heavy_entry_point_is_caught(install: Install) -> None:
    with pytest.raises(AssertionError, match="Importing kit_heavy loads asyncio"):
        install("heavy", "import asyncio\n" + GOOD).test_the_entry_point_loads_nothing_heavy()


def test_a_plugin_that_loads_its_neighbour_is_caught(install: Install) -> None:
    install("next")
    with pytest.raises(AssertionError, match="loads kit_next: a plugin imports no other"):
        install("nosy", "import kit_next\n" + GOOD).test_finding_it_loads_no_other_plugin()


def test_a_card_of_another_provider_is_caught(install: Install) -> None:
    with pytest.raises(AssertionError, match="must begin with foreign:"):
        install("foreign", model=MODEL.replace("{name}:one", "own:one")).test_its_cards_are_its_own()


def test_a_card_of_a_kind_it_does_not_serve_is_caught(install: Install) -> None:
    with pytest.raises(AssertionError, match="which the provider does not serve"):
        install("wider", model=MODEL.replace('kind="text"', 'kind="image"')).test_its_cards_are_its_own()


def test_cards_written_beside_the_module_are_held_to_the_same(install: Install) -> None:
    silent = GOOD.replace(', cards="{package}.text:cards"', "")
    install("written", silent, cards='[{"model": "written:one", "kind": "text"}]').test_its_cards_are_its_own()
    with pytest.raises(AssertionError, match="must begin with astray:"):
        install("astray", silent, cards='[{"model": "own:one", "kind": "text"}]').test_its_cards_are_its_own()


def test_cards_that_are_told_in_two_ways_are_caught(install: Install) -> None:
    with pytest.raises(AssertionError, match="keep the cards in one"):
        install("torn", cards='[{"model": "torn:two", "kind": "text"}]').test_its_cards_are_its_own()

"""Built-ins come through the same hooks as plugins."""

from __future__ import annotations

import pytest

from modelhub.errors import PluginBroken, PluginMissing
from modelhub.providers import builtin_names, contribution, imported


@pytest.mark.parametrize("hook", ["modelhub_loader", "modelhub_prompt_strategy"])
def test_every_built_in_answers_its_hook(hook: str) -> None:
    assert builtin_names(hook)
    for name in builtin_names(hook):
        assert contribution(hook, name) is contribution(hook, name)


def test_a_loader_reads() -> None:
    assert contribution("modelhub_loader", "markdown").load("# 見出し\n本文".encode(), "a.md").text == "# 見出し\n本文"


def test_a_built_in_of_one_hook_answers_no_other() -> None:
    with pytest.raises(PluginMissing, match="No plugin answers to 'few-shot'"):
        contribution("modelhub_loader", "few-shot")


def test_a_misspelt_built_in_is_told_with_the_nearest() -> None:
    with pytest.raises(PluginMissing, match=r"No plugin answers to 'fewshot'\. Did you mean 'few-shot'\?"):
        contribution("modelhub_prompt_strategy", "fewshot")


def test_an_address_is_what_it_names() -> None:
    assert imported("os.path:join") is __import__("os").path.join
    with pytest.raises(PluginBroken, match=r"os\.path:jion cannot be imported: AttributeError"):
        imported("os.path:jion")
    with pytest.raises(PluginBroken, match=r"nowhere_at_all:x cannot be imported: ModuleNotFoundError"):
        imported("nowhere_at_all:x")

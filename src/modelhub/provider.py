"""What a provider says about itself: names and import strings, so that nothing is imported before it is used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from modelhub.model import Kind

__all__ = ["Provider"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """The answer to the hook ``modelhub_provider``.

    ``kinds`` maps each kind it serves to ``"package.module:function"``; the function is called as ``function(name, options)``
    with the model's name (what follows the colon) and gives a ``Model``.

    ``options`` names a frozen dataclass of settings, ``"package.module:Class"``, that the tables ``[providers.NAME]`` and
    ``[models.X.options]`` fill; without it, there are no settings and the function is called with ``None``. Of its
    fields, ``provider: str`` is filled with the word before the colon, and ``config_folder: str`` with the folder that the
    configuration's relative paths start from. ``defaults`` are settings that hold where the
    configuration gives none. ``cards`` names a function without arguments that gives the ``ModelCard`` of each model known
    beforehand; ``listing`` names an ``async`` function of the options and a ``Runtime`` that asks the provider for them.

    A provider that runs models on this machine says more. ``local`` names a function of the options that gives the
    ``ModelCard`` of each model that lies here; a file that cannot be used is a card too, whose ``description`` says why.
    ``files`` maps the ending of each kind of file that it runs (``".gguf"``) to a function that reads what such a file says
    of itself: from a path to a ``ModelCard``, or a ``ModelhubError`` that says what is wrong with the file. ``hubs`` names a
    function without arguments that gives, by address (``"https://hub.example"``), the environment variable that holds the
    caller's token for each hub that such files are fetched from. ``conversion`` names a function that makes such a file of a
    model in another form: ``convert(source, folder, form)`` with the path of a folder or ``package:NAME`` writes a file
    into ``folder`` and gives its path.

    A provider that fetches models by their names, for a server of its own or for this machine, names an ``async`` function of
    a model's name, the options, a ``Runtime`` and a ``progress(done, total, step)`` in ``pull``; it gives the ``ModelCard`` of
    what is there then.

    A provider that has more models than can be listed names an ``async`` function of a ``Query``, the options and a ``Runtime``
    in ``search``; it gives the cards that it finds, in the order that the query asks for. ``describe`` names one of a
    model's name, the options and a ``Runtime`` that gives the ``ModelCard`` of that one model, with all that can be known.
    Both raise what asking a server may raise.
    """

    name: str
    kinds: Mapping[Kind, str] = field(default_factory=dict)
    title: str = ""
    options: str | None = None
    cards: str | None = None
    listing: str | None = None
    local: str | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    hubs: str | None = None
    pull: str | None = None
    search: str | None = None
    describe: str | None = None
    conversion: str | None = None
    defaults: Mapping[str, Any] = field(default_factory=dict)

"""The table of commands, and ``modelhub --help`` made of it: no command is imported to be listed."""

from __future__ import annotations

__all__ = ["COMMANDS", "overview"]

COMMANDS = {
    "ask": "answer a question from the configured documents, with citations",
    "run": "send a prompt, files or images to a text model",
    "embed": "turn texts into vectors",
    "image": "make, edit, vary or enlarge a picture",
    "speak": "turn text into speech",
    "transcribe": "turn speech into text",
    "rank": "put documents into the order in which they answer a query",
    "models": "list and find models, and keep files of them on this machine",
    "card": "show all that is known of one model",
    "plugins": "list the installed plugins, and examine the broken ones",
    "config": "show, explain and check the configuration",
    "index": "build, search and show a document index",
}
"""Each command and what it does; its module in ``modelhub.cli`` has its name."""

_USAGE = "usage: modelhub COMMAND [options] ..."
_OPTIONS = """\
options, before or after the command:
  --config PATH   read this configuration file (default: modelhub.toml, found upwards)
  --profile NAME  use [profiles.NAME] of the configuration
  --json          print one JSON document (JSON Lines where the answer streams)
  --quiet         print results only
  --verbose       print the model, tokens, times and notices as well
  --version       print modelhub's version
  -h, --help      print this, or with a command the command's help"""


def overview() -> str:
    """What ``modelhub --help`` prints."""
    rows = "\n".join(f"  {name:<11} {purpose}" for name, purpose in COMMANDS.items())
    return (
        f"usage: modelhub COMMAND [options] ...\n\ncommands:\n{rows}\n\nA plugin may bring commands of its own.\n\n{_OPTIONS}"
    )

"""From words to a command and its exit code: finds the command, runs it, and tells every mistake in one line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from modelhub.cli.overview import COMMANDS, overview
from modelhub.cli.streams import Streams, abandon, steady

if TYPE_CHECKING:
    from modelhub.cli.command import Command
    from modelhub.cli.context import Context, Options
    from modelhub.hub import Hub

__all__ = ["run"]

INTERRUPTED = 130
_VALUED = ("--config", "--profile")
_FLAGS = ("--json", "--quiet", "--verbose")


def run(words: Sequence[str], streams: Streams | None = None, open_hub: Callable[[Options], Hub] | None = None) -> int:
    """Run the command line and give its exit code. ``open_hub`` makes the hub where the usual one is not wanted."""
    streams = streams or Streams.of_process()
    with steady(streams):
        try:
            code = _run(words, streams, open_hub)
            streams.stdout.flush()
        except BrokenPipeError:
            return abandon(streams.stdout)
        except KeyboardInterrupt:
            return _interrupted(streams)
        return code


def _run(words: Sequence[str], streams: Streams, open_hub: Callable[[Options], Hub] | None) -> int:
    from modelhub.cli.context import Context

    context = Context(streams) if open_hub is None else Context(streams, open_hub=open_hub)
    try:
        return _dispatch(words, context)
    except (BrokenPipeError, KeyboardInterrupt):
        raise
    except SystemExit as asked:  # argparse has printed a help page
        return asked.code if isinstance(asked.code, int) else 0
    except Exception as error:  # noqa: BLE001  # the last place where a mistake can become a sentence
        from modelhub.cli.failures import report

        return report(error, context)
    finally:
        context.close()


def _dispatch(words: Sequence[str], context: Context) -> int:
    from modelhub.cli.context import Options
    from modelhub.cli.parsing import Parser, parse
    from modelhub.cli.strictness import strict

    name, rest = split(words)
    if name is None:
        context.streams.stderr.write(overview() + "\n")
        return 2
    command = find(name)
    parser = Parser(prog=f"modelhub {name}", description=f"{command.help[:1].upper()}{command.help[1:]}.")
    command.configure(parser)
    arguments = parse(parser, rest)
    context.options = Options.of(arguments)
    code = command.run(arguments, context)
    return code or strict(context)


def split(words: Sequence[str]) -> tuple[str | None, list[str]]:
    """The command's name, and its words; global options that stand before the name are put behind it."""
    from modelhub.errors import InvalidRequest, did_you_mean

    ahead: list[str] = []
    rest = list(words)
    while rest and rest[0].startswith("-"):
        word = rest.pop(0)
        option = word.partition("=")[0]
        if option in ("-h", "--help"):
            return _helped(rest)
        if option not in _VALUED + _FLAGS:
            near = did_you_mean(option, _VALUED + _FLAGS)
            raise InvalidRequest(f"There is no option {option} before a command.{near} See: modelhub --help")
        ahead.append(word)
        if word in _VALUED and rest:
            ahead.append(rest.pop(0))
    if rest and rest[0] == "help":
        return _helped(rest[1:])
    return (rest[0], [*ahead, *rest[1:]]) if rest else (None, ahead)


def _helped(rest: list[str]) -> tuple[str | None, list[str]]:
    return (rest[0], [*rest[1:], "--help"]) if rest else (None, [])


def find(name: str) -> Command:
    """The command of that name: one of ours, or a plugin's. Raises ``InvalidRequest`` where nobody has it."""
    if name in COMMANDS:
        command: Command = import_module(f"modelhub.cli.{name}").COMMAND
        return command
    from modelhub.errors import InvalidRequest, PluginMissing, did_you_mean
    from modelhub.providers import contribution

    try:
        contributed: Command = contribution("modelhub_command", name)
    except PluginMissing:
        near = did_you_mean(name, tuple(COMMANDS))
        raise InvalidRequest(f"There is no command {name!r}.{near} See: modelhub --help") from None
    return contributed


def _interrupted(streams: Streams) -> int:
    streams.stdout.flush()
    streams.stderr.write("\nmodelhub: interrupted\n")
    return INTERRUPTED

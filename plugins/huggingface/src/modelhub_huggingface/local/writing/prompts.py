"""From a conversation to the tokens that a model goes on from: by its chat template, or as a text that stands for itself."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modelhub.plugin import ConfigError, InvalidRequest, Message, ReasoningPart, SetupError, TextPart, TextRequest, Unsupported
from modelhub_huggingface.options import HuggingFaceOptions

__all__ = ["Prompt", "Prompts"]


@dataclass(frozen=True, slots=True)
class Prompt:
    """The tokens; ``goes_on`` says that the answer continues their text, and is not a text of its own."""

    tokens: list[int]
    goes_on: bool = False


@dataclass(frozen=True)
class Prompts:
    """How one model takes requests. ``prefix`` goes before a text, for an encoder-decoder that knows several tasks."""

    tokenizer: Any
    options: HuggingFaceOptions
    encodes: bool = False
    """Whether an encoder reads the prompt: such a model has no chat."""
    prefix: str = ""

    def made(self, request: TextRequest) -> Prompt:
        """The tokens of a request. Raises ``SetupError``, ``InvalidRequest`` or ``Unsupported`` for what it cannot take."""
        for feature in sorted(request.needs()):
            raise Unsupported(f"A model that writes in this process has no {feature.replace('_', ' ')}.", feature=feature)
        text, template = self.text(request.messages)
        tokens = self._encoded(text, marks=not template)
        if not tokens:
            mark = self.tokenizer.bos_token_id or self.tokenizer.eos_token_id
            if mark is None:
                raise InvalidRequest("The prompt is empty, and the model has no mark for the beginning of a text.")
            tokens = [mark]
        return Prompt(tokens, goes_on=not template and not self.encodes)

    def text(self, messages: Sequence[Message]) -> tuple[str, bool]:
        """The whole prompt as a text, and whether a chat template made it."""
        _only_text(messages)
        if self.encodes:
            return self.prefix + _joined(messages), False
        template = None if self.options.prompt == "plain" else self._template()
        if template is not None:
            return self._chat(messages, template), True
        return self._plain(messages), False

    def _encoded(self, text: str, *, marks: bool) -> list[int]:
        """A template brings its marks along, so that none is added; one that a plain text begins with is not doubled."""
        if marks and (bos := self.tokenizer.bos_token):
            text = text.removeprefix(bos)
        tokens: list[int] = self.tokenizer(text, add_special_tokens=marks, verbose=False)["input_ids"]
        return tokens

    def _template(self) -> str | None:
        """The template of the options, else the model's own. Raises ``SetupError`` where there has to be one, and is none."""
        given = self.options.chat_template
        own: Any = self.tokenizer.chat_template if given is None else _read(given, self.options)
        template: str | None = own.get("default") if isinstance(own, Mapping) else own
        if template is None and self.options.prompt == "chat":
            raise _untold(self.options)
        return template

    def _chat(self, messages: Sequence[Message], template: str) -> str:
        """The conversation in its template, which runs in a sandbox. After the assistant's words, the answer continues them."""
        from jinja2 import TemplateError

        goes_on = messages[-1].role == "assistant"
        turns = [{"role": message.role, "content": message.text} for message in messages]
        try:
            text: str = self.tokenizer.apply_chat_template(
                turns,
                chat_template=template,
                tokenize=False,
                add_generation_prompt=not goes_on,
                continue_final_message=goes_on,
            )
        except (TemplateError, TypeError, ValueError, LookupError) as error:
            why = str(error).strip() or type(error).__name__
            raise InvalidRequest(f"The model's chat template does not take this conversation: {why}") from error
        return text

    def _plain(self, messages: Sequence[Message]) -> str:
        if len(messages) == 1:
            return messages[0].text
        if self.options.prompt is None:
            raise _uninstructed(self.options) if messages[0].role == "system" else _untold(self.options)
        roles = ", ".join(message.role for message in messages)
        words = f'A plain prompt (prompt = "plain") is one message, not {len(messages)} ({roles}): it has no turns.'
        raise InvalidRequest(words)


def _only_text(messages: Sequence[Message]) -> None:
    for message in messages:
        for part in message.content:
            if not isinstance(part, TextPart | ReasoningPart):
                raise Unsupported(f"A model in this process takes text, not {type(part).__name__}.", feature="tools")


def _joined(messages: Sequence[Message]) -> str:
    """One text, of what a system says and a user: an encoder knows no turns."""
    roles = [message.role for message in messages]
    if roles not in (["user"], ["system", "user"]):
        raise InvalidRequest(f"An encoder-decoder takes one text, not a conversation of {len(roles)} ({', '.join(roles)}).")
    return "\n\n".join(message.text for message in messages)


def _read(template: str, options: HuggingFaceOptions) -> str:
    """A template of the configuration: a file's text, or the template itself."""
    if "{{" in template or "{%" in template:
        return template
    path = options.folder(template)
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, ValueError) as error:
        where = f"[providers.{options.provider}] chat_template"
        why = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else error
        raise ConfigError(f"{where} is {template!r}, and {path} cannot be read: {why}.") from None


def _untold(options: HuggingFaceOptions) -> SetupError:
    return SetupError(
        "The model has no chat template, so nobody knows how it expects a conversation. Ask it with a single message, which it "
        f'goes on with as it is, or set chat_template = "file.jinja" in [providers.{options.provider}].'
    )


def _uninstructed(options: HuggingFaceOptions) -> SetupError:
    """A type that is asked for comes as a message of the system as well, where a model takes no schema."""
    return SetupError(
        "The model has no chat template, so nothing carries an instruction to it: neither a system message, nor an "
        "output_type, which is put into one. It goes on with a single message as it is. To have a type, ask a model that "
        "chats, or for output_type=Literal[...] a classifier (text-classification, zero-shot-classification); or set "
        f'chat_template = "file.jinja" in [providers.{options.provider}], if the model was trained on one.'
    )

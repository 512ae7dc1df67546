from __future__ import annotations

import json

import pytest

from modelhub.errors import ConfigError
from modelhub.prompting.examples import Example, examples


def test_a_line_is_an_example() -> None:
    text = '\ufeff{"input": "防水？", "output": "はい。", "id": 7}\r\n\n  \n{"output": "b", "input": "a"}'
    assert examples(text) == (Example("防水？", "はい。"), Example("a", "b"))


def test_a_line_separator_inside_a_text_ends_no_line() -> None:
    """AT-A5: U+2028 and U+0085 are characters like others."""
    (one,) = examples(json.dumps({"input": "a\u2028b\u0085c", "output": "d"}, ensure_ascii=False))
    assert one.input == "a\u2028b\u0085c"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"input": "a"', "not JSON"),
        ("[1]", "An example is an object"),
        ('"text"', "An example is an object"),
        ('{"input": "a"}', r"'output' is missing; there is 'input'"),
        ('{"input": "a", "ouput": "b"}', r"'output' is missing.* Did you mean 'ouput'\?"),
        ('{"input": 7, "output": "b"}', "'input' is to be a text, not int"),
        ('{"input": "a", "output": null}', "'output' is to be a text, not NoneType"),
    ],
)
def test_a_line_that_is_no_example_is_named(line: str, words: str) -> None:
    good = '{"input": "a", "output": "b"}'
    with pytest.raises(ConfigError, match=rf"^shots/a\.jsonl:3: .*{words}") as caught:
        examples(f"{good}\n\n{line}\n{good}", file="shots/a.jsonl")
    assert (caught.value.file, caught.value.line) == ("shots/a.jsonl", 3)


@pytest.mark.parametrize("text", ["", "\n\n", "\ufeff"])
def test_an_empty_file_is_an_error(text: str) -> None:
    with pytest.raises(ConfigError, match=r"a\.jsonl: There are no examples"):
        examples(text, file="a.jsonl")

"""Where each key of a TOML text stands."""

from __future__ import annotations

import json
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelhub.config.positions import Path, line_numbers

TEXT = """\
# a comment with [brackets] and = signs
top = 1  # trailing ] comment

[models.assistant]
model = "starter:quote"
settings = { temperature = 0.2, nested = { "a.b" = 1 } }
note = '''
[not.a.table]
key = "no key"
'''
fallback = [
  "one",   # a ] here
  { env = "TWO" },
]
dotted.inner.key = true

[ "quoted table" . 'é' ]
"a\\u0062c" = "x # y"

[[files]]
name = "first"
[files.about]
size = 1
[[files]]
name = "second"
when = 1979-05-27 07:32:00
[files.about]
size = 2
"""


def test_every_key_is_on_the_line_where_it_is_written() -> None:
    tomllib.loads(TEXT)
    assert line_numbers(TEXT) == {
        (): 1,
        ("top",): 2,
        ("models",): 4,
        ("models", "assistant"): 4,
        ("models", "assistant", "model"): 5,
        ("models", "assistant", "settings"): 6,
        ("models", "assistant", "settings", "temperature"): 6,
        ("models", "assistant", "settings", "nested"): 6,
        ("models", "assistant", "settings", "nested", "a.b"): 6,
        ("models", "assistant", "note"): 7,
        ("models", "assistant", "fallback"): 11,
        ("models", "assistant", "fallback", 0): 12,
        ("models", "assistant", "fallback", 1): 13,
        ("models", "assistant", "fallback", 1, "env"): 13,
        ("models", "assistant", "dotted"): 15,
        ("models", "assistant", "dotted", "inner"): 15,
        ("models", "assistant", "dotted", "inner", "key"): 15,
        ("quoted table",): 17,
        ("quoted table", "é"): 17,
        ("quoted table", "é", "abc"): 18,
        ("files",): 20,
        ("files", 0): 20,
        ("files", 0, "name"): 21,
        ("files", 0, "about"): 22,
        ("files", 0, "about", "size"): 23,
        ("files", 1): 24,
        ("files", 1, "name"): 25,
        ("files", 1, "when"): 26,
        ("files", 1, "about"): 27,
        ("files", 1, "about", "size"): 28,
    }


@pytest.mark.parametrize(
    "value",
    [
        '""',
        "''",
        '""""""',
        "''''''",
        '"""a\\"""" # no comment"""',
        "'''it''s'''",
        '"""four quotes""""',
        "'''five'''''",
        '"\\\\"',
        "[]",
        "{}",
        "[[1], [2, [3]]]",
        '[{ a = "]" }, { a = "}" }]',
        "1e3",
        "+inf",
        "07:32:00",
        '"""\n\\\n  folded"""',
    ],
)
def test_whatever_the_value_the_next_key_is_found(value: str) -> None:
    text = f"first = {value}\nlast = 1"
    tomllib.loads(text)
    assert line_numbers(text)["last",] == text.count("\n") + 1


def test_carriage_returns_do_not_move_the_lines() -> None:
    text = "a = 1\r\n\r\n[b]\r\nc = '''\r\nx\r\n'''\r\nd = 2\r\n"
    tomllib.loads(text)
    assert line_numbers(text) == {(): 1, ("a",): 1, ("b",): 3, ("b", "c"): 4, ("b", "d"): 7}


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x7f")), max_size=8))
def test_any_string_as_key_or_value_leaves_the_lines_alone(words: list[str]) -> None:
    """Japanese, emoji, U+2028 and U+0085 are no line ends in TOML."""
    quoted = [json.dumps(word, ensure_ascii=False) for word in words]
    text = "".join(f"k{number}.{word} = {word}\n" for number, word in enumerate(quoted))
    tomllib.loads(text)
    expected: dict[Path, int] = {(): 1}
    for number, word in enumerate(words):
        expected[f"k{number}",] = expected[f"k{number}", word] = number + 1
    assert line_numbers(text) == expected

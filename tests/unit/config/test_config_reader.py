"""From tables to dataclasses, by type hints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any, Literal

import pytest

from modelhub.config import Origin, read
from modelhub.config.reader import dotted
from modelhub.errors import ConfigError


@dataclass(frozen=True)
class Inner:
    size: int
    name: str = "なし"


@dataclass(frozen=True)
class Outer:
    text: str = ""
    count: int = 0
    ratio: float = 0.0
    on: bool = False
    price: Decimal = Decimal(0)
    mode: Literal["fast", "slow"] = "fast"
    maybe: int | None = 3
    either: str | tuple[str, ...] = ""
    words: tuple[str, ...] = ()
    pair: tuple[int, int] = (0, 0)
    letters: frozenset[str] = frozenset()
    inner: Inner = Inner(0)
    by_name: Mapping[str, Inner] = field(default_factory=dict)
    free: Any = None
    annotated: Annotated[int, "tokens"] = 0
    optional_flag: bool | None = None


def test_every_kind_of_value_is_read() -> None:
    table = {
        "text": "日本語 🚀",
        "count": 3,
        "ratio": 2,
        "on": True,
        "price": "0.10",
        "mode": "slow",
        "maybe": 5,
        "either": ["a"],
        "words": ["a", "b"],
        "pair": [1, 2],
        "letters": ["a", "a"],
        "inner": {"size": 4},
        "by_name": {"x": {"size": 1, "name": "n"}},
        "free": {"anything": [1]},
        "annotated": 7,
    }
    assert read(Outer, table) == Outer(
        text="日本語 🚀",
        count=3,
        ratio=2.0,
        on=True,
        price=Decimal("0.10"),
        mode="slow",
        maybe=5,
        either=("a",),
        words=("a", "b"),
        pair=(1, 2),
        letters=frozenset({"a"}),
        inner=Inner(4),
        by_name={"x": Inner(1, "n")},
        free={"anything": [1]},
        annotated=7,
    )
    assert isinstance(read(Outer, table).ratio, float)


def test_what_is_left_out_has_its_default() -> None:
    assert read(Outer, {}) == Outer()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"text": 1}, "text: expected a string, got a number."),
        ({"count": "3"}, "count: expected a whole number, got a string. Write the number without quotes."),
        ({"count": True}, "count: expected a whole number, got true."),
        ({"count": 1.5}, "count: expected a whole number, got a number."),
        ({"ratio": False}, "ratio: expected a number, got false."),
        ({"on": "false"}, "on: expected true or false, got a string. Write false, without quotes."),
        ({"on": 0}, "on: expected true or false, got a number."),
        ({"price": True}, "price: expected a number, got true."),
        ({"price": "much"}, 'price: this string is not a number: write 2.5 or "2.5", without commas and units.'),
        ({"mode": "fasst"}, "mode: expected 'fast' or 'slow'. Did you mean 'fast'?"),
        ({"maybe": "x"}, "maybe: expected a whole number, got a string."),
        ({"maybe": True}, "maybe: expected a whole number, got true."),
        ({"either": 3}, "either: expected a string or a list, got a number."),
        ({"words": "a"}, "words: expected a list, got a string. Put it in brackets: [ ... ]."),
        ({"words": ["a", 1]}, "words[1]: expected a string, got a number."),
        ({"pair": [1]}, "pair: expected 2 values, got 1."),
        ({"inner": 1}, "inner: expected a table, got a number."),
        ({"inner": {}}, "inner: 'size' is missing: it has to be given."),
        ({"inner": {"size": 1, "nmae": ""}}, "inner.nmae: there is no such setting. Did you mean 'name'?"),
        ({"inner": {"size": 1, "zzz": ""}}, "inner.zzz: there is no such setting. Known: size, name."),
        ({"by_name": {"a b": {"size": "1"}}}, 'by_name."a b".size: expected a whole number, got a string.'),
        ({"text": {"env": 1}}, "text.env: expected the name of an environment variable, got a number."),
        ({"text": {"env": "A", "b": 1}}, "text: expected a string, got a table."),
        ([], "expected a table, got a list."),
    ],
)
def test_what_is_wrong_is_told_with_its_keys_and_what_was_expected(table: Any, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(Outer, table)
    assert caught.value.message.startswith(message)


def test_false_says_none_only_where_a_boolean_means_nothing_else() -> None:
    assert read(Outer, {"maybe": False}).maybe is None
    assert read(Outer, {"optional_flag": False}).optional_flag is False


def test_a_string_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELHUB_TEST_WORD", "鍵")
    table = {"text": {"env": "MODELHUB_TEST_WORD"}, "words": ["a", {"env": "MODELHUB_TEST_WORD"}]}
    assert read(Outer, {**table, "either": {"env": "MODELHUB_TEST_WORD"}}) == Outer(text="鍵", words=("a", "鍵"), either="鍵")


def test_an_unset_variable_is_told_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MODELHUB_TEST_WORD", raising=False)
    with pytest.raises(ConfigError, match=r"^text: the environment variable MODELHUB_TEST_WORD is not set\.$"):
        read(Outer, {"text": {"env": "MODELHUB_TEST_WORD"}})


def test_no_message_shows_a_value() -> None:
    """Somebody may have written a key where a number belongs."""
    for name in ("count", "on", "mode", "inner", "words", "pair"):
        with pytest.raises(ConfigError) as caught:
            read(Outer, {name: "sk-sentinel-0123456789"})
        assert "sentinel" not in str(caught.value)


def test_what_a_class_refuses_is_an_error_of_the_configuration() -> None:
    @dataclass(frozen=True)
    class Even:
        number: int

        def __post_init__(self) -> None:
            if self.number % 2:
                message = "number has to be even."
                raise ValueError(message)

    with pytest.raises(ConfigError, match=r"^f\.toml:7: a\.b: number has to be even\.$"):
        read(Even, {"number": 1}, where=("a", "b"), origin=lambda *_: Origin("f.toml", 7, "project file"))


def test_the_origin_names_file_line_and_the_keys_as_written() -> None:
    origin = Origin("f.toml", 12, "profile laptop", ("profiles", "laptop", "count"))
    with pytest.raises(ConfigError) as caught:
        read(Outer, {"count": "x"}, origin=lambda *_: origin)
    assert str(caught.value).startswith("f.toml:12: profiles.laptop.count: expected")
    assert (caught.value.file, caught.value.line) == ("f.toml", 12)


def test_a_path_is_written_as_in_toml() -> None:
    assert dotted(("models", "a b", "words", 0, "日本")) == 'models."a b".words[0]."日本"'

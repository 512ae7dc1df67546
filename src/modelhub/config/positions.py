"""On which line each key of a TOML text stands. The text is valid TOML: ``tomllib`` has read it before."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["Path", "line_numbers"]

Path = tuple[str | int, ...]
"""Where a setting is: keys, and the position in an array: ``("models", "assistant", "fallback", 0)``."""

_SPACE = " \t"
_BLANK = " \t\r\n"
_ENDS_BARE_VALUE = ",]}#\n"
_ENDS_BARE_KEY = " \t.=]"


def line_numbers(text: str) -> Mapping[Path, int]:
    """The line, counted from 1, of each table, key and array element: the first line where it is named."""
    return _Scanner(text).scan()


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text + "\n"
        self.at = 0
        self.lines: dict[Path, int] = {(): 1}
        self.arrays: dict[Path, int] = {}
        self._counted = 0
        self._line = 1

    def scan(self) -> Mapping[Path, int]:
        table: Path = ()
        while self.skip_blank():
            if self.text[self.at] == "[":
                table = self.header()
            else:
                self.assignment(table)
        return self.lines

    def header(self) -> Path:
        line, is_array = self.line(), self.text.startswith("[[", self.at)
        self.at += 2 if is_array else 1
        path = self.placed(self.key(), line, is_array=is_array)
        self.at = self.text.index("]", self.at) + (2 if is_array else 1)
        return path

    def placed(self, parts: list[str], line: int, *, is_array: bool) -> Path:
        """The path of a header's parts, with the number of the current element after each array of tables on the way."""
        path: Path = ()
        for position, part in enumerate(parts):
            path = (*path, part)
            self.name(path, line)
            if is_array and position == len(parts) - 1:
                self.arrays[path] = self.arrays.get(path, -1) + 1
            if path in self.arrays:
                path = (*path, self.arrays[path])
                self.name(path, line)
        return path

    def assignment(self, table: Path) -> None:
        line, path = self.line(), table
        for part in self.key():
            path = (*path, part)
            self.name(path, line)
        self.at = self.text.index("=", self.at) + 1
        self.value(path)

    def key(self) -> list[str]:
        parts = []
        while True:
            self.skip(_SPACE)
            parts.append(self.key_part())
            self.skip(_SPACE)
            if self.text[self.at] != ".":
                return parts
            self.at += 1

    def key_part(self) -> str:
        begin = self.at
        if self.text[begin] in "\"'":
            self.string()
            return _unquoted(self.text[begin : self.at])
        while self.text[self.at] not in _ENDS_BARE_KEY:
            self.at += 1
        return self.text[begin : self.at]

    def value(self, path: Path) -> None:
        self.skip(_SPACE)
        match self.text[self.at]:
            case '"' | "'":
                self.string()
            case "[":
                self.array(path)
            case "{":
                self.inline_table(path)
            case _:
                while self.text[self.at] not in _ENDS_BARE_VALUE:
                    self.at += 1

    def array(self, path: Path) -> None:
        self.at += 1
        index = 0
        while self.skip_blank() and self.text[self.at] != "]":
            if self.text[self.at] == ",":
                self.at += 1
                continue
            self.name((*path, index), self.line())
            self.value((*path, index))
            index += 1
        self.at += 1

    def inline_table(self, path: Path) -> None:
        self.at += 1
        while self.skip_blank() and self.text[self.at] != "}":
            if self.text[self.at] == ",":
                self.at += 1
            else:
                self.assignment(path)
        self.at += 1

    def string(self) -> None:
        quote = self.text[self.at]
        fence = quote * 3 if self.text.startswith(quote * 3, self.at) else quote
        self.at += len(fence)
        while not self.text.startswith(fence, self.at):
            self.at += 2 if quote == '"' and self.text[self.at] == "\\" else 1
        self.at += len(fence)
        while len(fence) == 3 and self.text[self.at] == quote:
            self.at += 1  # a multi-line string may end in quotes of its own

    def skip(self, characters: str) -> None:
        while self.text[self.at] in characters:
            self.at += 1

    def skip_blank(self) -> bool:
        """Go on to what is neither blank nor a comment; false at the text's end."""
        while self.at < len(self.text):
            if self.text[self.at] == "#":
                self.at = self.text.index("\n", self.at)
            elif self.text[self.at] not in _BLANK:
                return True
            else:
                self.at += 1
        return False

    def line(self) -> int:
        self._line += self.text.count("\n", self._counted, self.at)
        self._counted = self.at
        return self._line

    def name(self, path: Path, line: int) -> None:
        self.lines.setdefault(path, line)


def _unquoted(key: str) -> str:
    import tomllib

    return str(tomllib.loads(f"key = {key}")["key"])

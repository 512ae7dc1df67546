from __future__ import annotations

import pytest

from modelhub.errors import InvalidRequest
from modelhub.providers import contribution
from modelhub.retrieval.html import HtmlLoader
from modelhub.retrieval.loaders import MarkdownLoader, TextLoader


@pytest.mark.parametrize("name", ["text", "markdown", "html"])
def test_the_built_in_loaders_come_in_through_the_hook(name: str) -> None:
    assert contribution("modelhub_loader", name).load("鍵".encode(), f"a.{name}").text.strip() == "鍵"


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    """AT-A5: files written on Windows read the same."""
    assert TextLoader().load("\ufeff日本語\r\n".encode(), "a.txt").text == "日本語\r\n"


@pytest.mark.parametrize("encoding", ["cp932", "euc-jp", "utf-16", "latin-1"])
def test_another_encoding_is_an_error_that_names_file_and_line(encoding: str) -> None:
    data = b"first\n" + "naïve café".encode(encoding) if encoding == "latin-1" else "表示名\n第二行".encode(encoding)
    with pytest.raises(InvalidRequest, match=r"notes\.txt:\d+: not UTF-8 .*Save the file as UTF-8"):
        TextLoader().load(data, "notes.txt")


def titles(markdown: str) -> list[tuple[int, str]]:
    return [(heading.level, heading.title) for heading in MarkdownLoader().load(markdown.encode(), "a.md").headings]


def test_markdown_headings_of_both_styles_are_found() -> None:
    assert titles("# 鍵の *更新* #\ntext\n\nCosts\n=====\n\nOther\nthing\n---\n") == [
        (1, "鍵の 更新"),
        (1, "Costs"),
        (2, "thing"),
    ]


def test_what_only_looks_like_a_heading_is_none() -> None:
    assert titles("```python\n# comment\n```\n#hashtag\n- item\n---\n\n| a |\n---\n    # code\n\n---\n") == []


def test_a_fence_is_closed_only_by_its_own_kind() -> None:
    assert titles("````\n```\n# no\n~~~\n````\n# yes\n") == [(1, "yes")]


def test_front_matter_has_no_headings() -> None:
    assert titles("---\ntitle: x\n# comment\n---\n# Real\n") == [(1, "Real")]


def test_a_link_in_a_title_is_its_words() -> None:
    assert titles("## See [the `guide`](x.md) and snake_case") == [(2, "See the guide and snake_case")]


HTML = """<!doctype html><html><head><title>鍵の&amp;管理</title><style>p{color:red}</style><script>evil()</script></head>
<body><nav><a href=x>menu</a></nav><h1>Keys</h1><p>Rotate   them
<b>every</b> month.<br>Always.</p><script>document.write("<p>no</p>")</script>
<h2>Table</h2><table><tr><td>a</td><td>b</td></tr></table><pre>x = 1
  y = 2</pre><ul><li>one<li>two</ul></body></html>"""


def test_html_gives_what_a_reader_sees() -> None:
    document = HtmlLoader().load(HTML.encode(), "a.html")
    blocks = ["鍵の&管理", "Keys", "Rotate them every month.\nAlways.", "Table", "a | b", "x = 1\n  y = 2", "one", "two"]
    assert document.text.split("\n\n")[:-1] == blocks
    assert [(heading.level, heading.title) for heading in document.headings] == [(1, "鍵の&管理"), (1, "Keys"), (2, "Table")]
    for heading in document.headings:
        assert document.text[heading.start : heading.end].strip() == heading.title


@pytest.mark.parametrize(
    "html", ["<head><title>t</title><p>body", "<p>a<script>", "<td>", "</p></div>", "<", "<!--", "&#xffffff;x"]
)
def test_broken_html_is_read_as_far_as_it_goes(html: str) -> None:
    assert "<" not in HtmlLoader().load(html.encode(), "a.html").text.replace("<!--", "") or html == "<"


def test_a_forgotten_body_loses_nothing() -> None:
    assert HtmlLoader().load(b"<head><title>t</title><p>words", "a.html").text == "t\n\nwords\n\n"

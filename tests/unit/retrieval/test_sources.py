from __future__ import annotations

import os
from pathlib import Path

import pytest

from modelhub.errors import ConfigError
from modelhub.retrieval.sources import find, loader_name

links = pytest.mark.skipif(os.name == "nt", reason="links need a right there")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (
        "docs/b.md",
        "docs/a.md",
        "docs/深い/c.md",
        "docs/.hidden/d.md",
        "docs/.e.md",
        "notes.txt",
        "kept/x.md",
        "[1].md",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x", encoding="utf-8")
    return tmp_path


def test_a_folder_means_every_file_in_it_that_is_not_hidden(folder: Path) -> None:
    assert find(["docs"], str(folder)) == ("docs/a.md", "docs/b.md", "docs/深い/c.md")


def test_a_pattern_a_file_and_a_folder_give_each_file_once_and_sorted(folder: Path) -> None:
    found = find(["notes.txt", "docs/**/*.md", "docs", "./docs/a.md"], str(folder))
    assert found == ("docs/a.md", "docs/b.md", "docs/深い/c.md", "notes.txt")


def test_a_single_star_does_not_go_deeper(folder: Path) -> None:
    assert find(["docs/*.md"], str(folder)) == ("docs/a.md", "docs/b.md")


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(folder: Path) -> None:
    assert find(["[1].md"], str(folder)) == ("[1].md",)


def test_what_the_index_itself_keeps_is_no_source(folder: Path) -> None:
    assert "kept/x.md" in find(["**/*.md"], str(folder))
    assert "kept/x.md" not in find(["**/*.md"], str(folder), leave_out="kept")


def test_a_source_outside_is_named_by_the_way_to_it(folder: Path) -> None:
    assert find(["../notes.txt"], str(folder / "docs")) == ("../notes.txt",)
    assert find([str(folder / "notes.txt")], str(folder / "docs")) == ("../notes.txt",)


def test_two_stars_match_folders_between_and_none_at_all(folder: Path) -> None:
    assert find(["**/深い/**/*.md"], str(folder)) == ("docs/深い/c.md",)
    assert find(["d*/**/?.md"], str(folder)) == ("docs/a.md", "docs/b.md", "docs/深い/c.md")
    assert find([f"{folder}/**/c.md"], str(folder)) == ("docs/深い/c.md",)
    assert find(["docs/.hidden/**"], str(folder)) == ("docs/.hidden/d.md",)


@pytest.mark.parametrize("source", ["**/*.md", "docs", "docs/**", "docs/**/*.md", "**/**/*.md"])
@links
def test_links_in_a_circle_add_nothing(folder: Path, source: str) -> None:
    expected = find([source], str(folder))
    for number in range(3):
        (folder / f"docs/loop{number}").symlink_to(folder / "docs", target_is_directory=True)
        (folder / f"docs/深い/up{number}").symlink_to("..", target_is_directory=True)
    (folder / "docs/self.md").symlink_to("self.md")
    assert find([source], str(folder)) == expected


@links
def test_a_file_under_two_names_is_found_once_by_its_own(folder: Path) -> None:
    (folder / "a-link.md").symlink_to("docs/a.md")
    (folder / "a-folder").symlink_to("docs", target_is_directory=True)
    every = ("[1].md", "docs/a.md", "docs/b.md", "docs/深い/c.md", "kept/x.md")
    assert find(["a-link.md", "a-folder", "**/*.md"], str(folder)) == every
    assert find(["**/*.md", "a-link.md"], str(folder)) == every


@links
def test_what_is_only_reached_through_a_link_is_found_by_it(folder: Path) -> None:
    (folder / "kept/far").symlink_to(folder / "docs", target_is_directory=True)
    assert find(["kept"], str(folder)) == ("kept/far/a.md", "kept/far/b.md", "kept/far/深い/c.md", "kept/x.md")


@pytest.mark.parametrize("source", ["missing.md", "docs/**/*.pdf", "nowhere"])
def test_a_source_that_matches_nothing_is_named(folder: Path, source: str) -> None:
    with pytest.raises(ConfigError, match="matches no file") as caught:
        find(["docs", source], str(folder))
    assert repr(source) in caught.value.message


@pytest.mark.parametrize(
    ("name", "loader"), [("a.md", "markdown"), ("A.MD", "markdown"), ("a.htm", "html"), ("LICENSE", "text"), ("a.pdf", "pdf")]
)
def test_the_suffix_says_who_reads_a_file(name: str, loader: str) -> None:
    assert loader_name(name) == loader

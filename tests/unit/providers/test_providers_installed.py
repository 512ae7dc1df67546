"""Which plugins are installed, read from files."""

from __future__ import annotations

import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from modelhub.errors import InvalidRequest
from modelhub.providers import Installed, installed, requirements, restore_command


def distribution(folder: Path, name: str, version: str, entry_points: str) -> None:
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "entry_points.txt").write_text(entry_points, encoding="utf-8")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "site"
    folder.mkdir()
    library = [entry for entry in sys.path if entry.startswith(sysconfig.get_path("stdlib")) and "-packages" not in entry]
    monkeypatch.setattr(sys, "path", [str(folder), *library])
    return folder


def test_the_group_is_read_from_the_entry_point_files(site: Path) -> None:
    distribution(
        site,
        "modelhub_two_words",
        "1.2",
        "# made by hand\r\n[console_scripts]\r\nx = y:z\r\n\r\n[modelhub]\r\nb = pkg.b : thing [extra]\r\n; a = no\r\na=pkg\r\n"
        "[other]\nc = d\n",
    )
    distribution(site, "unrelated", "3", "[console_scripts]\nmodelhub = x:y\n")
    assert installed() == (
        Installed("a", "pkg", "modelhub-two-words", "1.2", str(site)),
        Installed("b", "pkg.b:thing", "modelhub-two-words", "1.2", str(site)),
    )
    assert requirements() == ("modelhub-two-words==1.2",)


def test_an_earlier_folder_hides_the_same_distribution_in_a_later_one(site: Path, tmp_path: Path) -> None:
    distribution(site, "modelhub_x", "2", "[modelhub]\nx = new\n")
    distribution(tmp_path / "later", "Modelhub.X", "1", "[modelhub]\nx = old\n")
    sys.path.append(str(tmp_path / "later"))
    assert [plugin.module for plugin in installed()] == ["new"]


def test_two_distributions_with_one_name_are_both_there(site: Path) -> None:
    distribution(site, "modelhub_x", "2", "[modelhub]\nx = one\n")
    distribution(site, "modelhub_y", "1", "[modelhub]\nx = two\n")
    assert [str(plugin) for plugin in installed()] == ["modelhub-x 2", "modelhub-y 1"]


def test_what_is_installed_meanwhile_is_found(site: Path) -> None:
    assert installed() == ()
    distribution(site, "modelhub_x", "2", "[modelhub]\nx = one\n")
    assert [plugin.name for plugin in installed()] == ["x"]


def test_a_source_tree_is_found_by_its_egg_info(site: Path) -> None:
    info = site / "modelhub_x.egg-info"
    info.mkdir()
    (info / "entry_points.txt").write_text("[modelhub]\nx = one\n", encoding="utf-8")
    (info / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: modelhub-x\nVersion: 0.3.dev1\n", encoding="utf-8")
    assert [str(plugin) for plugin in installed()] == ["modelhub-x 0.3.dev1"]


def test_a_zip_is_looked_into(site: Path, tmp_path: Path) -> None:
    archive = tmp_path / "bundle.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("modelhub_z-4.dist-info/METADATA", "Metadata-Version: 2.1\nName: modelhub_z\nVersion: 4\n")
        file.writestr("modelhub_z-4.dist-info/entry_points.txt", "[modelhub]\nz = one\n")
    sys.path.append(str(archive))
    assert [(plugin.name, str(plugin)) for plugin in installed()] == [("z", "modelhub-z 4")]


@pytest.mark.parametrize("entry", ["missing", "file.txt"])
def test_an_entry_that_is_no_folder_harms_nobody(site: Path, tmp_path: Path, entry: str) -> None:
    (tmp_path / "file.txt").write_text("not a zip", encoding="utf-8")
    distribution(site, "modelhub_x", "2", "[modelhub]\nx = one\n")
    sys.path.append(str(tmp_path / entry))
    assert [plugin.name for plugin in installed()] == ["x"]


def test_what_an_interrupted_uninstall_left_is_skipped(site: Path) -> None:
    distribution(site, "~odelhub_x", "2", "[modelhub]\nx = one\n")
    assert installed() == ()


def test_restore_skips_blank_lines_and_comments() -> None:
    command = restore_command(["# plugins", "", " modelhub-x==2 ", "modelhub-y==1 # ok\n"])
    assert command[1:] == ["-m", "pip", "install", "modelhub-x==2", "modelhub-y==1"]


@pytest.mark.parametrize("line", ["", "# none", "--index-url=https://x.example", " -e ."])
def test_restore_refuses_what_is_no_distribution(line: str) -> None:
    with pytest.raises(InvalidRequest):
        restore_command([line])

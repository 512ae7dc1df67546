"""Which versions of the hooks a plugin says it is made for."""

from __future__ import annotations

import pytest

from modelhub.providers.versions import accepts


@pytest.mark.parametrize(
    ("wanted", "version", "accepted"),
    [
        (">=1,<2", (1, 0), True),
        (">=1,<2", (1, 9, 3), True),
        (">=1,<2", (2, 0), False),
        (" >= 1.1 , < 2 ", (1, 0), False),
        ("==1", (1, 0), True),
        ("!=1.0", (1,), False),
        (">1", (1, 0), False),
        ("<=1", (1, 0), True),
    ],
)
def test_every_clause_has_to_be_met(wanted: str, version: tuple[int, ...], accepted: bool) -> None:
    assert accepts(wanted, version) is accepted


@pytest.mark.parametrize("wanted", ["", "1", "~=1", ">=one", ">=1;<2", 1, (1, 2)])
def test_what_is_no_version_range_is_refused(wanted: object) -> None:
    with pytest.raises(ValueError, match="modelhub_api has to be"):
        accepts(wanted, (1, 0))

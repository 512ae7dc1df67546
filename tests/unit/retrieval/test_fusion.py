from __future__ import annotations

from modelhub.retrieval.fusion import fused


def test_what_both_rankings_have_comes_before_what_one_has() -> None:
    assert [item for item, _ in fused([[1, 2, 3], [4, 2, 5]], 3)] == [2, 1, 4]


def test_the_score_is_the_sum_of_the_places() -> None:
    assert fused([[7], [8, 7]], 1) == [(7, 1 / 61 + 1 / 62)]


def test_no_rankings_give_nothing() -> None:
    assert fused([], 3) == fused([[], []], 3) == []

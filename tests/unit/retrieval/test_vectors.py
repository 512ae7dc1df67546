from __future__ import annotations

import numpy as np
import pytest

from modelhub.errors import AnswerError
from modelhub.retrieval.vectors import Vectors, normalised


def test_the_nearest_come_first_with_their_cosines() -> None:
    vectors = Vectors(normalised(np.array([[1, 0], [0, 2], [3, 3], [-1, 0]], np.float32)))
    found = vectors.search(np.array([5, 0], np.float32), 3)
    assert [row for row, _ in found] == [0, 2, 1]
    assert [score for _, score in found] == pytest.approx([1.0, 0.7071, 0.0], abs=1e-4)


def test_equals_keep_their_order() -> None:
    vectors = Vectors(normalised(np.ones((50, 3), np.float32)))
    assert [row for row, _ in vectors.search(np.ones(3, np.float32), 50)] == list(range(50))


def test_the_part_that_is_asked_for_is_the_best_part() -> None:
    matrix = np.random.default_rng(1).standard_normal((500, 8)).astype(np.float32)
    vectors = Vectors(normalised(matrix))
    query = matrix[7]
    assert vectors.search(query, 5) == vectors.search(query, 500)[:5]
    assert vectors.search(query, 5)[0][0] == 7


def test_a_row_of_zeros_is_like_nothing() -> None:
    assert Vectors(normalised(np.zeros((1, 2), np.float32))).search(np.ones(2, np.float32), 1) == [(0, 0.0)]


def test_an_empty_index_finds_nothing() -> None:
    assert Vectors(np.zeros((0, 0), np.float32)).search(np.ones(3, np.float32), 5) == []


def test_vectors_of_another_length_are_refused() -> None:
    with pytest.raises(AnswerError, match="has 3 numbers, those of the index 2"):
        Vectors(np.ones((1, 2), np.float32)).search(np.ones(3, np.float32), 1)


def test_a_vector_that_is_no_number_is_refused() -> None:
    with pytest.raises(AnswerError, match="not numbers"):
        normalised(np.array([[float("nan"), 1]], np.float32))

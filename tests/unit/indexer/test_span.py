from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from indexer.span import Span


def test_it_grows_over_empty_blocks() -> None:
    """Twice as many each time, to the most."""
    span = Span(2_000)
    sizes = []
    for _ in range(6):
        span.answered(span.size, 0, 1_000, 0.01)
        sizes.append(span.size)
    assert sizes == [200, 400, 800, 1_600, 2_000, 2_000]


def test_it_aims_at_some_thousand_logs() -> None:
    """At 500 logs a block ten blocks are enough, however few were asked for; at 50 a hundred."""
    span = Span(2_000, logs=5_000)
    span.answered(100, 50_000, 1_000, 0.1)
    assert span.size == 10
    for _ in range(5):
        span.answered(span.size, span.size * 50, 1_000, 0.1)
    assert span.size == 100


def test_large_answers_count_as_many_logs() -> None:
    """What has few logs and many bytes is asked for in smaller pieces."""
    span = Span(2_000, logs=5_000)
    span.answered(100, 10, 40_000_000, 0.1)
    assert span.size == 25


def test_a_slow_answer_makes_it_shrink() -> None:
    """Half as many next time."""
    span = Span(2_000)
    span.answered(100, 0, 0, 6.0)
    assert span.size == 50


def test_a_refusal_halves_it_or_does_as_told() -> None:
    """What the node names is what is asked for."""
    span = Span(2_000, first=1_000)
    assert (span.refused(1_000), span.size) == (500, 500)
    assert (span.refused(500, 37), span.size) == (37, 37)
    span.answered(37, 0, 0, 0.0)
    assert span.size == 37


def test_after_many_good_answers_it_tries_a_little_more() -> None:
    """A limit may have been that of those blocks only."""
    span = Span(2_000)
    span.refused(100)
    for _ in range(8):
        span.answered(50, 0, 0, 0.0)
    assert span.size == 57


def test_a_limit_that_was_named_is_kept_for_long() -> None:
    """It is no guess."""
    span = Span(2_000)
    span.refused(100, 40)
    sizes = set()
    for _ in range(255):
        span.answered(40, 0, 0, 0.0)
        sizes.add(span.size)
    assert sizes == {40}


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 100_000), st.floats(0, 60)), max_size=60))
def test_it_is_never_out_of_bounds(answers: list[tuple[bool, int, float]]) -> None:
    """Whatever is answered: at least one block, at most the most."""
    span = Span(500)
    for good, logs, seconds in answers:
        if good:
            span.answered(span.size, logs, logs * 800, seconds)
        elif span.size > 1:
            span.refused(span.size)
        assert 1 <= span.size <= 500

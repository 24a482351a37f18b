"""A desk with two systems, and people who come with a token."""

import pytest

from tests.review.seeding import Desk, make_desk


@pytest.fixture
def desk(db: None) -> Desk:
    return make_desk()

"""A desk with two systems, and people of each team."""

import pytest

from tests.review.seeding import Desk, make_desk


@pytest.fixture
def desk(db: None) -> Desk:
    return make_desk()

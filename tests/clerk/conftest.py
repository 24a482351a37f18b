"""Let pytest-django empty the tables after tests that commit: it uses TRUNCATE, which the ledger refuses."""

import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE syncapp_ledger DISABLE TRIGGER ledger_keeps_whole")

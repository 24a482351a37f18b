"""Tests work beside the hub's data, never in it."""

import os

import redis
from django.conf import settings
from django.db import connection


def test_settings_point_beside_the_hubs_data():
    assert settings.DATA_FOLDER.name == "tests"
    assert str(settings.DATA_FOLDER) == os.environ["CONCORD_DATA"]


def test_the_database_is_the_tests_own(db):
    assert connection.settings_dict["NAME"].startswith("test_")


def test_redis_is_the_tests_own(redis_client):
    where = redis_client.connection_pool.connection_kwargs
    assert where.get("path", "").startswith(str(settings.PLACE.run)) or where["db"] == 15
    assert isinstance(redis_client, redis.Redis)

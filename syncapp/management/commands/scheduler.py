"""Run the schedule: ring the tick every second, also across a restart of Redis."""

import logging
import time
from typing import Any

import redis
from django.conf import settings
from django.core.management.base import BaseCommand
from rq.exceptions import StopRequested

from syncapp import embedded
from syncapp.queue import Schedule

logger = logging.getLogger(__name__)

QUIET_SECONDS = 60.0


class Command(BaseCommand):
    help = "Ring the tick every second. What is due is kept in the database; several schedules are harmless."
    told_at = -QUIET_SECONDS

    def handle(self, *args: Any, **options: Any) -> None:
        logging.getLogger("rq.cron").setLevel(logging.WARNING)
        try:
            while self._interrupted():
                time.sleep(1)
        except (StopRequested, KeyboardInterrupt):
            return  # asked to stop while Redis was away

    def _interrupted(self) -> bool:
        """Ring until asked to stop (False) or until Redis went away (True)."""
        try:
            Schedule().start()
        except redis.RedisError as error:
            self._tell(error)
            self._start_embedded_again()
            return True
        return False

    def _tell(self, error: redis.RedisError) -> None:
        """Once a minute: it is tried every second."""
        if time.monotonic() - self.told_at >= QUIET_SECONDS:
            logger.warning("Redis does not answer (%s): trying again every second", error)
            self.told_at = time.monotonic()

    def _start_embedded_again(self) -> None:
        """An embedded Redis that was killed has nobody else to notice: the schedule is the process that always runs."""
        if not settings.EMBEDDED_REDIS:
            return
        try:
            embedded.use(settings.PLACE)
        except embedded.ServerProblem as problem:
            logger.warning("%s", problem)

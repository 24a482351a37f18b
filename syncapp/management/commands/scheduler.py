"""Run the schedule: ring the tick every second, also across a restart of Redis."""

import logging
import time
from typing import Any

import redis
from django.core.management.base import BaseCommand
from rq.exceptions import StopRequested

from syncapp.queue import Schedule

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Ring the tick every second. What is due is kept in the database; several schedules are harmless."
    told = False

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
            logger.log(logging.DEBUG if self.told else logging.WARNING, "Redis does not answer (%s): trying on", error)
            self.told = True
            return True
        return False

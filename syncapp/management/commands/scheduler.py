"""Run the schedule: ring the tick every second, also across a restart of Redis; hear outboxes; revive servers."""

import logging
import threading
import time
from typing import Any

import redis
from django.conf import settings
from django.core.management.base import BaseCommand
from rq.exceptions import StopRequested

from syncapp import embedded
from syncapp.listening import listen_for_ever
from syncapp.queue import Schedule

logger = logging.getLogger(__name__)

QUIET_SECONDS = 60.0
WATCH_SECONDS = 1.0


class Command(BaseCommand):
    help = "Ring the tick every second. What is due is kept in the database; several schedules are harmless."
    told_at = -QUIET_SECONDS

    def handle(self, *args: Any, **options: Any) -> None:
        logging.getLogger("rq.cron").setLevel(logging.WARNING)
        if settings.EMBEDDED:
            threading.Thread(target=self._watch_embedded, name="embedded servers", daemon=True).start()
        threading.Thread(target=listen_for_ever, args=[threading.Event()], name="outboxes", daemon=True).start()
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
            return True
        return False

    def _tell(self, error: redis.RedisError) -> None:
        """Once a minute: it is tried every second."""
        if time.monotonic() - self.told_at >= QUIET_SECONDS:
            logger.warning("Redis does not answer (%s): trying again every second", error)
            self.told_at = time.monotonic()

    def _watch_embedded(self) -> None:
        """A killed embedded server has nobody else to notice: the schedule is the process that always runs."""
        while True:
            time.sleep(WATCH_SECONDS)
            try:
                if embedded.died(settings.PLACE):
                    logger.warning("an embedded server has ended: it is started again")
                    embedded.use(settings.PLACE)
            except embedded.ServerProblem as problem:
                logger.warning("%s", problem)

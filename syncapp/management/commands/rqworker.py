"""Run a worker: django-rq's command with the serializer and worker class of this project, which it would ignore."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django_rq.management.commands.rqworker import Command as StockCommand


class Command(StockCommand):
    help = "Work on the queues (all of them unless some are named)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(serializer=settings.JOB_SERIALIZER, worker_class=settings.RQ["WORKER_CLASS"])
        # RQ tells four lines for each job, and there is a tick every second; `-v 1` brings them back.
        parser.set_defaults(verbosity=0)

    def handle(self, *args: str, **options: Any) -> None:
        if options["serializer"] != settings.JOB_SERIALIZER:
            raise CommandError(f"--serializer: jobs are JSON only. Accepted: {settings.JOB_SERIALIZER}; leave it out.")
        unknown = [name for name in args if name not in settings.QUEUE_NAMES]
        if unknown:
            raise CommandError(f"No queue {unknown[0]!r}. Accepted: {', '.join(settings.QUEUE_NAMES)}.")
        super().handle(*(args or settings.QUEUE_NAMES), **options)

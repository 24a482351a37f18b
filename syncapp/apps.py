"""Registers the clerk with Django."""

from pathlib import Path

from django.apps import AppConfig
from django.conf import settings


class SyncappConfig(AppConfig):
    name = "syncapp"
    verbose_name = "Sync"

    def ready(self) -> None:
        if settings.CHAOS_STEPS:
            from .chaos.steps import install

            install(Path(settings.CHAOS_STEPS))

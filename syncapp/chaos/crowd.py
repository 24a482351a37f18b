"""People while everything breaks: they edit, some come, some are deleted, and a reviewer answers what is asked."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import psycopg
from django.db import Error, close_old_connections

from syncapp.demo.people import NO_ADDRESS, in_directory
from syncapp.demo.scenario import Scenario
from syncapp.demo.setup import Demo
from syncapp.demo.systems import Fields, System
from syncapp.sandbox.people import Person, person

from .owner import Owner

logger = logging.getLogger(__name__)

FIRST_NEWCOMER = 1001
PAUSE = 0.08
REVIEW_EVERY = 1.5
HEAP = 120


class Doors:
    """One for each system: nobody edits where it is just being set back, so that before and after are certain."""

    def __init__(self, roles: Mapping[str, object]) -> None:
        self._locks = {role: threading.Lock() for role in roles}

    def shut(self, role: str) -> None:
        self._locks[role].acquire()

    def open(self, role: str) -> None:
        self._locks[role].release()

    @contextmanager
    def through(self, role: str) -> Iterator[None]:
        with self._locks[role]:
            yield

    def guarded(self, system: System) -> System:
        def type_in(remote_id: str, fields: Mapping[str, Any], actor: str) -> Fields:
            with self.through(system.role):
                return system.type_in(remote_id, fields, actor)

        def rows() -> dict[str, Fields]:
            with self.through(system.role):
                return system.rows()

        return replace(system, type_in=type_in, rows=rows)


@dataclass(slots=True)
class Crowd:
    """Everybody, in two threads of their own: those who edit, and the reviewer."""

    demo: Demo
    scenario: Scenario
    reviewer: Owner
    doors: Doors
    random: Random
    leavers: list[Mapping[str, str]]  # their remote ids by role; deleted one by one
    backlog: Callable[[], int]  # what the hub still has to do, 0 if it cannot be asked
    newcomers: list[str] = field(default_factory=list)  # their e-mail addresses
    left: list[Mapping[str, str]] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        self._threads = [threading.Thread(target=self._safely, args=(work,)) for work in (self._edit, self._review)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Raises what a thread failed of."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        if self.failures:
            raise self.failures[0]

    def _safely(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            logger.exception("somebody of the crowd failed")
            self.failures.append(error)

    def _edit(self) -> None:
        number = 0
        while not self._stop.wait(self.random.random() * 2 * PAUSE):
            if number % 10 == 0:
                self._wait_for_the_hub()
            self.scenario.turn(number)
            if number % 20 == 5:
                self._come(FIRST_NEWCOMER + len(self.newcomers))
            if number % 60 == 10 and self.leavers:
                self._leave(self.leavers.pop())
            number += 1

    def _wait_for_the_hub(self) -> None:
        """On a slow machine people would only make a heap, and everything would wait behind it."""
        while self.backlog() > HEAP and not self._stop.wait(0.5):
            continue

    def _come(self, number: int) -> None:
        """Somebody who is nowhere yet; fields that only another department may enter stay empty."""
        someone, role = person(number), self.random.choice(["crm", "billing", "directory"])
        with self.doors.through(role):
            _enter(self.demo, role, someone)
        self.newcomers.append(someone.email)

    def _leave(self, ids: Mapping[str, str]) -> None:
        role = self.random.choice(["crm", "billing"])
        sandbox = {one.name: one for one in self.demo.sandboxes}[role]
        with self.doors.through(role):
            sandbox.back("POST", "delete", json={"id": ids[role], "actor": "Personnel"})
        self.left.append(ids)

    def _review(self) -> None:
        while not self._stop.wait(REVIEW_EVERY):
            started = time.monotonic()
            try:
                close_old_connections()
                self.reviewer.answer_all()
            except (Error, psycopg.Error) as error:
                # The database is away; the page shows an error, and the reviewer comes back later.
                logger.debug("the reviewer met %s after %.1f s", error, time.monotonic() - started)
        close_old_connections()


def _enter(demo: Demo, role: str, someone: Person) -> None:
    if role == "crm":
        demo.crm.create(someone.crm() | {"credit_limit": None}, "Reception")
    elif role == "billing":
        demo.billing.create(someone.billing() | {"plan": None}, "Reception")
    else:
        demo.directory.create(in_directory(someone) | NO_ADDRESS)

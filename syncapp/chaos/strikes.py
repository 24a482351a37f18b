"""What can be done to a running hub: each strike is one method, logged, and over after a while or at once."""

from __future__ import annotations

import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import redis
from django.conf import settings

from syncapp.demo.evidence import held_by_unit
from syncapp.demo.journal import Restore
from syncapp.demo.judging import Scene
from syncapp.demo.processes import Child
from syncapp.demo.rest import Tell
from syncapp.demo.sandboxes import Sandbox
from syncapp.demo.scenario import FAULTS
from syncapp.demo.setup import BILLING_TITLE, CRM_TITLE, Demo
from syncapp.embedded import postgres, programs
from syncapp.queue import client

from .crowd import Doors
from .keeper import Keeper
from .setup import changed_policy

HUB = ("web", "worker", "schedule")
TITLES = {"crm": CRM_TITLE, "billing": BILLING_TITLE, "directory": "directory"}
JUMP = 10.0
FROZEN, CLOSED, FULL, SINCE_SNAPSHOT, ANOTHER_TIME = 4.0, 3.0, 3.0, 5.0, 8.0
SNAPSHOT = "chaos"


@dataclass(slots=True)
class Strikes:
    demo: Demo
    set_up: Path
    keeper: Keeper
    scene: Scene
    doors: Doors
    random: Random
    tell: Tell
    counts: Counter[str] = field(default_factory=Counter)
    restores: list[Restore] = field(default_factory=list)
    later: list[tuple[float, Callable[[], None]]] = field(default_factory=list)
    _policies: int = 0
    _busy: set[str] = field(default_factory=set)  # systems that are frozen, closed or about to be set back
    _offset: float = 0.0

    def deck(self) -> list[Callable[[], None]]:
        """Every kind once. A database that is away stops everything, so its three come apart from each other."""
        others = [
            self.kill_worker, self.flush_redis, self.kill_redis, self.fill_redis, self.freeze_system,
            self.close_system, self.expire_tokens, self.jump_hub_clock, self.jump_system_clock, self.restore_system,
            self.apply_policy, self.kill_web, self.restart_web, self.kill_schedule,
        ]  # fmt: skip
        database = [self.restart_postgres, self.crash_postgres, self.kill_postgres]
        self.random.shuffle(others)
        self.random.shuffle(database)
        for at, one in zip((2, 7, 12), database, strict=True):
            others.insert(at, one)
        return others

    def provoke(self) -> None:
        """What leads to the rarer steps: another policy, and answers that get lost."""
        if all(self.keeper.errands.values()):
            self.apply_policy()
        for sandbox in self.demo.sandboxes:
            if sandbox.name not in self._busy:
                sandbox.faults({"seed": len(self.counts), **FAULTS, "hang_after_write": 0.3})

    def go_on(self) -> None:
        """End what was begun earlier and is over now."""
        now = time.monotonic()
        due = [one for one in self.later if one[0] <= now]
        self.later = [one for one in self.later if one[0] > now]
        for _, end in due:
            end()

    def end_all(self) -> None:
        for _, end in self.later:
            end()
        self.later = []

    def _count(self, name: str, about: str = "") -> None:
        self.counts[name] += 1
        self.tell(f"  {datetime.now(UTC):%H:%M:%S} {name.replace('_', ' ')} {about}".rstrip())

    def _after(self, seconds: float, end: Callable[[], None]) -> None:
        self.later.append((time.monotonic() + seconds, end))

    # Processes of the hub

    def kill_worker(self) -> None:
        self._kill("worker")

    def kill_schedule(self) -> None:
        self._kill("schedule")

    def kill_web(self) -> None:
        self._kill("web")

    def restart_web(self) -> None:
        """While webhooks come."""
        self._count("web_restarted")
        self.keeper.kill(self.keeper.named("web")[0], signal.SIGTERM)

    def _kill(self, name: str) -> None:
        child = self.random.choice(self.keeper.named(name))
        self._count(f"{name}_killed", child.name)
        self.keeper.kill(child)

    def jump_hub_clock(self) -> None:
        """Forward, one process after the other; and back after a while."""
        if self._offset:
            return
        self._count("hub_clock_jumped", f"{JUMP:+.0f} s, and back later")
        self.set_hub_clock(JUMP)
        self._after(ANOTHER_TIME, lambda: self.set_hub_clock(0.0))

    def set_hub_clock(self, offset: float) -> None:
        self._offset = offset
        for child in self.keeper.children:
            if child.name.startswith(HUB):
                child.env = {**child.env, "CONCORD_CLOCK_OFFSET": str(offset)}
                self.keeper.kill(child, signal.SIGTERM)

    def apply_policy(self) -> None:
        """A changed file, then the first one again: as a person runs it, and again when it died."""
        self._policies += 1
        name = f"apply {self._policies}"
        file = self.demo.folder / f"policy-{self._policies}.yaml"
        text = self.set_up.read_text()
        file.write_text(changed_policy(text) if self._policies % 2 else text)
        self._count("policy_applied", "the changed file" if self._policies % 2 else "the first file")
        self.keeper.errands[name] = False
        command = [sys.executable, str(Path(settings.BASE_DIR) / "manage.py"), "apply", str(file)]
        self.keeper.start(name, command, self.demo.env, settings.BASE_DIR)

    # The servers

    def restart_postgres(self) -> None:
        self._postgres("restarted", signal.SIGINT)

    def crash_postgres(self) -> None:
        self._postgres("ended_at_once", signal.SIGQUIT)

    def kill_postgres(self) -> None:
        self._postgres("killed", signal.SIGKILL)

    def _postgres(self, how: str, number: signal.Signals) -> None:
        """The hub starts it again by itself."""
        self._count(f"postgres_{how}")
        for process in programs.processes_in(settings.PLACE.postgres, postgres.PROGRAM)[:1]:
            process.send_signal(number)

    def flush_redis(self) -> None:
        self._redis("flushed", lambda: client().flushall())

    def kill_redis(self) -> None:
        self._count("redis_killed")
        for process in programs.processes_in(settings.PLACE.redis, "redis-server"):
            process.send_signal(signal.SIGKILL)

    def fill_redis(self) -> None:
        """Nothing can be rung until it has room again."""
        self._redis("filled", lambda: client().config_set("maxmemory", "1mb"))
        self._redis("", lambda: client().config_set("maxmemory-policy", "noeviction"))
        self._after(FULL, self.empty_redis)

    def empty_redis(self) -> None:
        self._redis("", lambda: client().config_set("maxmemory", "0"))

    def _redis(self, how: str, command: Callable[[], object]) -> None:
        try:
            command()
        except redis.RedisError as error:
            self.tell(f"  Redis was away already: {error}")
            return
        if how:
            self._count(f"redis_{how}")

    # The systems

    def _child(self, role: str) -> Child:
        return self.keeper.named(TITLES[role])[0]

    def _free(self, roles: list[str]) -> str | None:
        free = [role for role in roles if role not in self._busy]
        return self.random.choice(free) if free else None

    def freeze_system(self) -> None:
        """The network to it swallows everything."""
        role = self._free(["crm", "billing", "directory"])
        if role is None:
            return
        child = self._child(role)
        self._count("system_frozen", role)
        self._busy.add(role)
        self.keeper.freeze(child, True)

        def thaw() -> None:
            self.keeper.freeze(child, False)
            self._busy.discard(role)

        self._after(FROZEN, thaw)

    def close_system(self) -> None:
        """Killed, its port closed for a while; people cannot reach it either."""
        role = self._free(["crm", "billing"])
        if role is None:
            return
        self._count("system_closed", role)
        self._busy.add(role)
        self.doors.shut(role)
        self.keeper.take_down(self._child(role))
        self._after(CLOSED, lambda: self._put_back(role))

    def _put_back(self, role: str) -> None:
        child, sandbox = self._child(role), self._sandbox(role)
        self.keeper.put_back(child)
        self.keeper.wait_ready(child, sandbox.answers)
        self._busy.discard(role)
        self.doors.open(role)

    def _sandbox(self, role: str) -> Sandbox:
        return next(one for one in self.demo.sandboxes if one.name == role)

    def expire_tokens(self) -> None:
        """Every access token to one system ends now: whoever is refused renews it, once for all."""
        role = self._free(["crm", "billing"])
        if role is None:
            return
        ended = self._sandbox(role).back("POST", "expire")["expired"]
        self._count("tokens_expired", f"{role}, {ended} of them")

    def jump_system_clock(self) -> None:
        role = self._free(["crm", "billing"])
        if role is None:
            return
        offset = self.random.choice([-30.0, -5.0, 30.0])
        self._count("system_clock_jumped", f"{role} {offset:+.0f} s, and back later")
        sandbox = self._sandbox(role)
        self._busy.add(role)
        sandbox.faults({"seed": len(role), **FAULTS, "clock_skew_seconds": offset})

        def back() -> None:
            sandbox.faults({"seed": len(role), **FAULTS})
            self._busy.discard(role)

        self._after(ANOTHER_TIME, back)

    def restore_system(self) -> None:
        """A copy now; in a while the system is set back to it."""
        role = self._free(["crm", "billing"])
        if role is None:
            return
        self._busy.add(role)
        self.doors.shut(role)
        taken = datetime.now(UTC)
        self._sandbox(role).back("POST", "snapshot", json={"name": SNAPSHOT})
        self.doors.open(role)
        self._after(SINCE_SNAPSHOT, lambda: self._set_back(role, taken))

    def _set_back(self, role: str, taken: datetime) -> None:
        self.doors.shut(role)
        versions = {row["id"]: row["version"] for row in self._sandbox(role).rows()}
        self._sandbox(role).back("POST", "restore", json={"name": SNAPSHOT, "actor": "Operations"})
        held = held_by_unit({role: self.scene.systems[role].held()}, self.scene.people, self.scene.policy)
        now = datetime.now(UTC)
        known = {person: versions.get(ids[role], 0) for person, ids in self.scene.people.ids.items()}
        self.restores.append(Restore(role, taken, now, {place: told[role] for place, told in held.items()}, known))
        self._count("system_restored", f"{role}, to {(now - taken).total_seconds():.1f} s ago")
        self._busy.discard(role)
        self.doors.open(role)

"""The first sync of two systems that know mostly the same people: how long it takes, and that nobody is doubled.

Two sandboxes over HTTP, web server, two workers and schedule in processes of their own. Webhooks of what the hub makes
arrive twice, and a worker is killed in the middle of its creates and replaced.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import json
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django
import psutil
import requests

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "syncapp.settings")
os.environ.setdefault("LOG_LEVEL", "WARNING")

if TYPE_CHECKING:
    from bench.twins import Held
    from syncapp.demo.processes import Child, Supervisor
    from syncapp.demo.sandboxes import Sandbox

SETTING = Path(__file__).with_name("first_sync.yaml")
WORKERS = (("default", "inbox", "push"), ("default", "push", "inbox"))
SIDES = ("crm", "billing")
PATIENCE = 3600.0
Tell = Callable[[str], None]


@dataclass(slots=True)
class Found:
    """What the scenario came to. `seconds` by phase; phases overlap where two workers are at it."""

    records: int
    overlap: float
    seconds: dict[str, float] = field(default_factory=dict)
    per_second: float = 0.0
    processor: dict[str, float] = field(default_factory=dict)
    creates: int = 0
    updates: int = 0
    questions: int = 0
    api_calls: dict[str, int] = field(default_factory=dict)
    deliveries: int = 0
    killed: int = 0
    load: tuple[float, ...] = ()
    doubled: int = -1
    unlinked: int = -1
    not_in_step: int = -1
    writes_of_a_second_sync: int = -1
    examples: list[str] = field(default_factory=list)

    @property
    def fine(self) -> bool:
        return not (self.doubled or self.unlinked or self.not_in_step or self.writes_of_a_second_sync)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.first_sync", description=__doc__)
    parser.add_argument("--records", type=int, default=100_000, help="how many each side holds (100,000)")
    parser.add_argument("--overlap", type=float, default=0.8, help="the share that both sides hold (0.8)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()

    from syncapp.demo.place import in_fresh_place, inside

    if not inside():
        raise SystemExit(in_fresh_place(["-m", "bench.first_sync", *sys.argv[1:]]))
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    django.setup()
    from django.core.management import call_command

    from syncapp.ready import have_servers

    have_servers(need_redis=True)
    call_command("migrate", verbosity=0)
    found = scenario(options.records, options.overlap, lambda line: print(line, file=sys.stderr))  # noqa: T201
    print(json.dumps(asdict(found)) if options.json else report(found))  # noqa: T201
    raise SystemExit(0 if found.fine else 1)


def scenario(records: int, overlap: float, tell: Tell) -> Found:
    from bench import twins
    from syncapp.demo.run import supervised
    from syncapp.demo.setup import kept_folder

    folder = kept_folder()
    found = Found(records, overlap)
    tell(f"Filling two systems with {records:,} people each, {overlap:.0%} of them the same")
    files = {name: folder / f"{name}.sqlite" for name in SIDES}
    twins.fill("crm", files["crm"], 1, records)
    twins.fill("billing", files["billing"], 1 + records - round(records * overlap), records)
    with supervised(folder / "logs") as supervisor, running(supervisor, files, tell) as sides:
        _carry_out(found, supervisor, sides, tell)
        found.api_calls = {name: sum(side.stats()["api_calls"].values()) for name, side in sides.items()}
        _second_sync(found, files, tell)
    _compare(found, twins.held("crm", files["crm"]), twins.held("billing", files["billing"]))
    return found


@contextmanager
def running(supervisor: Supervisor, files: dict[str, Path], tell: Tell) -> Iterator[dict[str, Sandbox]]:
    """The two systems and the hub's web server; the hub is set up, and does not work yet."""
    from django.conf import settings
    from django.core.management import call_command

    from syncapp.demo.processes import free_port
    from syncapp.demo.sandboxes import Sandbox
    from syncapp.models import Account

    token, secret = secrets.token_urlsafe(16), "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
    os.environ |= {"BENCH_TOKEN": token, "BENCH_WEBHOOK_SECRET": secret, "SANDBOX_TOKEN": token}
    sides = {}
    for name in SIDES:
        port = free_port()
        command = [
            sys.executable,
            "-m",
            "syncapp.sandbox",
            "--dialect",
            name,
            "--port",
            str(port),
            "--webhook-batch",
            "50",
        ]
        child = supervisor.start(name, [*command, "--data", str(files[name])], os.environ, settings.BASE_DIR)
        sides[name] = Sandbox(name, f"http://127.0.0.1:{port}")
        os.environ[f"BENCH_{name.upper()}_URL"] = sides[name].url
        supervisor.wait_ready(child, sides[name].answers)
    with open(os.devnull, "w") as nowhere:
        call_command("apply", str(SETTING), stdout=nowhere)
    port = free_port()
    web = [sys.executable, "-m", "gunicorn", "syncapp.wsgi", "--bind", f"127.0.0.1:{port}"]
    told = supervisor.start("web", [*web, "--threads", "4", "--no-control-socket"], os.environ, settings.BASE_DIR)
    supervisor.wait_ready(told, lambda: _answers(f"http://127.0.0.1:{port}/admin/login/"))
    for name, side in sides.items():
        side.faults({"webhook_duplicate": 1.0})
        side.hook(f"http://127.0.0.1:{port}/hooks/{Account.objects.get(slug=name).webhook_token}/", secret)
    tell("Two systems and the hub's web server run")
    yield sides


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.RequestException:
        return False


def _manage(supervisor: Supervisor, name: str, *words: str) -> Child:
    from django.conf import settings

    return supervisor.start(
        name, [sys.executable, str(settings.BASE_DIR / "manage.py"), *words], os.environ, settings.BASE_DIR
    )


def _carry_out(found: Found, supervisor: Supervisor, sides: dict[str, Sandbox], tell: Tell) -> None:
    from django.db.models import Count

    from syncapp.demo.rest import at_rest, loaded, standing
    from syncapp.models import Conflict, Delivery, Ledger, Push

    started = time.monotonic()
    workers = [_manage(supervisor, f"worker {n}", "rqworker", *queues) for n, queues in enumerate(WORKERS, 1)]
    _manage(supervisor, "schedule", "scheduler")
    marks = {"read and judge crm": _loaded("crm"), "read and judge billing": _loaded("billing")}
    marks |= {"creates": _none_left("create"), "updates": _none_left("update")}
    marks["rest"] = lambda: at_rest(list(sides.values()))
    told_at = started
    while len(found.seconds) < len(marks):
        supervisor.check()
        if not found.killed and loaded() and _in_the_middle_of_creates(workers[1]):
            _kill_and_replace(supervisor, workers[1])
            found.killed = 1
        for name, reached in marks.items():
            if name not in found.seconds and (name != "rest" or len(found.seconds) == len(marks) - 1) and reached():
                found.seconds[name] = round(time.monotonic() - started, 1)
                tell(f"  {found.seconds[name]:7.1f} s  {name}: done; {standing()}")
        now = time.monotonic()
        if now - told_at > 15:
            told_at = now
            tell(f"  {now - started:7.1f} s  {standing()}")
        if now - started > PATIENCE:
            raise SystemExit(f"bench: no rest within {PATIENCE:.0f} s: {standing()}")
        time.sleep(0.5)
    found.processor = busy(supervisor)
    found.per_second = round(2 * found.records / found.seconds["rest"], 1)
    ended = dict(Push.objects.filter(state="confirmed").values_list("why").annotate(Count("id")).order_by())
    made = ended.get("create", 0)
    found.creates, found.updates = made + Ledger.objects.filter(verdict="found").count(), ended.get("update", 0)
    found.questions = Conflict.objects.filter(state="open").count()
    found.deliveries = Delivery.objects.count()
    found.load = tuple(round(one, 1) for one in os.getloadavg())


def busy(supervisor: Supervisor) -> dict[str, float]:
    """Processor seconds by process: what a machine without other work would need at least, over its cores."""
    from syncapp.demo.setup import kept_folder

    place = str(kept_folder().parent)
    servers = [one for one in psutil.process_iter(["name", "cmdline"]) if place in " ".join(one.info["cmdline"] or ())]
    told: dict[str, float] = {"bench itself": time.process_time()}
    for child in supervisor.children:
        told[child.name] = _seconds(psutil.Process(child.process.pid))
    for server in servers:
        if server.info["name"] in ("postgres", "redis-server"):
            told[server.info["name"]] = told.get(server.info["name"], 0.0) + _seconds(server)
    return {name: round(seconds, 1) for name, seconds in told.items()}


def _seconds(process: psutil.Process) -> float:
    """Its own and those of its children, also of those that have ended."""
    out = 0.0
    for one in (process, *process.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = one.cpu_times()
            out += times.user + times.system + (times.children_user + times.children_system if one is process else 0.0)
    return out


def _loaded(role: str) -> Callable[[], bool]:
    from syncapp.models import Feed

    return lambda: Feed.objects.filter(role__name=role, cursor__full_at__isnull=False).exists()


def _none_left(why: str) -> Callable[[], bool]:
    """Nothing of this kind waits or is on its way, once everything was read."""
    from syncapp.demo.rest import loaded
    from syncapp.models import Push

    return lambda: loaded() and not Push.objects.filter(state__in=["pending", "sending"], why=why).exists()


def _in_the_middle_of_creates(worker: Child) -> bool:
    """Stopped for a moment: what is still on its way when all others are through is this worker's."""
    from syncapp.models import Push

    sending = Push.objects.filter(state="sending", why="create")
    if not sending.exists():
        return False
    os.killpg(worker.process.pid, signal.SIGSTOP)
    before = set(sending.values_list("key", flat=True))
    time.sleep(2.0)
    if before & set(sending.values_list("key", flat=True)):
        return True
    os.killpg(worker.process.pid, signal.SIGCONT)
    return False


def _kill_and_replace(supervisor: Supervisor, worker: Child) -> None:
    """Its whole group, with whatever it was just doing."""
    os.killpg(worker.process.pid, signal.SIGKILL)
    worker.process.wait()
    supervisor.children.remove(worker)
    _manage(supervisor, f"{worker.name} again", "rqworker", *WORKERS[1])


def _second_sync(found: Found, files: dict[str, Path], tell: Tell) -> None:
    """Everything once more, beside the workers; at rest nothing is to be written."""
    from bench.twins import written
    from policies.models import Sync
    from syncapp.sweep import sync_now

    before = {name: written(path) for name, path in files.items()}
    tell("At rest; one more full sync")
    started = time.monotonic()
    report = sync_now(Sync.objects.get(), full=True)
    if report.failed:
        raise SystemExit(f"bench: the second sync failed: {'; '.join(report.failed)}")
    found.seconds["a second full sync"] = round(time.monotonic() - started, 1)
    found.writes_of_a_second_sync = sum(written(path) - before[name] for name, path in files.items())


def _compare(found: Found, crm: Held, billing: Held) -> None:
    """By the systems' own files: each person once a side, every field in step or asked about."""
    from bench.twins import differing
    from syncapp.models import Conflict, Record

    asked: dict[str, set[str]] = {}
    open_ones = Conflict.objects.filter(state="open").values_list("record__beliefs", "unit")
    for beliefs, unit in open_ones.iterator():
        asked.setdefault(beliefs["email"]["value"]["email"], set()).add(unit)
    found.doubled = crm.doubled + billing.doubled + Record.objects.count() - len(crm.people)
    apart = differing(crm, billing)
    found.unlinked = sum(names == [""] for names in apart.values())
    named: dict[str, Any] = {"lastname": "last_name"}
    silent = [
        f"{email}: {', '.join(names)}"
        for email, names in sorted(apart.items())
        if names != [""] and not {named.get(name, name) for name in names} <= asked.get(email, set())
    ]
    found.not_in_step, found.examples = len(silent), silent[:10]


def report(found: Found) -> str:
    lines = [
        f"first sync of {found.records:,} + {found.records:,} records, {found.overlap:.0%} on both sides: "
        f"{found.seconds['rest']:.0f} s, {found.per_second:.0f} records a second, load {found.load}",
        *(f"  {seconds:8.1f} s  {name}" for name, seconds in found.seconds.items()),
        f"  {sum(found.processor.values()):8.1f} s  of processor, {found.processor}",
        f"  {found.creates:,} creates, {found.updates:,} updates, {found.questions:,} questions, "
        f"{sum(found.api_calls.values()):,} API calls {found.api_calls}, {found.deliveries:,} webhooks, "
        f"{found.killed} worker killed in the middle of creates",
        f"  doubled {found.doubled}, on one side only {found.unlinked}, neither in step nor asked about "
        f"{found.not_in_step}, writes of a second full sync {found.writes_of_a_second_sync}",
        *(f"    {one}" for one in found.examples),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()

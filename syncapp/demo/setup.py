"""Put the demo together: four systems, the hub's web server, workers and schedule, and what ties them."""

from __future__ import annotations

import base64
import os
import secrets
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg
import requests
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from psycopg import sql

from syncapp.apply import apply, read
from syncapp.keyfile import kept_secret
from syncapp.models import Account
from syncapp.outboxes import install

from .database import DATABASE, ROLE, Database, address
from .directory import BUCKET, COLLECTION, USER, Directory, write_ini
from .people import Population, settle_in
from .processes import DemoProblem, Supervisor, free_port
from .sandboxes import Sandbox

FILE = Path(__file__).with_name("concord.yaml")
ACCOUNTS = {"crm", "billing", "directory", "company"}
CRM_TITLE, BILLING_TITLE = "Northwind CRM", "Northwind Billing"
WANTED = {"web": 8100, "crm": 8101, "billing": 8102, "directory": 8103}
SERVERS = ".venv-servers"
# Each helps the other, but a flood of webhooks must not keep writes and polls waiting, nor the other way round.
WORKERS = (("default", "inbox", "push"), ("default", "push", "inbox"))
DIRECTORY_DATABASE = "concord_directory"
SYSTEMS = ("CONCORD_CRM", "CONCORD_BILLING", "CONCORD_DIRECTORY", "CONCORD_COMPANY")
HUB = {"CONCORD_DATA", "DATABASE_URL", "REDIS_URL"}  # as far as the demo was started with them
Tell = Callable[[str], None]


@dataclass(slots=True)
class Demo:
    """Everything that runs, and how to reach it."""

    supervisor: Supervisor
    folder: Path
    web: str
    crm: Sandbox
    billing: Sandbox
    directory: Directory
    env: Mapping[str, str]
    database: Database | None = None

    @property
    def sandboxes(self) -> tuple[Sandbox, Sandbox]:
        return self.crm, self.billing

    def hook(self) -> None:
        """Both sandboxes announce their changes to the hub; the directory has no webhooks."""
        for sandbox in self.sandboxes:
            token = Account.objects.get(slug=sandbox.name).webhook_token
            sandbox.hook(f"{self.web}/hooks/{token}/", self.env[f"CONCORD_{sandbox.name.upper()}_WEBHOOK_SECRET"])


def refuse_real_data() -> None:
    """The demo makes logins with passwords that everybody can read here: never beside real accounts."""
    others = sorted(set(Account.objects.values_list("slug", flat=True)) - ACCOUNTS)
    if others:
        raise DemoProblem(
            f"This hub already has accounts of its own ({', '.join(others)}), and the demo would make logins with "
            "known passwords beside them: set CONCORD_DATA (or DATABASE_URL and REDIS_URL) to a place of its own."
        )


def choose_ports(wanted: Mapping[str, int], tell: Tell) -> dict[str, int]:
    ports: dict[str, int] = {}
    for name, port in wanted.items():
        ports[name] = free_port(port)
        while ports[name] in {taken for other, taken in ports.items() if other != name}:
            ports[name] = free_port(ports[name] + 1 if port else 0)
        if port and ports[name] != port:
            tell(f"Port {port} is in use; {name} is at port {ports[name]} instead.")
    return ports


def kept_folder() -> Path:
    """Where the demo's own files are, beside the embedded servers' data."""
    folder = Path(settings.DATA_FOLDER) / "demo"
    (folder / "logs").mkdir(parents=True, mode=0o700, exist_ok=True)
    return folder


def environment(folder: Path, ports: Mapping[str, int]) -> dict[str, str]:
    """What the set-up file's references name. Secrets are made once and kept."""

    def kept(name: str) -> str:
        return kept_secret(folder / name, lambda: secrets.token_urlsafe(24))

    def webhook(name: str) -> str:
        return kept_secret(folder / name, lambda: "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode())

    return {
        "CONCORD_CRM_URL": f"http://127.0.0.1:{ports['crm']}",
        "CONCORD_CRM_TOKEN": kept("crm_token"),
        "CONCORD_CRM_WEBHOOK_SECRET": webhook("crm_webhook"),
        "CONCORD_BILLING_URL": f"http://127.0.0.1:{ports['billing']}",
        "CONCORD_BILLING_TOKEN": kept("billing_token"),
        "CONCORD_BILLING_WEBHOOK_SECRET": webhook("billing_webhook"),
        "CONCORD_DIRECTORY_URL": f"http://127.0.0.1:{ports['directory']}",
        "CONCORD_DIRECTORY_BUCKET": BUCKET,
        "CONCORD_DIRECTORY_COLLECTION": COLLECTION,
        "CONCORD_DIRECTORY_USER": USER,
        "CONCORD_DIRECTORY_PASSWORD": kept("directory_password"),
        **{f"CONCORD_COMPANY_{name.upper()}": value for name, value in address().items()},
        "CONCORD_COMPANY_DATABASE": DATABASE,
        "CONCORD_COMPANY_USER": ROLE,
        "CONCORD_COMPANY_PASSWORD": kept("company_password"),
    }


def build(
    supervisor: Supervisor,
    ports: Mapping[str, int],
    tell: Tell,
    *,
    in_memory: bool = False,
    more: Mapping[str, str] | None = None,
    everybody: Population = Population(),  # noqa: B008 - frozen
    set_up: Path = FILE,
    sandbox_words: Sequence[str] = (),
    with_database: bool = True,
) -> Demo:
    """Start the systems and fill them, migrate, apply the set-up file. The hub does not run yet.

    `more` is what processes find in their environment, and this one does not; the sandboxes are told `sandbox_words`
    beside the usual.
    """
    folder = supervisor.logs.parent
    named = environment(folder, ports)
    os.environ.update(named)  # this process too uses the accounts
    env = {**os.environ, "PYTHONUNBUFFERED": "1", **(more or {})}
    tell("Preparing the database")
    call_command("migrate", verbosity=0, interactive=False)
    refuse_real_data()
    demo = Demo(
        supervisor, folder, f"http://127.0.0.1:{ports['web']}",
        Sandbox("crm", named["CONCORD_CRM_URL"]), Sandbox("billing", named["CONCORD_BILLING_URL"]),
        Directory(named["CONCORD_DIRECTORY_URL"], named["CONCORD_DIRECTORY_PASSWORD"]), env,
    )  # fmt: skip
    tell("Starting a CRM, a billing system and the company directory")
    _start_systems(demo, ports, in_memory, everybody, sandbox_words)
    settle_in(demo.crm, demo.billing, demo.directory, everybody)
    if with_database:
        demo.database = Database.prepare(named["CONCORD_COMPANY_PASSWORD"])
    apply(read(set_up), by="demo")
    if with_database:
        install(Account.objects.get(slug="company"), "customers")
    return demo


def _start_systems(
    demo: Demo, ports: Mapping[str, int], in_memory: bool, everybody: Population, words: Sequence[str]
) -> None:
    start, folder = demo.supervisor.start, demo.folder
    children = []
    for sandbox, title, people in (
        (demo.crm, CRM_TITLE, everybody.crm),
        (demo.billing, BILLING_TITLE, everybody.billing),
    ):
        command = [
            sys.executable,
            "-m",
            "syncapp.sandbox",
            "--dialect",
            sandbox.name,
            "--port",
            str(ports[sandbox.name]),
        ]
        command += ["--data", str(folder / f"{sandbox.name}.sqlite"), "--title", title, "--seed", str(len(people))]
        token = demo.env[f"CONCORD_{sandbox.name.upper()}_TOKEN"]
        env = {**demo.env, "SANDBOX_TOKEN": token}
        children.append(
            (start(title, [*command, "--client", "Concord", *words], env, settings.BASE_DIR), sandbox.answers)
        )
    kinto = Path(settings.BASE_DIR) / SERVERS / "bin" / "kinto"
    if not kinto.exists():
        raise DemoProblem("The directory's server, Kinto, is not installed: run `make servers-venv`.")
    ini = folder / "directory.ini"
    database = "" if in_memory else directory_database()
    write_ini(ini, ports["directory"], kept_secret(folder / "directory_hmac", lambda: secrets.token_hex(24)), database)
    if database:
        migrated = start("directory migration", [kinto, "migrate", "--ini", ini], demo.env, folder)
        if migrated.process.wait(60) != 0:
            raise DemoProblem(migrated.obituary())
        demo.supervisor.children.remove(migrated)
    command = [str(kinto), "start", "--ini", str(ini), "--port", str(ports["directory"])]
    children.append((start("directory", command, demo.env, folder), demo.directory.answers))
    for child, answers in children:
        demo.supervisor.wait_ready(child, answers)
    demo.directory.prepare()


def directory_database() -> str:
    """The address of the directory's own database on the hub's server, so that it too outlives a restart."""
    given: dict[str, Any] = connection.get_connection_params()
    parts = {"host": given.get("host"), "port": given.get("port"), "user": given.get("user")}
    with psycopg.connect(**{k: v for k, v in given.items() if k in ("host", "port", "user", "password")},
                         dbname=given["dbname"], autocommit=True) as server:  # fmt: skip
        known = server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DIRECTORY_DATABASE]).fetchone()
        if known is None:
            server.execute(sql.SQL("CREATE DATABASE {} ENCODING 'UTF8'").format(sql.Identifier(DIRECTORY_DATABASE)))
            server.execute(
                sql.SQL("ALTER DATABASE {} SET TIMEZONE TO 'UTC'").format(sql.Identifier(DIRECTORY_DATABASE))
            )
    query = {name: str(value) for name, value in parts.items() if value}
    if given.get("password"):
        query["password"] = str(given["password"])
    return f"postgresql:///{DIRECTORY_DATABASE}?{urlencode(query)}"


def start_hub(demo: Demo, tell: Tell, *, schedules: int = 1) -> None:
    """The web server, the workers and the schedule."""
    tell("Starting the hub: web server, workers, schedule")
    start, root = demo.supervisor.start, settings.BASE_DIR
    manage = [sys.executable, str(Path(root) / "manage.py")]
    port = demo.web.rpartition(":")[2]
    gunicorn = [sys.executable, "-m", "gunicorn", "syncapp.wsgi", "--bind", f"127.0.0.1:{port}"]
    web = start("web", [*gunicorn, "--workers", "2", "--threads", "4", "--no-control-socket"], demo.env, root)
    for number, queues in enumerate(WORKERS, start=1):
        start(f"worker {number}", [*manage, "rqworker", *queues], demo.env, root)
    for number in range(1, schedules + 1):
        start("schedule" if number == 1 else f"schedule {number}", [*manage, "scheduler"], demo.env, root)
    demo.supervisor.wait_ready(web, lambda: _web_answers(demo.web))


def _web_answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/admin/login/", timeout=5).ok
    except requests.RequestException:
        return False


def write_env_file(demo: Demo) -> Path:
    """For commands in another terminal: the accounts' addresses and secrets are read from the environment, and which
    hub is meant as well, or a command would speak to the one that is there without it."""
    path = demo.folder / "env"
    path.touch(mode=0o600)
    told = {name: value for name, value in demo.env.items() if value and (name in HUB or name.startswith(SYSTEMS))}
    if "CONCORD_DATA" in told:  # the other terminal may stand in another folder
        told["CONCORD_DATA"] = str(Path(told["CONCORD_DATA"]).expanduser().resolve())
    path.write_text("".join(f"export {name}={shlex.quote(value)}\n" for name, value in sorted(told.items())))
    return path

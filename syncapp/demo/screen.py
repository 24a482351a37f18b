"""What the demo prints when everything runs: addresses, logins, and four things to try."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .directory import USER
from .setup import BILLING_TITLE, CRM_TITLE, Demo

SCREEN = """
Concord runs, and its four systems agree. Ctrl-C stops everything; `make demo` goes on from there.

  The hub             {web}/            (pages of systems, records and questions)
  {crm_title:<18}  {crm}/            (edit contacts here, as people in sales would)
  {billing_title:<18}  {billing}/            (and here, as people in accounting would)
  Company directory   {directory}/v1/         (Kinto; it has no webhooks and is asked every second)
  Company database    {psql}
                      (PostgreSQL; its outbox tells the hub of changes at once)

  Sign in at the hub as{logins}

Try this
  1. Open {crm}/ and {billing}/ side by side, and change the first name of {name}
     in one of them: the other follows within about a second, and so does the record page in the hub.
  2. Change the phone of the same contact in both systems at once (save both within half a second): nobody owns that
     field, so a question appears at {web}/review/ ; sign in as robin and
     answer it. The answer is written to all four.
  3. Change {name}'s first name in the directory:

     {curl}

  4. Change a row of the company's own database, and see it in the CRM within about a second:

     {psql} -c "UPDATE customers SET last_name = 'Mustermann' WHERE email = '{mail}'"

Logs and data: {folder}
For commands in another terminal (`manage.py sync contacts`, `manage.py explain …`): . {env}
"""


def screen(demo: Demo, logins: Sequence[tuple[str, str, str]], env: Path) -> str:
    told = "".join(f"\n    {name:<8} password {password:<16} {team}" for name, password, team in logins)
    name, curl = curl_example(demo)
    psql, mail = ("", "") if demo.database is None else (demo.database.psql(), demo.database.rows()[0]["email"])
    return SCREEN.format(
        web=demo.web, crm=demo.crm.url, billing=demo.billing.url, directory=demo.directory.url, logins=told,
        crm_title=CRM_TITLE, billing_title=BILLING_TITLE, name=name, curl=curl, psql=psql, mail=mail,
        folder=demo.folder, env=env,
    )  # fmt: skip


def curl_example(demo: Demo) -> tuple[str, str]:
    """A person of the directory, and the command that changes their first name there."""
    rows = sorted(demo.directory.rows(), key=lambda row: str(row.get("mail")))
    row = rows[0]
    name = f"{row.get('given_name')} {row.get('family_name')}"
    command = (
        f"curl -s -X PATCH -u {USER}:{demo.directory.password} -H 'Content-Type: application/json' "
        f'-d \'{{"data": {{"given_name": "Alexandra"}}}}\' {demo.directory.records_url}/{row["id"]}'
    )
    return name, command

"""Make the teams, or bring their permissions back to what they should be."""

from typing import Any

from django.core.management.base import BaseCommand

from review.teams import TEAMS, make_teams


class Command(BaseCommand):
    help = "Make the teams (Business owner, Reviewer, Admin, Viewer) with their permissions. Safe to repeat."

    def handle(self, *args: Any, **options: Any) -> None:
        made = make_teams()
        self.stdout.write(f"Made: {', '.join(made)}." if made else "Nothing to change.")
        self.stdout.write(f"Teams: {', '.join(TEAMS)}. Add people to them under People in the sidebar.")

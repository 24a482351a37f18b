"""List the providers that this hub knows."""

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from syncapp.certificates import Held, held
from syncapp.certify.find import ways
from syncapp.certify.offers import capabilities, offers
from syncapp.connectors import registry
from syncapp.connectors.errors import ManifestError
from syncapp.connectors.spec import Manifest

NEVER = "never certified here"


class Command(BaseCommand):
    help = (
        "Every provider with its objects, what its file declares, and what the suite found last in this installation."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON list")

    def handle(self, *args: Any, **options: Any) -> None:
        folders, known = tuple(settings.PROVIDER_FOLDERS), held()
        told: list[dict[str, Any]] = []
        for slug in registry.files(folders):
            try:
                told.append(self._provider(registry.load(slug, folders), known.get(slug, [])))
            except ManifestError as error:
                told.append({"provider": slug, "problem": str(error)})
        if options["json"]:
            self.stdout.write(json.dumps(told))
        else:
            self.stdout.write("\n".join(line for one in told for line in self._lines(one)))

    def _provider(self, manifest: Manifest, certificates: list[Held]) -> dict[str, Any]:
        return {
            "provider": manifest.slug, "name": manifest.name, "file": manifest.file, "docs": manifest.docs,
            "objects": {
                name: [word for word, can in offers(spec).items() if can] for name, spec in manifest.objects.items()
            },
            "capabilities": capabilities(manifest), "can_be_tried_at": ways(manifest),
            "certificates": [self._certificate(one) for one in certificates],
        }  # fmt: skip

    def _certificate(self, found: Held) -> dict[str, Any]:
        row = found.certificate
        return {
            "against": row.against, "account": row.account, "date": row.made_at.isoformat(timespec="seconds"),
            "verdict": row.verdict, "capabilities": row.capabilities, "writes": row.writes,
            "hub_version": row.hub_version, "current": found.current,
        }  # fmt: skip

    def _lines(self, told: dict[str, Any]) -> list[str]:
        if "problem" in told:
            return [f"{told['provider']}: {told['problem']}", ""]
        out = [f"{told['provider']}: {told['name']}", f"  objects       {', '.join(told['objects'])}"]
        out.append(f"  capabilities  {', '.join(told['capabilities'])}")
        for one in told["certificates"]:
            stale = "" if one["current"] else "; its file has changed since"
            place = " ".join(text for text in (one["against"], one["account"]) if text)
            out.append(f"  {one['date'][:10]}    {one['verdict']} against {place}{stale}")
        return [*out, *([] if told["certificates"] else [f"  {NEVER}"]), ""]

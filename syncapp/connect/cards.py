"""What each provider can do, told from its file: the cards that one chooses from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from django.conf import settings

from syncapp.certificates import Held, held
from syncapp.connectors import registry
from syncapp.connectors.errors import ManifestError
from syncapp.connectors.spec import Manifest, ObjectSpec

Able = Callable[[ObjectSpec], bool]


# In the order in which they are read: what it is called, and what an object of the provider needs for it.
ABILITIES: tuple[tuple[str, Able], ...] = (
    ("read", lambda spec: spec.can("list")),
    ("changes since", lambda spec: spec.tells_changes),
    ("create", lambda spec: spec.can("create")),
    ("update", lambda spec: spec.can("update")),
    ("delete", lambda spec: spec.can("delete")),
    ("conditional writes", lambda spec: spec.conditional),
    ("batches", lambda spec: any(spec.can(name) for name in ("read_many", "create_many", "update_many"))),
    ("deletes told", lambda spec: spec.deletes != "never"),
)


# Any table can do these; what else depends on the one that is chosen.
SQL = ("read", "changes since", "create", "update", "delete", "conditional writes", "batches")


VERDICTS = {"certified": "Certified", "partly": "Partly certified", "not": "Refused by the suite"}


@dataclass(frozen=True, slots=True)
class Card:
    """One provider. `trouble` stands in place of everything else where its file cannot be read."""

    slug: str
    name: str
    docs: str = ""
    objects: Sequence[str] = ()
    abilities: Sequence[str] = ()
    quirks: Sequence[str] = ()
    trouble: str = ""
    proofs: Sequence[str] = ()

    @property
    def docs_link(self) -> str:
        """Only what a browser can open: a file's own documentation may be a page of this project."""
        return self.docs if self.docs.startswith(("https://", "http://")) else ""


def card_of(manifest: Manifest) -> Card:
    objects = list(manifest.objects.values())
    able = [word for word, can in ABILITIES if any(can(spec) for spec in objects)]
    hooks = ["webhooks"] if manifest.webhook is not None else []
    if manifest.sql is not None:
        return Card(manifest.slug, manifest.name, manifest.docs, ["The tables that you choose"], SQL, manifest.quirks)
    names = [spec.name for spec in objects]
    return Card(manifest.slug, manifest.name, manifest.docs, names, able[:2] + hooks + able[2:], manifest.quirks)


def cards(wanted: str = "") -> list[Card]:
    """Every provider by name, or those that have all words of the search; one wrong file hides no other."""
    folders = tuple(settings.PROVIDER_FOLDERS)
    known = held()
    found = [replace(_card(slug, folders), proofs=_proofs(known.get(slug, ()))) for slug in registry.files(folders)]
    words = wanted.casefold().split()
    return sorted((one for one in found if all(word in _text(one) for word in words)), key=lambda one: one.name.lower())


def _proofs(certificates: Sequence[Held]) -> list[str]:
    """What the suite found last, against each kind of place."""
    out = []
    for one in certificates:
        row, stale = one.certificate, "" if one.current else "; its file has changed since"
        said = VERDICTS.get(row.verdict, row.verdict.capitalize())
        out.append(f"{said} against {row.against}, {row.made_at:%Y-%m-%d}{stale}.")
    return out


def _card(slug: str, folders: tuple[object, ...]) -> Card:
    try:
        return card_of(registry.load(slug, folders))  # type: ignore[arg-type]
    except ManifestError as error:
        return Card(slug, slug, trouble=str(error))


def _text(card: Card) -> str:
    return " ".join((card.slug, card.name, *card.objects, *card.abilities)).casefold()

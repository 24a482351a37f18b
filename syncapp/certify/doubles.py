"""A double as a place: started here, or running already and known by its address."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from syncapp.certify.place import Against, Place
from syncapp.connectors.spec import Manifest
from syncapp.doubles.control import Controls
from syncapp.doubles.find import beside, find, slugs


class NoPlace(Exception):
    """There is nowhere to try the provider; the sentence says what to do."""


def has_double(manifest: Manifest) -> bool:
    return manifest.slug in slugs() or beside(Path(manifest.file)) is not None


@contextmanager
def places(manifest: Manifest, name: str = "") -> Iterator[list[Place]]:
    """``name``: a slug, a file or an address; without it, the double beside the provider's file or the package's."""
    if name.startswith(("http://", "https://")):
        yield [_place(manifest, name)]
        return
    own = beside(Path(manifest.file))
    with find(name or (str(own) if own else manifest.slug))().serve() as running:
        yield [_place(manifest, running.url)]


def _place(manifest: Manifest, url: str) -> Place:
    controls = Controls(url)
    config, secrets = controls.account()
    known = {**config, **secrets}
    lacking = [
        name
        for name, setting in {**manifest.config, **manifest.secrets}.items()
        if setting.required and setting.default is None and not setting.ways and name not in known
    ]
    if lacking:
        told = ", ".join(sorted(known))
        raise NoPlace(f"The double of {controls.slug} does not give {', '.join(lacking)}. It gives: {told}.")
    objects = tuple(name for name in manifest.objects if controls.has(name))
    settings = {name: known[name] for name in manifest.config if name in known}
    if not any(url in text for text in settings.values()):
        raise NoPlace(
            f'{manifest.file} cannot be pointed at a double: let its base_url be "{{config.server}}", and give'
            " config.server the provider's own address as its default."
        )
    keys = {name: text for name, text in known.items() if name in manifest.secrets}
    return Place(
        manifest, settings, keys, Against.DOUBLE, controls, objects,
        columns=controls.columns, subscription=config.get("subscription", ""),
    )  # fmt: skip

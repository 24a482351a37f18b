"""A double's controls over HTTP, both ends: the routes under /_double/, and the client that drives them.

The suite knows doubles only through this client, so a double may run in a process of its own, on another machine, or
be written in another language.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import requests
from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from syncapp.doubles.delivery import Delivery, Handshake

if TYPE_CHECKING:
    from syncapp.doubles.base import Double

Given = dict[str, Any]


def control(double: Double) -> Blueprint:
    """The routes: GET /_double/ tells what there is, POST /_double/NAME with arguments as JSON does it."""
    routes = Blueprint("_double", __name__, url_prefix="/_double")
    actions = _actions(double)

    @routes.get("/")
    def told() -> ResponseReturnValue:
        config, secrets = double.config(request.host_url.rstrip("/")), double.secrets()
        return jsonify(
            slug=double.slug,
            objects=double.objects,
            controls=sorted(actions),
            config=config,
            secrets=secrets,
            aliases=double.aliases,
            columns=double.columns,
        )

    @routes.post("/<name>")
    def act(name: str) -> ResponseReturnValue:
        if name not in actions:
            return {"message": f"there is no control {name!r}; there are {', '.join(sorted(actions))}"}, 404
        try:
            return jsonify(actions[name](request.get_json(silent=True) or {}))
        except NotImplementedError as missing:
            said = str(missing) or f"the double of {double.slug} has no control {name!r}"
            return {"message": said}, 501
        except (KeyError, ValueError, TypeError) as error:
            return {"message": f"{name}: {error.args[0] if error.args else error!r}"}, 400

    return routes


def _actions(double: Double) -> dict[str, Callable[[Given], Any]]:
    return {
        "edit": lambda given: double.edit(given["object"], given["id"], given["fields"]),
        "erase": lambda given: double.erase(given["object"], given["id"]),
        "stamp": lambda given: double.stamp(given["object"], given["ids"], _moment(given.get("moment"))),
        "ids": lambda given: double.ids(given["object"]),
        "fail": lambda given: double.fail(**given),
        "calm": lambda given: double.calm(),
        "expire": lambda given: double.expire(),
        "revoke": lambda given: double.revoke(),
        "stand_still": lambda given: double.clock.stand_still(),
        "go_on": lambda given: double.clock.go_on(),
        "advance": lambda given: double.clock.advance(float(given["seconds"])),
        "target": lambda given: double.target(given["url"]),
        "deliveries": lambda given: [delivery.as_json() for delivery in double.deliveries()],
        "sign": lambda given: double.sign(base64.b64decode(given["body"]), at=_moment(given["at"]) or _now()),
        "handshake": lambda given: double.handshake().as_json(),
    }


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _now() -> datetime:
    return datetime.now(UTC)


def _plain(object: str) -> str:
    """A double speaks of Contact as its provider does, a file of contacts as all files do."""
    return object.lower().removesuffix("s")


class NoControl(Exception):
    """The double cannot do this; what depends on it is not tried."""


class Controls:
    """Drives a running double. Every method may raise NoControl."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        told = self._told(requests.get(f"{self.url}/_double/", timeout=10))
        self.slug: str = told["slug"]
        self.objects: list[str] = told["objects"]
        self.aliases: dict[str, str] = told.get("aliases", {})
        self.columns: dict[str, dict[str, str]] = told.get("columns", {})

    def account(self) -> tuple[dict[str, str], dict[str, str]]:
        """Config and secrets that are good now."""
        told = self._told(requests.get(f"{self.url}/_double/", timeout=10))
        return told["config"], told["secrets"]

    def edit(self, object: str, id: str, fields: Given) -> None:
        self._do("edit", object=self._known(object), id=id, fields=fields)

    def erase(self, object: str, id: str) -> None:
        self._do("erase", object=self._known(object), id=id)

    def stamp(self, object: str, ids: list[str], moment: datetime | None = None) -> None:
        self._do("stamp", object=self._known(object), ids=ids, moment=moment and moment.isoformat())

    def ids(self, object: str) -> list[str]:
        return list(self._do("ids", object=self._known(object)))

    def fail(self, kind: str, times: int = 1, only: str = "any", headers: dict[str, str] | None = None) -> None:
        self._do("fail", kind=kind, times=times, only=only, headers=headers)

    def calm(self) -> None:
        self._do("calm")

    def expire(self) -> None:
        self._do("expire")

    def revoke(self) -> None:
        self._do("revoke")

    def stand_still(self) -> None:
        self._do("stand_still")

    def go_on(self) -> None:
        self._do("go_on")

    def advance(self, seconds: float) -> None:
        self._do("advance", seconds=seconds)

    def target(self, url: str) -> None:
        self._do("target", url=url)

    def deliveries(self) -> list[Delivery]:
        return [Delivery.of(told) for told in self._do("deliveries")]

    def sign(self, body: bytes, *, at: datetime) -> dict[str, str]:
        return dict(self._do("sign", body=base64.b64encode(body).decode(), at=at.isoformat()))

    def handshake(self) -> Handshake:
        return Handshake.of(self._do("handshake"))

    def has(self, object: str) -> bool:
        return object in self.aliases or _plain(object) in map(_plain, self.objects)

    def _known(self, object: str) -> str:
        for known in self.objects:
            if _plain(known) == _plain(self.aliases.get(object, object)):
                return known
        raise NoControl(f"the double of {self.slug} has no {object!r}; it has {', '.join(self.objects)}")

    def _do(self, name: str, **given: Any) -> Any:
        return self._told(requests.post(f"{self.url}/_double/{name}", json=given, timeout=30))

    def _told(self, answer: requests.Response) -> Any:
        if answer.status_code in (404, 501):
            raise NoControl(answer.json().get("message", "no such control"))
        if answer.status_code >= 400:
            raise ValueError(answer.json().get("message", f"the control answered {answer.status_code}"))
        return answer.json()

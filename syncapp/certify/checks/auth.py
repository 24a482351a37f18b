"""Does the account let us in, does it notice a wrong key, and is an expired token renewed once?"""

from __future__ import annotations

from syncapp.certify.bench import Bench
from syncapp.certify.place import CountingKeeper
from syncapp.certify.results import Capability, Check, Failed, NotOffered, NotTried
from syncapp.connectors.errors import ConnectorError, Misconfigured, Permanent, Unauthorised
from syncapp.doubles.control import NoControl

WRONG = "wrong-on-purpose-0000"


def works(on: Bench) -> str:
    """Raises Failed unless the admin's test passes."""
    told = on.client.check()
    mine = {name: said for name, said in told.objects.items() if name in (on.place.objects or told.objects)}
    bad = [f"{name}: {said}" for name, said in mine.items() if said != "ok"]
    if not told.reachable or not told.authenticated or bad:
        said = "; ".join((*told.problems, *bad)) or "the credentials are not accepted"
        raise Failed(said, "see `base_url`, `auth` and `check` in the file, and the account's settings and secrets")
    who = f" as {told.actor}" if told.actor else ""
    return f"signed in{who}; {', '.join(mine)} can be listed"


def wrong_key(on: Bench) -> str:
    """Ask with wrong secrets what the suite asks everywhere else."""
    if on.manifest.auth.type == "none":
        raise NotOffered("the file declares no authentication")
    secrets = {name: _spoiled(name, text) for name, text in on.place.secrets.items()}
    if secrets == dict(on.place.secrets):
        raise NotTried("the account holds no secret that could be made wrong")
    client = on.place.connect(secrets)
    try:
        told = client.check()
        page = next(client.pages(on.object, size=1))
        if not told.authenticated:
            return f"the account's test notices it; a listing is answered to strangers, with {len(page.items)} records"
    except Unauthorised as refused:
        return f"refused: {refused.what}"
    except (Misconfigured, Permanent) as other:
        mend = (
            "declare how a wrong key is answered: `errors.unauthorised_codes`, or a success test (`ok_path`, `ok_test`)"
        )
        raise Failed(f"a wrong key was not told as one: {other.what}", mend) from None
    finally:
        client.close()
    seen = f"a wrong key was answered with a page of {len(page.items)} records, and the test says {told.authenticated}"
    mend = (
        "the provider answers strangers too: `check` has to ask something that only a user may see,"
        " and `list` needs a success test (`ok_path`, `ok_test`)"
    )
    raise Failed(seen, mend)


def _spoiled(name: str, text: str) -> str:
    return text if name.startswith("webhook") or not text else WRONG


def refresh(on: Bench) -> str:
    """An access token that ended is renewed by one call, and the call that met it is made again."""
    spec = on.manifest.auth.oauth
    if spec is None:
        raise NotOffered("the file declares no tokens that are renewed")
    if not isinstance(on.place.keeper, CountingKeeper):
        raise NotTried("would use up a refresh token of a live account")
    if not spec.alone and not on.place.secrets.get(spec.refresh):
        raise NotTried(f"the account holds no {spec.refresh!r}")
    next(on.client.pages(on.object, size=1))
    try:
        on.world.expire()
    except NoControl as none:
        raise NotTried(f"needs a token that can be made to expire: {none}") from None
    before = on.place.keeper.renewals
    try:
        for _ in range(2):
            next(on.client.pages(on.object, size=1))
    except ConnectorError as error:
        mend = "see `auth.token_url`, `auth.access` and `auth.refresh` in the file"
        raise Failed(f"after the token ended: {error}", mend) from None
    asked = on.place.keeper.renewals - before
    mend = "`auth` has to take the new access token into its headers"
    on.expect(asked == 1, f"{asked} renewals for one expired token", mend)
    return "an expired token was renewed once, and the call was made again"


CHECKS = (
    Check("auth.works", "the account lets us in and its objects answer", Capability.AUTH, works, False, True),
    Check("auth.wrong_key", "a wrong key is noticed", Capability.AUTH, wrong_key, False, True),
    Check("auth.refresh", "an expired token is renewed once", Capability.AUTH, refresh, False, True),
)

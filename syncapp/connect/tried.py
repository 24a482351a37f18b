"""Test an account as a person asks for it: one short round of calls, kept on the account and told in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from syncapp.clients import client_of
from syncapp.connectors.errors import ConnectorError
from syncapp.connectors.records import Check
from syncapp.connectors.renewal import MemoryKeeper
from syncapp.connectors.transport import Timeouts
from syncapp.facts import manifest_of
from syncapp.health import attention, well
from syncapp.load import database_now
from syncapp.models import Account
from syncapp.secrets import SecretProblem, secrets_of
from syncapp.words import capital, sentence

from .interactive import signs_in

# A person waits for it: an answer that takes longer than this is told as none.
SHORT = Timeouts(connect=4.0, read=8.0, total=12.0)
# Beyond this the provider's times cannot be compared with the hub's without care.
SKEWED = 30.0
Secrets = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a test: what was looked at, how it stands, and what to do where it does not stand well."""

    what: str
    tone: str  # good, wait, bad
    said: str
    next: str = ""


class _Failed(Exception):
    """Only to carry a sentence to the account's page."""


def try_out(account: Account) -> tuple[Check, Secrets]:
    """What the test found, and the secrets as they are after it: a token may have been renewed. Writes nothing."""
    try:
        keeper = MemoryKeeper(secrets_of(account))
        client = client_of(account, keeper=keeper, timeouts=SHORT)
    except (ConnectorError, SecretProblem) as error:
        return Check(False, False, None, {}, {}, None, (str(error),)), {}
    try:
        return client.check(), keeper.secrets
    finally:
        client.close()


def try_account(account: Account, by: str) -> Check:
    """Test it with what is stored, and keep what was found. The account's own tokens are renewed as usual."""
    try:
        client = client_of(account, timeouts=SHORT)
    except (ConnectorError, SecretProblem) as error:
        found = Check(False, False, None, {}, {}, None, (str(error),))
    else:
        try:
            found = client.check()
        finally:
            client.close()
    keep(account, found, by)
    return found


def keep(account: Account, found: Check, by: str) -> None:
    """Beside the result, whether the account needs a person: what a worker would find out at its next call."""
    account.tried = {**asdict(found), "at": database_now().isoformat(), "by": by}
    Account.objects.filter(pk=account.pk).update(tried=account.tried)
    if found.ok:
        well(account)
        return
    attention(account, _Failed(found.problems[0] if found.problems else "the test did not succeed"))


def findings(account: Account) -> list[Finding]:
    """The last test in sentences; none if there was none."""
    return list(_findings(account, account.tried)) if account.tried else []


def _findings(account: Account, told: Mapping[str, Any]) -> Iterator[Finding]:
    problems = [capital(sentence(text)) for text in told["problems"]]
    if not told["reachable"]:
        why = problems[0] if problems else "No answer came."
        yield Finding("Reachable", "bad", why, _mend(why, account))
        return
    yield Finding("Reachable", "good", "The address answers.")
    yield _signed_in(account, told, problems)
    yield from _objects(account, told["objects"])
    yield _limits(told["limits"])
    yield _clock(told["skew"])
    yield from (Finding("Problem", "bad", text, _mend(text, account)) for text in problems[told["authenticated"] ^ 1 :])


def _signed_in(account: Account, told: Mapping[str, Any], problems: list[str]) -> Finding:
    if not told["authenticated"]:
        said = problems[0] if problems else "The credentials were not taken."
        return Finding("Signed in", "bad", said, _mend(said, account))
    if told["actor"]:
        return Finding("Signed in", "good", f"The provider knows these credentials as {told['actor']}.")
    if manifest_of(account).check is None:
        unsure = "The provider's file names no call that only a signed-in user may make."
        return Finding("Signed in", "wait", unsure, "Look below whether the records that you expect are found.")
    return Finding("Signed in", "good", "The credentials are taken; the provider does not say whose they are.")


def _objects(account: Account, told: Mapping[str, str]) -> Iterator[Finding]:
    names = {slug: spec.name for slug, spec in manifest_of(account).objects.items()}
    for slug in [*(slug for slug in names if slug in told), *(slug for slug in told if slug not in names)]:
        name, outcome = names.get(slug, slug), told[slug]
        if outcome == "ok":
            yield Finding(name, "good", "Can be listed.")
        else:
            hint = "If you want to keep these in step, give the credentials the right to read them; else nothing to do."
            yield Finding(name, "wait", capital(sentence(outcome)), hint)


def _limits(told: Mapping[str, str]) -> Finding:
    if not told:
        return Finding("Limits", "good", "The provider told none in its answers.")
    return Finding("Limits", "good", "; ".join(f"{name}: {value}" for name, value in told.items()))


def _clock(skew: float | None) -> Finding:
    if skew is None:
        said = "The answers carry no time, so times of changes are not compared with those of other systems."
        return Finding("Clock", "wait", said, "Nothing to do: a rule by time of change asks a person instead.")
    way = "ahead of" if skew > 0 else "behind"
    said = f"The provider's clock is {abs(skew):.1f} s {way} the hub's."
    if abs(skew) < SKEWED:
        return Finding("Clock", "good", said)
    return Finding("Clock", "wait", said, "Set both clocks by a time server; until then the difference is allowed for.")


def _mend(said: str, account: Account) -> str:
    """What to do next, by what the hands said; the provider's own words stand before it."""
    text = said.partition(" Where: ")[0].casefold()
    for words, advice in ADVICE:
        if any(word in text for word in words):
            return SIGN_IN if advice == ENTER and signs_in(account) else advice
    return "Compare the address and the credentials with the provider's own pages, correct them, and test again."


ENTER = "Make new credentials at the provider and enter them here; look for a missing character at either end."
SIGN_IN = "Sign in again at the provider."
ADVICE: tuple[tuple[tuple[str, ...], str], ...] = (
    (
        ("which may not be called",),
        "If the system really is inside your own network, tick “May be reached at private addresses” and test again; "
        "else correct the address.",
    ),
    (
        ("is not json",),
        "That is a page for people, not an answer for programs: most often the address is that of the web pages, or of "
        "another region. Take the address of the API from the provider's documentation.",
    ),
    (
        ("no connection could be made", "no answer in time", "connection was lost", "could not be resolved"),
        "Check the address for typing errors and the region in it, and that this server may call it (firewall, proxy).",
    ),
    (("certificate", "tls", "ssl"), "Use the host name that the system's certificate is made out to."),
    (
        ("environment variable", "read from the file", "fit none of the keys"),
        "Provide it where it is looked for, or enter it here; then test again.",
    ),
    (
        ("403", "scope", "permission", "forbidden", "may not do"),
        "The credentials are known but may not do this: give them the missing right or scope there, and test again.",
    ),
    (
        ("401", "unauthor", "credential", "token", "refresh"),
        ENTER,
    ),
    (("asks us to wait", "429", "limit"), "Wait as long as the provider asks for, then test again."),
)

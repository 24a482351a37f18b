"""Which provider field is most likely meant by a field of a sync: few points, each with a reason."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .choices import Choice

SAME, ANOTHER_WORD, PART, ALIKE = 100, 80, 50, 30
ENOUGH = 50
# Of these a name says less than the type does.
TELLING = ("email", "phone")
# What a value of one type can be read as.
FITS: Mapping[str, frozenset[str]] = {
    "integer": frozenset({"integer", "counter", "decimal"}), "counter": frozenset({"integer", "counter"}),
    "decimal": frozenset({"decimal", "integer"}), "boolean": frozenset({"boolean"}), "date": frozenset({"date"}),
    "datetime": frozenset({"datetime"}), "set": frozenset({"set", "list"}), "list": frozenset({"set", "list"}),
    "map": frozenset({"map", "json"}), "json": frozenset({"json", "map", "set", "list"}), "email": frozenset({"email"}),
    "phone": frozenset({"phone"}), "reference": frozenset({"reference"}),
}  # fmt: skip
ANYTHING = frozenset({"text", "long_text", "choice"})
# Words that many names share and that tell none apart.
DULL = frozenset(
    "name number date time address code type field value contact customer company account the".split()  # noqa: SIM905
)
SYNONYMS: tuple[frozenset[str], ...] = tuple(
    frozenset(line.split())
    for line in (
        "firstname givenname forename namefirst first",
        "lastname surname familyname namelast last",
        "name fullname displayname",
        "email emailaddress mail primaryemail emails",
        "phone telephone phonenumber tel telephonenumber businessphone",
        "mobile mobilephone cell cellphone",
        "company organisation organization companyname employer",
        "street streetaddress addressline addressline1 address1 line1",
        "zip postalcode postcode zipcode plz",
        "city town locality place",
        "state region province",
        "country countrycode land",
        "website url homepage web",
        "jobtitle title position",
        "amount value total sum",
        "currency currencycode",
        "note notes description comment remarks",
        "stage status lifecycle lifecyclestage",
        "tags labels categories",
        "birthday birthdate dateofbirth",
        "newsletter optin marketingconsent subscribed",
    )
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A field of a sync, as far as it can be recognised elsewhere."""

    name: str
    label: str
    type: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    choice: Choice
    points: int
    why: str


def suggestions(
    fields: Sequence[Wanted], choices: Sequence[Choice], taken: Iterable[str] = ()
) -> dict[str, Suggestion]:
    """For each field the best choice that no better pair needs; none where nothing speaks for one."""
    pairs = [
        (score, at, field.name)
        for field in fields
        for at, choice in enumerate(choices)
        if (score := scored(field, choice, choices)).points >= ENOUGH
    ]
    out: dict[str, Suggestion] = {}
    used = set(taken)
    for score, _, name in sorted(pairs, key=lambda pair: (-pair[0].points, pair[1])):
        if name not in out and score.choice.name not in used:
            out[name] = score
            used.add(score.choice.name)
    return out


def scored(field: Wanted, choice: Choice, choices: Sequence[Choice]) -> Suggestion:
    points, why = _by_name(field, choice)
    if field.type in TELLING and choice.type == field.type:
        alone = sum(other.type == field.type for other in choices) == 1
        points, said = points + (ENOUGH if alone else ALIKE), "the only" if alone else "also an"
        why = f"{why}, and " * bool(why) + f"{said} {KINDS[field.type]} there"
    elif points and not fits(choice.type, field.type):
        points -= ALIKE
    if points and not choice.writable:
        points -= 1  # of two that are alike, the one that can be written too
    return Suggestion(choice, points, why)


KINDS = {"email": "e-mail address", "phone": "phone number"}


def _by_name(field: Wanted, choice: Choice) -> tuple[int, str]:
    ours = {joined(field.name), joined(field.label)} - {""}
    last = choice.path.rpartition(".")[2]
    theirs = {joined(choice.name), joined(choice.label), joined(last)} - {""}
    if ours & theirs:
        return SAME, "the same name"
    if any(group & ours and group & theirs for group in SYNONYMS):
        return ANOTHER_WORD, "another word for it"
    shared = {word for text in (field.name, field.label) for word in words(text)} & {
        word for text in (choice.name, choice.label) for word in words(text)
    }
    return (PART, f"both say “{min(shared)}”") if shared else (0, "")


def fits(theirs: str, ours: str) -> bool:
    """Whether values of their type are mostly values of ours; text may hold anything."""
    return ours in ANYTHING or theirs in ANYTHING or ours in FITS.get(theirs, frozenset({theirs}))


def words(text: str) -> list[str]:
    """The telling words of a name, whatever joins them."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text)
    return [word for word in re.split(r"[^a-z0-9]+", spaced.casefold()) if len(word) > 2 and word not in DULL]


def joined(text: str) -> str:
    return "".join(re.findall(r"[a-z0-9]+", text.casefold()))

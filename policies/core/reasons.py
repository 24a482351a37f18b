"""The closed lists of verdicts and reasons, each reason with the one sentence that ledger, API and pages print.

Sentences are templates over `role`, `field`, `detail`; the reader's names are filled in by `Reason.say`.
"""

from __future__ import annotations

from enum import Enum, StrEnum


class Verdict(StrEnum):
    """What an observation, a write or a decision was judged to be."""

    DUPLICATE = "duplicate"
    OVERWRITTEN = "overwritten"
    STALE = "stale"
    REWOUND = "rewound"
    WAITS = "waits"
    DELETED = "deleted"
    MERGED = "merged"
    UNCHANGED = "unchanged"
    ECHO = "echo"
    AGREE = "agree"
    AGREE_PAST = "agree_past"
    EMPTY = "empty"
    UNAUTHORISED = "unauthorised"
    INVALID = "invalid"
    CANDIDATE = "candidate"
    ADOPT = "adopt"
    CONCURRENT = "concurrent"
    CONFIRMED = "confirmed"
    NEAR_MISS = "near_miss"
    LANDED = "landed"
    RESEND = "resend"
    SUPERSEDED = "superseded"
    SENT = "sent"
    FAILED = "failed"
    LINKED = "linked"
    FOUND = "found"
    CREATED = "created"
    REVIVED = "revived"
    ASLEEP = "asleep"
    DECIDED = "decided"
    EDITED = "edited"
    RELEASED = "released"
    HELD = "held"
    REBASED = "rebased"


class Reason(Enum):
    """Why. The value is (code, sentence)."""

    FIRST_SEEN = ("first_seen", "{role} was the first to hold a value for {field}")
    ADOPTED = ("adopted", "{role} changed {field} while holding what the hub believed, so the hub took it over")
    OWNER_WON = ("owner_won", "the sides disagree about {field} and its owner's value wins")
    LATER_WON = ("later_won", "two sides changed {field} at once and {role}'s change was certainly the later one")
    HIGHER_WON = ("higher_won", "{field} keeps the highest value that any side reported")
    LOWER_WON = ("lower_won", "{field} keeps the lowest value that any side reported")
    MERGED = ("merged", "the changes to {field} of several sides were merged")
    FIRST_LINK_RULE = ("first_link_rule", "the sides differed in {field} when first linked and the chosen rule decided")
    AGREED = ("agreed", "{role} holds the same {field} as the hub")
    AGREED_PAST = ("agreed_past", "{role} holds an earlier {field} of the hub and is brought up to date")
    CANDIDATES_AGREE = ("candidates_agree", "all sides now hold the same {field}")
    ECHO = ("echo", "{role} shows the {field} that the hub wrote there")
    EMPTY_SIDE = ("empty_side", "{role} holds nothing for {field} and is filled in")
    NOT_A_WRITER = ("not_a_writer", "{role} may not write {field}")
    MAY_NOT_CLEAR = ("may_not_clear", "{role} may not empty {field}")
    REVERTING = ("reverting", "{role} may not write {field}; the hub writes its own value back")
    KEPT_DRIFT = ("kept_drift", "{role} may not write {field}; its value is kept there and goes no further")
    PROPOSED = ("proposed", "{role} may not write {field}; its value is proposed to a person")
    NOTHING_TO_REVERT = (
        "nothing_to_revert",
        "{role} may not write {field}, and the hub has no value to put in its place",
    )
    INVALID_VALUE = ("invalid_value", "{role} holds a {field} that is not valid: {detail}")
    UNREADABLE = ("unreadable", "{role} holds a record that cannot be taken in: {detail}")
    NO_OWNER_SIDE = ("no_owner_side", "the sides disagree about {field} and neither is its owner")
    MANUAL = ("manual", "the sides disagree about {field} and the policy asks a person")
    TIMES_TOUCH = ("times_touch", "two sides changed {field} and their clocks cannot tell which was later")
    TIME_UNKNOWN = ("time_unknown", "two sides changed {field} and the time of one change cannot be trusted: {detail}")
    MERGE_OVERLAPS = ("merge_overlaps", "two sides changed the same part of {field}")
    MERGE_UNBASED = ("merge_unbased", "{field} cannot be merged because one side has nothing to compare with")
    NOT_COMPARABLE = ("not_comparable", "the values of {field} cannot be put in order")
    FIRST_LINK_ASKS = ("first_link_asks", "the sides differed in {field} when first linked and a person is asked")
    OVERWRITTEN_EDIT = ("overwritten_edit", "somebody changed {field} at {role} just before the hub wrote there")
    OVERWRITTEN_BY_OUTSIDER = (
        "overwritten_by_outsider",
        "a change of {field} at {role}, which may not write it, was written over",
    )
    PING_PONG = ("ping_pong", "{field} went back and forth too often and is held until a person decides")
    OLDER_READ = ("older_read", "{role} was read before the hub's last look or write there")
    OLDER_VERSION = ("older_version", "{role} showed an older version than the hub has already seen")
    REWOUND = ("rewound", "{role} keeps showing an older version: it was set back, and is judged as it is now")
    PUSH_IN_FLIGHT = ("push_in_flight", "a write to {role} is under way and is settled first")
    DELETED_THERE = ("deleted_there", "the record was deleted at {role}")
    DELETE_ASKS = ("delete_asks", "the record was deleted at {role} and a person decides what follows")
    DELETE_MEETS_QUESTION = (
        "delete_meets_question",
        "the record was deleted at {role} while a question about it was open",
    )
    EDIT_BEATS_DELETE = (
        "edit_beats_delete",
        "the record was deleted at {role} but changed elsewhere since, so it is made again",
    )
    DELETE_SPREADS = ("delete_spreads", "the record was deleted at {role} and the policy deletes it everywhere")
    DELETE_UNLINKS = ("delete_unlinks", "the record was deleted at {role} and is no longer kept in step there")
    DELETE_RECREATES = ("delete_recreates", "the record was deleted at {role} and the policy makes it again")
    MERGED_THERE = ("merged_there", "{role} merged the record into another one there: {detail}")
    NEW_ID = ("new_id", "{role} keeps the record under another id since it was merged there: {detail}")
    MERGE_ASKS = ("merge_asks", "{role} merged two records that the hub keeps apart: {detail}")
    MERGE_UNLINKS = ("merge_unlinks", "the record was merged at {role} and is no longer kept in step there")
    LIVES_ON = ("lives_on", "the record lives on in another one: {detail}")
    TOOK_OVER = ("took_over", "another record lives on in this one: {detail}")
    CAME_WITH = ("came_with", "{role} holds a record of the one that lives on in this one: {detail}")
    BROUGHT = ("brought", "{field} came with the record that lives on in this one")
    MERGED_AWAY = ("merged_away", "{role} merged two records with different {field} and kept one of them")
    UNLINKED = ("unlinked", "a person no longer keeps the record in step at {role}")
    LINKED_AGAIN = ("linked_again", "a person keeps the record in step at {role} again")
    LINK_ENDED = ("link_ended", "the record is no longer linked at {role}")
    SPLIT_OFF = ("split_off", "a person made the one at {role} a record of its own: {detail}")
    SPLIT_FROM = ("split_from", "a person took the one at {role} out of another record: {detail}")
    KEPT_APART = ("kept_apart", "a person said that this and another record are two: {detail}")
    JOINED = ("joined", "a person said that this and another record are one: {detail}")
    LOOKED_AGAIN = ("looked_again", "a person asked to look again at what was skipped at {role}: {detail}")
    CAME_BACK = ("came_back", "the record came back at {role}")
    OUT_OF_SCOPE = (
        "out_of_scope",
        "the record is none of those that are taken from {role} any more; nothing is read from or written to it there",
    )
    BACK_IN_SCOPE = ("back_in_scope", "the record is one of those that are taken from {role} again")
    CONFIRMED = ("confirmed", "{role} confirmed the {field} that the hub wrote")
    CONFIRMED_BLIND = ("confirmed_blind", "{role} accepted the {field} that the hub wrote")
    NEAR_MISS = ("near_miss", "{role} stored the {field} that the hub wrote in another form")
    REFLECTED = ("reflected", "{role} completed the {field} that the hub wrote, and the policy takes that over")
    LANDED = ("landed", "a write of {field} to {role} whose outcome was unknown had landed")
    NOT_LANDED = ("not_landed", "a write of {field} to {role} whose outcome was unknown had not landed")
    OUTCOME_UNKNOWN = ("outcome_unknown", "it cannot be told whether a write of {field} to {role} landed")
    SENDING = ("sending", "the hub writes {field} to {role}")
    ALREADY_THERE = ("already_there", "{role} already holds the {field} that the hub would write")
    MOVED_MEANWHILE = ("moved_meanwhile", "{role} changed before the hub wrote, and that is judged first")
    REJECTED = ("rejected", "{role} refused {field}: {detail}")
    LACKS = (
        "lacks",
        "{role} makes no record without {detail}, and nothing is known of it: enter it, or do without the record there",
    )
    MAKES_NONE = ("makes_none", "{role} makes no record without {detail}, and nothing is mapped to that: map it")
    WAITS_FOR = ("waits_for", "{field} cannot be said at {role} yet: it {detail}")
    CAN_BE_SAID = ("can_be_said", "the record that {field} refers to is at {role} now, so it is written there")
    REFERS_TO_UNKNOWN = (
        "refers_to_unknown",
        "{field} at {role} names a record that is linked to nothing: {detail}",
    )
    CREATED = ("created", "the hub made the record at {role}")
    FOUND = ("found", "the record already existed at {role} and was linked")
    MATCHED = ("matched", "the record at {role} has the same {detail} and was linked")
    NEW_RECORD = ("new_record", "no known record matches the one at {role}")
    NOTHING_TO_MATCH = (
        "nothing_to_match",
        "the record at {role} has no valid {detail}: it is matched with no other, and made nowhere else until it has",
    )
    AMBIGUOUS = ("ambiguous", "several records match the one at {role}: {detail}")
    SECOND_MATCH = ("second_match", "{role} holds a second record that matches this one: {detail}")
    PERSON_DECIDED = ("person_decided", "a person chose the value of {field}")
    HUB_EDIT = ("hub_edit", "a person changed {field} in the hub")
    NEW_BASELINE = (
        "new_baseline",
        "the mapping of {field} at {role} changed, so what is held there is compared anew, as at a first link",
    )
    RETRIED = ("retried", "a person asked to write {field} to {role} once more")
    BRAKE_TRIPPED = ("brake_tripped", "the hub held back before harm: {detail}")
    RELEASED_HELD = ("released_held", "a person released what a brake had held: {detail}")
    LEFT_HELD = ("left_held", "a person left what a brake had held as it was: {detail}")
    SYNC_CHANGED = ("sync_changed", "a person changed what is kept in step: {detail}")
    ACCOUNT_CHANGED = ("account_changed", "a person changed how the hub works with a system: {detail}")
    SUPERSEDED = ("superseded", "a newer value of {field} made the question needless")

    def __init__(self, code: str, sentence: str) -> None:
        self.code = code
        self.sentence = sentence

    def say(self, *, role: str = "", field: str = "", detail: str = "") -> str:
        """The sentence with the reader's names filled in."""
        return self.sentence.format(role=role or "the hub", field=field or "the record", detail=detail or "no detail")

    @classmethod
    def of(cls, code: str) -> Reason:
        """Find a reason by its code. Raises KeyError for a code that does not exist."""
        return _BY_CODE[code]


_BY_CODE = {reason.code: reason for reason in Reason}

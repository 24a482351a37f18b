"""The deliberate faults: in the judge, in the order of the steps, and in what needs PostgreSQL."""

from __future__ import annotations

from .fault import Fault

TABLE = "tests/core/test_table.py::test_the_verdict"
SEEDS = "tests/simulation/test_seeds.py::test_no_invariant_is_broken"
SETTLE = "tests/core/test_settle.py"
ORDER = "tests/carry/test_order.py"
CRASH = "tests/carry/test_crash.py"

JUDGE = (
    Fault(
        "ignore read_at",
        "policies/core/gates.py",
        "if link.read_at is not None and observation.read_at < link.read_at:",
        "if link.read_at is not None and observation.read_at < link.read_at and False:",
        TABLE,
    ),
    Fault(
        "judge a lower version at once",
        "policies/core/gates.py",
        "if not draft.policy.roles[role].ordered or not lower(observation.version, link.version):",
        "if True:",
        TABLE,
    ),
    Fault(
        "judge while our own write is under way",
        "policies/core/gates.py",
        "if link.sending is not None and _must_wait(draft, observation, link.sending):",
        "if False:",
        TABLE,
    ),
    Fault(
        "move stored only on adopt",
        "policies/core/case.py",
        "        {**base.stored, **case.x},\n",
        "        {**base.stored, **case.x} if owed is False else dict(base.stored),\n",
        TABLE,
    ),
    Fault(
        "leave meant behind",
        "policies/core/case.py",
        "        dict(case.lifted),\n        base.k if k",
        "        dict(base.meant or case.lifted),\n        base.k if k",
        TABLE,
    ),
    Fault(
        "skip the lift",
        "policies/core/diff.py",
        "    if name not in base.stored:\n        return x\n",
        "    if True:\n        return x\n",
        TABLE,
    ),
    Fault(
        "judge a counter's own value without proof",
        "policies/core/gates.py",
        "if not same_at(role, x, sent) or (counts(unit) and not proven(sending, observation, role)):",
        "if not same_at(role, x, sent):",
        TABLE,
    ),
    Fault(
        "take equal counter totals for agreement",
        "policies/core/table.py",
        "    return case.base is None or case.base.k == case.belief.v\n",
        "    return True\n",
        TABLE,
    ),
    Fault(
        "forget owed",
        "policies/core/due.py",
        "due = (belief.v > base.k or base.owed) and not",
        "due = (belief.v > base.k) and not",
        TABLE,
    ),
    Fault(
        "try a refused value again and again",
        "policies/core/due.py",
        " and not (base.failed is not None and base.failed.v == belief.v)\n        if due",
        "\n        if due",
        f"{SETTLE}::test_a_refused_field_is_state_and_not_due_again_at_this_version",
    ),
    Fault(
        "keep the sent value",
        "policies/core/confirm.py",
        "draft.set_base(name, unit, Base(dict(x), dict(sent), v, near_miss=near))",
        "draft.set_base(name, unit, Base(dict(sent), dict(sent), v, near_miss=near))",
        f"{SETTLE}::test_a_difference_that_nothing_explains_is_a_near_miss_and_not_adopted",
    ),
    Fault(
        "judge a near miss as a change",
        "policies/core/confirm.py",
        "    elif unit.reflect and v == belief.v and not draft.in_review(unit):",
        "    elif v == belief.v and not draft.in_review(unit):",
        f"{SETTLE}::test_a_difference_that_nothing_explains_is_a_near_miss_and_not_adopted",
    ),
    Fault(
        "confirm a found create wholesale",
        "policies/core/lookup.py",
        "as_sent = {m: v for m, v in sent.items() if m in x and same_at(facts, {m: x[m]}, sent) and v is not None}",
        "as_sent = {m: v for m, v in sent.items() if m in x}",
        f"{SETTLE}::test_a_record_found_before_a_create_is_never_confirmed_wholesale",
    ),
    Fault(
        "let everybody write",
        "policies/core/table.py",
        "def _outsider(draft: Draft, case: Case) -> bool:\n    return not may_write",
        "def _outsider(draft: Draft, case: Case) -> bool:\n    return False and may_write",
        TABLE,
    ),
    Fault(
        "be deaf to what an event shows",
        "policies/core/gates.py",
        "return overwritten.judge_event(draft, observation, link)",
        "return draft.done(look_again=True)",
        TABLE,
    ),
    Fault(
        "take half a bundle that landed for none of it",
        "policies/core/settle.py",
        "landed = any(same_at(role, {m: x[m]}, sent) for m in moved)",
        "landed = all(same_at(role, {m: x[m]}, sent) for m in x)",
        f"{SETTLE}::test_half_a_bundle_landed_and_the_other_half_was_changed_there",
    ),
    Fault(
        "take what came with a record that left the scope",
        "policies/core/plan.py",
        "x = told(unit, observation.fields) if observation.in_scope else {}",
        "x = told(unit, observation.fields)",
        TABLE,
    ),
    Fault(
        "write over a reference that is not understood",
        "policies/core/due.py",
        " and not (base is not None and base.waits):",
        ":",
        "tests/core/test_refers.py::test_what_is_not_understood_is_no_value_and_is_not_written_over",
    ),
)

STEPS = (
    Fault(
        "skip the look",
        "syncapp/claims.py",
        "    if guard is not None:\n",
        "    if False:\n",
        SEEDS,
    ),
    Fault(
        "drop the read-back",
        "syncapp/push.py",
        "    shown, later = written.observation, None\n    if shown is None:\n",
        "    shown, later = None, None\n    if False:\n",
        f"{ORDER}::test_what_an_account_makes_of_our_write_does_not_travel_back",
    ),
    Fault(
        "look up only before the second create",
        "syncapp/push.py",
        "hits = [hit for hit in remote.find(values, key) if not hit.deleted]",
        "hits = [hit for hit in (() if first else remote.find(values, key)) if not hit.deleted]",
        f"{ORDER}::test_a_record_that_is_there_already_is_not_made_again",
    ),
    Fault(
        "take any later read for the read-back",
        "syncapp/push.py",
        "seen is not None and not seen.deleted and written.version is not None and seen.version == written.version",
        "seen is not None and not seen.deleted",
        SEEDS,
    ),
    Fault(
        "advance the watermark before the page is judged",
        "syncapp/steps.py",
        "        judged = judge(store, remote.role, listing.observations) if listing.observations else Judged()\n"
        "        store.advance(remote.role, listing.cursor)\n",
        "        store.advance(remote.role, listing.cursor)\n"
        "        judged = judge(store, remote.role, listing.observations) if listing.observations else Judged()\n",
        f"{ORDER}::test_a_page_that_could_not_be_judged_is_read_again",
    ),
)

DATABASE = (
    Fault(
        "move the watermark before its hints are kept",
        "syncapp/poll.py",
        "        self.reached = cursor\n",
        "        self.reached = cursor\n        super().advance(role, cursor)\n",
        f"{ORDER}::test_the_watermark_does_not_pass_what_still_has_to_be_looked_at",
    ),
    Fault(
        "commit without the lock",
        "syncapp/load.py",
        'models.Record.objects.select_for_update(of=("self",)) if lock else',
        "models.Record.objects.all() if lock else",
        f"{ORDER}::test_two_workers_on_one_record_take_turns",
    ),
    Fault(
        "judge by a policy that is replaced meanwhile",
        "syncapp/load.py",
        ' pg_advisory_xact_lock_shared(tableoid::int, id::int), clock_timestamp()"\n'
        '            " FROM policies_sync WHERE id = %s FOR KEY SHARE"',
        ' clock_timestamp()"\n            " FROM policies_sync WHERE id = %s"',
        "tests/clerk/test_overtaken.py::test_a_digest_of_the_old_policy_is_not_remembered_under_the_new",
    ),
    Fault(
        "forget a push whose answer was lost",
        "syncapp/carry.py",
        "            outcome = _settle_one(store, remote, key)\n"
        "            outcome = Outcome.RESEND if outcome is Outcome.IDLE else outcome\n",
        "            return Outcome.CONFIRMED\n",
        f"{CRASH}::test_a_write_whose_answer_is_lost_is_settled_at_once",
    ),
    Fault(
        "settle a write that may still be on its way",
        "syncapp/sweep.py",
        '    lost = Q(started_at__lt=now - WRITE_LEASE) | ~Q(error="")\n',
        '    lost = Q(started_at__lt=now) | ~Q(error="")\n',
        f"{CRASH}::test_a_worker_killed_between_write_and_answer_leaves_a_push_that_is_settled",
    ),
    Fault(
        "trust that Redis remembers",
        "syncapp/sweep.py",
        "        ring_inbox()\n    for pk in unsettled_feeds(now):",
        "        pass\n    for pk in unsettled_feeds(now):",
        f"{CRASH}::test_a_redis_that_forgets_everything_loses_nothing",
    ),
    Fault(
        "give one delivery to every worker",
        "syncapp/inbox.py",
        "AND (claimed_until IS NULL OR claimed_until <= clock_timestamp())",
        "",
        f"{CRASH}::test_a_batch_of_a_killed_worker_is_found_again",
    ),
    Fault(
        "remember nothing of what changed",
        "syncapp/booked.py",
        "changes if number == last else None",
        "None",
        "tests/clerk/test_store.py::test_beliefs_bases_and_questions_are_rebuilt_from_the_ledger",
    ),
)

STOP = "tests/carry/test_brakes_stop.py"
IDENTITY = "tests/carry/test_identity.py"

FIRST_SYNC_AND_BRAKES = (
    Fault(
        "begin a write without asking the brakes",
        "syncapp/outbox.py",
        "        begin_writing(feeds)\n",
        "        pass\n",
        f"{ORDER}::test_no_write_begins_once_all_writes_are_stopped",
    ),
    Fault(
        "send what was begun before the stop",
        "syncapp/remote.py",
        "client_of(feed.account, lambda: before_sending(feed))",
        "client_of(feed.account)",
        f"{STOP}::test_what_was_begun_but_not_sent_is_taken_back",
    ),
    Fault(
        "judge what a brake holds",
        "syncapp/holding.py",
        '        return State.HELD if held or BRAKES[kind] in self.codes else ""\n',
        '        return ""\n',
        "tests/carry/test_brakes_held.py::test_a_mass_delete_is_held_one_by_one_and_the_rest_goes_on",
    ),
    Fault(
        "let a plan write to the real tables",
        "syncapp/overlay.py",
        'READ_ONLY = "-c default_transaction_read_only=on -c temp_buffers=64MB"',
        'READ_ONLY = "-c default_transaction_read_only=off -c temp_buffers=64MB"',
        "tests/clerk/test_overlay.py::test_a_write_that_misses_the_copy_is_refused_by_the_database",
    ),
    Fault(
        "take a record that left the scope for one that is kept in step",
        "policies/core/due.py",
        "link.sending is not None or link.gone is not None or link.unlinked or link.asleep):",
        "link.sending is not None or link.gone is not None or link.unlinked):",
        TABLE,
    ),
    Fault(
        "take what a listing left out for deleted without counting",
        "syncapp/audit.py",
        "        if (halt := unseen(counts, limits_for(feed))) is not None:\n",
        "        if (halt := unseen(counts, limits_for(feed))) is not None and False:\n",
        f"{IDENTITY}::test_so_many_left_out_records_halt_the_pass_and_nothing_is_asked_for",
    ),
    Fault(
        "forget who the audit has to ask for",
        "syncapp/audit.py",
        "            look_later(feed, missing[start : start + BATCH], 0.0)\n",
        "            pass\n",
        f"{IDENTITY}::test_a_delete_that_no_listing_reports_is_found_by_id_after_a_complete_one",
    ),
    Fault(
        "judge a half-typed value",
        "syncapp/settling.py",
        "    return [one for one in seen if left[one.remote_id] <= 0]\n",
        "    return list(seen)\n",
        "tests/carry/test_brakes_pace.py::test_a_half_typed_value_is_not_judged",
    ),
    Fault(
        "renew a token in every worker",
        "syncapp/keeping.py",
        'own.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK, self._account.pk])',
        'own.execute("SELECT %s, %s", [LOCK, self._account.pk])',
        "tests/carry/test_renewal.py::test_two_processes_that_are_refused_at_once_renew_once",
    ),
    Fault(
        "take a batch whose answer was lost for done",
        "syncapp/batched.py",
        "            pushed.all(items, Outcome.UNKNOWN)  # each of them: settled by its own read\n",
        "            pushed.all(items, Outcome.CONFIRMED)\n",
        "tests/carry/test_batches.py::test_an_answer_that_is_lost_is_settled_for_each",
    ),
)

FAULTS: tuple[Fault, ...] = (*JUDGE, *STEPS, *DATABASE, *FIRST_SYNC_AND_BRAKES)

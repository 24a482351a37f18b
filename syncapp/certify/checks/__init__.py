"""All checks, in the order in which they are made: what others rest on comes first."""

from syncapp.certify.checks import (
    auth,
    batches,
    creating,
    deleting,
    delta,
    finding,
    hooks,
    listing,
    probing,
    reading,
    trouble,
    updating,
    versions,
)

ALL = (
    *auth.CHECKS, *reading.CHECKS, *listing.CHECKS, *creating.CHECKS, *finding.CHECKS, *updating.CHECKS,
    *probing.CHECKS, *versions.CHECKS, *delta.CHECKS, *batches.CHECKS, *deleting.CHECKS, *trouble.CHECKS,
    *hooks.CHECKS, *listing.LAST,
)  # fmt: skip

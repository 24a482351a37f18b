"""Two texts side by side with what differs marked within them; everything is escaped."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

# Words and signs one by one, digits each alone: people compare telephone numbers by digit and sentences by word.
_PARTS = re.compile(r"\d|[^\W\d_]+|\s+|.", re.DOTALL)
# Comparing costs the product of both lengths: beyond this a text is marked as a whole.
LONGEST = 2000
ALIKE = 0.4


def marked(before: str, after: str) -> SafeString:
    """`after`, with what is new in <ins> and what is gone from `before` in <del>."""
    if before == after:
        return mark_safe(escape(after))  # noqa: S308 - escaped on the spot
    left, right = _PARTS.findall(before[:LONGEST]), _PARTS.findall(after[:LONGEST])
    matcher = SequenceMatcher(None, left, right, autojunk=False)
    if max(len(before), len(after)) > LONGEST or matcher.ratio() < ALIKE:
        return mark_safe(_tag("ins", after))  # noqa: S308 - escaped by _tag
    out: list[str] = []
    for kind, i, j, m, n in matcher.get_opcodes():
        if kind == "equal":
            out.append(escape("".join(right[m:n])))
            continue
        out.append(_tag("del", "".join(left[i:j])) + _tag("ins", "".join(right[m:n])))
    return mark_safe("".join(out))  # noqa: S308 - every part is escaped


def _tag(name: str, text: str) -> str:
    return f"<{name}>{escape(text)}</{name}>" if text else ""

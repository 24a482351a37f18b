"""What the project's own pages show alike: moments, ages, numbers with units."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from html import unescape

from django import template
from django.utils import timezone
from django.utils.html import conditional_escape, format_html, strip_tags
from django.utils.safestring import SafeString

from syncapp.words import sentence

register = template.Library()
register.filter("sentence", sentence)

_UNITS = (("day", 86400), ("h", 3600), ("min", 60), ("s", 1))


@register.filter
def moment(at: datetime | None) -> SafeString:
    """A time in the reader's zone, the exact UTC on hover."""
    if at is None:
        return SafeString("never")
    local = timezone.localtime(at)
    return format_html(
        '<time datetime="{}" title="{} UTC">{}</time>',
        at.isoformat(),
        f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3],
        f"{local.day} {local:%b %Y, %H:%M:%S}",
    )


@register.filter
def age(at: datetime | None) -> SafeString:
    """How long ago, in its two largest units; the exact UTC on hover."""
    if at is None:
        return SafeString("never")
    return format_html(
        '<time datetime="{}" title="{} UTC">{}</time>',
        at.isoformat(),
        f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}",
        duration((timezone.now() - at).total_seconds()),
    )


@register.filter
def isotime(text: str) -> SafeString:
    """A moment that was kept as text."""
    return moment(datetime.fromisoformat(text))


@register.filter
def duration(seconds: float | timedelta) -> str:
    """Seconds in words: 3 h 12 min."""
    left = int(seconds.total_seconds() if isinstance(seconds, timedelta) else seconds)
    left = max(left, 0)
    told: list[str] = []
    for unit, size in _UNITS:
        if left >= size and len(told) < 2:
            count, left = divmod(left, size)
            told.append(f"{count} {unit}{'s' if unit == 'day' and count != 1 else ''}")
        elif told:
            break
    return " ".join(told) or "0 s"


LONG = 300  # characters; the rest of a value is a click away


@register.filter
def shortened(value: str) -> SafeString:
    """A long value by its beginning, the whole behind "show all". What is marked within a text stays marked."""
    plain = strip_tags(value) if isinstance(value, SafeString) else value
    if len(plain) <= LONG:
        return conditional_escape(value)
    start = unescape(plain) if isinstance(value, SafeString) else plain
    return format_html(
        '<details class="cc-long"><summary>{}… <small>show all, {} characters</small></summary>{}</details>',
        start[:LONG],
        len(start),
        value,
    )

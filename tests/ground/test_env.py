"""Settings from the environment: what is accepted, and the words of a refusal."""

import pytest

from syncapp.env import SettingError, env_bool, env_choice, env_float, env_int, env_list, env_str

NAME = "CONCORD_TEST_VALUE"


@pytest.mark.parametrize(
    ("text", "read", "value"),
    [
        ("", lambda: env_int(NAME, 5, 1, 100), 5),
        ("  ", lambda: env_int(NAME, 5, 1, 100), 5),
        ("100", lambda: env_int(NAME, 5, 1, 100), 100),
        ("1.5", lambda: env_float(NAME, 0.0, -2.0, 2.0), 1.5),
        ("YES", lambda: env_bool(NAME), True),
        ("off", lambda: env_bool(NAME, True), False),
        ("", lambda: env_bool(NAME, True), True),
        ("a, b,,c ", lambda: env_list(NAME), ["a", "b", "c"]),
        ("/a:/b", lambda: env_list(NAME, separator=":"), ["/a", "/b"]),
        (" word ", lambda: env_str(NAME), "word"),
        ("b", lambda: env_choice(NAME, "a", ("a", "b")), "b"),
    ],
)
def test_reads(monkeypatch, text, read, value):
    monkeypatch.setenv(NAME, text)
    assert read() == value


@pytest.mark.parametrize(
    ("text", "read", "accepted"),
    [
        ("0", lambda: env_int(NAME, 5, 1, 100), "a whole number from 1 to 100"),
        ("101", lambda: env_int(NAME, 5, 1, 100), "a whole number from 1 to 100"),
        ("five", lambda: env_int(NAME, 5, 1, 100), "a whole number from 1 to 100"),
        ("1.0", lambda: env_int(NAME, 5, 1, 100), "a whole number from 1 to 100"),
        ("nan", lambda: env_float(NAME, 0.0, -2.0, 2.0), "a number from -2.0 to 2.0"),
        ("inf", lambda: env_float(NAME, 0.0, -2.0, 2.0), "a number from -2.0 to 2.0"),
        ("maybe", lambda: env_bool(NAME), "1, true, yes, on, 0, false, no, off"),
        ("c", lambda: env_choice(NAME, "a", ("a", "b")), "a, b"),
    ],
)
def test_refuses_naming_the_variable_what_it_got_and_what_is_accepted(monkeypatch, text, read, accepted):
    monkeypatch.setenv(NAME, text)
    with pytest.raises(SettingError) as refusal:
        read()
    sentence = str(refusal.value)
    assert NAME in sentence
    assert repr(text) in sentence
    assert accepted in sentence

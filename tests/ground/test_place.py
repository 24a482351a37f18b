"""Where embedded data lies: never shared by accident, never behind an opened private folder."""

import os
import pwd
import stat
from pathlib import Path

import pytest

from syncapp.embedded import place as module
from syncapp.embedded.place import Place, ServerProblem, demand_reachable, find_place, make_data_folder


def test_two_checkouts_have_two_folders(monkeypatch):
    monkeypatch.delenv("CONCORD_DATA")
    monkeypatch.setattr(module, "PROJECT", Path("/srv/one/hub"))
    first = find_place()
    monkeypatch.setattr(module, "PROJECT", Path("/srv/two/hub"))
    assert find_place() != first


def test_a_chosen_folder_is_taken(monkeypatch, tmp_path):
    monkeypatch.setenv("CONCORD_DATA", str(tmp_path / "own"))
    assert find_place() == Place(tmp_path / "own")


@pytest.mark.parametrize("length", [10, 60, 61, 70, 200])
def test_socket_paths_always_fit(length):
    place = Place(Path("/") / ("d" * length))
    assert len(str(place.run) + "/.s.PGSQL.5432.lock") <= 107
    assert place.run != Place(Path("/") / ("e" * length)).run


def test_the_data_folder_can_be_listed_by_its_owner_only(tmp_path):
    place = Place(tmp_path / "data")
    make_data_folder(place)
    assert not stat.S_IMODE(place.folder.stat().st_mode) & 0o066


def test_a_symlink_is_not_taken_for_the_data_folder(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(ServerProblem, match="is not a folder of user id"):
        make_data_folder(Place(tmp_path / "link"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may give folders away; the next test covers root")
def test_a_folder_of_somebody_else_is_refused():
    with pytest.raises(ServerProblem, match="is not a folder of user id"):
        make_data_folder(Place(Path("/usr")))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a folder of somebody else")
def test_root_refuses_a_folder_of_somebody_else(tmp_path):
    folder = tmp_path / "theirs"
    folder.mkdir()
    os.chown(folder, pwd.getpwnam("nobody").pw_uid, -1)
    with pytest.raises(ServerProblem, match="is not a folder of user id 0"):
        make_data_folder(Place(folder))


def test_a_private_parent_is_named_and_left_alone(tmp_path):
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    with pytest.raises(ServerProblem) as refusal:
        demand_reachable(private / "data" / "postgres", pwd.getpwnam("nobody"))
    # pytest's own folder is private too: the outermost private folder is the one to name.
    named = next(parent for parent in reversed((private / "data").parents) if not parent.stat().st_mode & 0o001)
    assert str(named) in str(refusal.value)
    assert "CONCORD_DATA" in str(refusal.value)
    assert stat.S_IMODE(private.stat().st_mode) == 0o700

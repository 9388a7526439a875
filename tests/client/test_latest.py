from sightline_client.latest import LatestLists
from tests.client.conftest import feed


def test_a_list_older_than_one_already_given_is_stale() -> None:
    latest = LatestLists(10)
    assert [latest.accept(feed("u1", seq)) for seq in (5, 4, 6)] == [True, False, True]


def test_a_list_given_again_is_stale() -> None:
    latest = LatestLists(10)
    assert [latest.accept(feed("u1", 5)), latest.accept(feed("u1", 5))] == [True, False]


def test_users_and_kinds_have_their_own_seq() -> None:
    latest = LatestLists(10)
    lists = [feed("u1", 5), feed("u2", 4), feed("u1", 3, kind="similar")]
    assert [latest.accept(one) for one in lists] == [True, True, True]


def test_the_memory_of_seqs_is_bounded_and_forgets_the_user_heard_of_longest_ago() -> None:
    latest = LatestLists(2)
    for one in (feed("u1", 5), feed("u2", 5), feed("u1", 6), feed("u3", 5)):
        latest.accept(one)
    assert latest.accept(feed("u2", 1))
    assert not latest.accept(feed("u3", 1))

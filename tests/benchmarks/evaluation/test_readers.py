import gzip
from pathlib import Path

import numpy as np
import pytest

from benchmarks.evaluation.log import Event, Log, UnreadableLog, in_order
from benchmarks.evaluation.readers import read_events, read_log
from features.profile import DAY_MS
from features.words.item_words import DIMENSIONS


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


def test_ratings_are_likes_looks_and_dislikes(tmp_path: Path) -> None:
    path = write(tmp_path, "r.csv.gz", "user_id,item_id,timestamp,rating\n7,21,10,3.5\n7,22,11,2.5\n7,23,12,2.0\n")
    assert read_events(path) == [
        Event("7", "21", "like", 10_000),
        Event("7", "22", "view", 11_000, 60_000),
        Event("7", "23", "dislike", 12_000),
    ]


def test_histories_have_one_day_for_each_step(tmp_path: Path) -> None:
    first, second, third = read_events(write(tmp_path, "h.txt.gz", "1 a b\n2 c\n"))
    assert (first.item, second.item, third.item) == ("a", "b", "c")
    assert (second.at_ms - first.at_ms, third.at_ms - first.at_ms) == (DAY_MS, 1)


@pytest.mark.parametrize("time", ["1600000000", "1600000000000", "2020-09-13T12:26:40", "2020-09-13T14:26:40+02:00"])
def test_a_time_is_seconds_milliseconds_or_iso_8601(tmp_path: Path, time: str) -> None:
    (event,) = read_events(write(tmp_path, "p.csv", f"user,item,type,time\nu,i,click,{time}\n"))
    assert event == Event("u", "i", "click", 1_600_000_000_000)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "a file of events begins with"),
        ("user,item,type,time\n", "holds no event"),
        ("user,item,type,time\nu,i,clik,5\n", "line 2: the type 'clik' is none of click"),
        ("user,item,type,time\nu,i,click,soon\n", "line 2: .*soon"),
        ("user,item,type,time\nu,,click,5\n", "line 2: the user or the item is empty"),
        ("user,item,type,time\nu,i,click,nan\n", "line 2: .*NaN"),
        ("who,what\nu,i\n", "begins with 'who,what'"),
    ],
)
def test_a_file_that_is_no_log_is_refused_with_the_reason(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UnreadableLog, match=said):
        read_events(write(tmp_path, "p.csv", text))


def test_a_history_without_items_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableLog, match="line 2: '2' has no items"):
        read_events(write(tmp_path, "h.txt", "1 a\n2\n"))


def test_a_folder_without_events_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableLog, match="there is none"):
        read_log(tmp_path, seed=1)


def test_a_log_is_in_order_of_time_with_the_first_genre_as_category(tmp_path: Path) -> None:
    write(tmp_path, "interactions.csv", "user_id,item_id,timestamp,rating\n1,b,20,5\n1,a,10,5\n")
    write(tmp_path, "items.csv", "item_id,title,genres\na,A,Drama|War\nb,B,\n")
    write(tmp_path, "README.txt", "no events")
    log = read_log(tmp_path, seed=1)
    assert [event.item for event in log.events] == ["a", "b"]
    assert log.categories == {"a": "Drama"}
    assert log.texts == {"a": "A. Drama, War", "b": "B"}


def test_texts_become_the_words_of_items() -> None:
    log = Log([Event("u", "a", "click", 1)], texts={"a": "Red shirt", "b": "B"})
    words = log.worded(lambda texts: np.eye(len(texts), DIMENSIONS, dtype=np.float32)).words

    assert [*words] == ["a", "b"]
    assert np.frombuffer(words["b"].vector, "<f2").argmax() == 1
    assert words["a"].is_sound
    assert words["a"].text != words["b"].text


def test_the_seed_alone_decides_the_order_of_equal_times() -> None:
    events = [Event("u", f"i{number}", "click", 5) for number in range(20)]
    assert in_order(events, 1) == in_order(events, 1) != in_order(events, 2)
    assert in_order(events, 1) != events

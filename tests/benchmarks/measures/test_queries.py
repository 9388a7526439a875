import msgspec

from benchmarks.measures.queries import _WAYS, _queries
from benchmarks.world.pictures import draw_catalogue
from sightline_client.events import Upload


def test_no_query_has_a_picture_or_words_that_another_one_has() -> None:
    drawn = list(draw_catalogue(3, seed=1))
    asked = [
        msgspec.json.decode(event.value, type=Upload) for way in _WAYS for event in _queries(way, [*drawn, *drawn])
    ]
    assert all(query.purpose == "query" for query in asked)
    for said in ([each.image for each in asked if each.image], [each.text for each in asked if each.text]):
        assert len(said) == len(set(said)) > 0
    assert {query.box for query in asked if query.box is not None} == {"salient"}
    assert len({query.user_id for query in asked}) == len(asked)

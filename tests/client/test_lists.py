import msgspec

from sightline_client import ExperimentArm, Recommendations, encode

#: A list as the version before experiments wrote it.
BEFORE = (
    b'{"rec_id":"4-48121","user_id":"u1","seq":48121,"kind":"feed","generated_at_ms":1767268800003,"trigger":'
    b'{"event_id":"c-1","type":"click","item_id":"i9","occurred_at_ms":1767268800000},"items":[{"item_id":"i7",'
    b'"score":1.7136,"source":"visual","explore":false,"reasons":[{"code":"looks_like","item_id":"i9",'
    b'"similarity":0.9107}]}],"filtered":{"seen":12},"degraded":[],"model":{"encoder":"efficientnet-lite0@1",'
    b'"ranker":"weighted@1"},"timings_ms":{"queue":1.0}}'
)


def test_a_list_of_the_version_before_is_read_and_one_without_an_experiment_has_its_bytes() -> None:
    found = msgspec.json.decode(BEFORE, type=Recommendations)

    assert found.experiment is None
    assert encode(found) == BEFORE


def test_a_list_of_an_experiment_has_one_more_field() -> None:
    found = msgspec.json.decode(BEFORE, type=Recommendations)
    named = msgspec.structs.replace(found, experiment=ExperimentArm(name="looks-1", arm="popular"))

    assert encode(named) == BEFORE[:-1] + b',"experiment":{"name":"looks-1","arm":"popular"}}'

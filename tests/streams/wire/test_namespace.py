from streams.wire.namespace import Namespace
from streams.wire.topics import INTERACTIONS


def test_all_names_of_an_app_begin_with_its_prefix() -> None:
    shop = Namespace("shop.")

    assert shop.topic(INTERACTIONS) == "shop.events.interactions"
    assert shop.group("items") == "shop.sightline-items"
    assert shop.profile_keys.position(3) == "{shop.3}:position"
    assert shop.item_keys.position(3) == "{shop.s3}:position"


def test_a_topic_is_named_in_short_without_the_prefix() -> None:
    assert Namespace("shop.").short_name("shop.events.items") == "events.items"
    assert not Namespace("shop.").has("other.events.items")


def test_without_a_prefix_the_names_are_the_contracts() -> None:
    assert Namespace().topic(INTERACTIONS) == "events.interactions"

from inference.catalog.other_items import OtherItem, OtherItems


def test_the_most_common_encoder_is_that_of_the_items_that_are_still_here() -> None:
    others = OtherItems()
    assert others.most_common_encoder() == (None, 0)
    for key, encoder in enumerate(("a@1", "b@1", "b@1", None)):
        others.add(key, OtherItem(f"i{key}", 0, encoder))
    assert (others.most_common_encoder(), len(others)) == (("b@1", 2), 4)

    for key in (1, 2, 7):
        others.discard(key)
    assert (others.most_common_encoder(), [other.item_id for other in others]) == (("a@1", 1), ["i0", "i3"])

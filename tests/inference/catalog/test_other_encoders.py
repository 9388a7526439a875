from inference.catalog.other_encoders import OtherEncoders


def test_the_most_common_encoder_is_that_of_the_items_that_are_still_here() -> None:
    others = OtherEncoders()
    assert others.most_common() == (None, 0)
    for key, encoder in enumerate(("a@1", "b@1", "b@1", None)):
        others.add(key, encoder)
    assert (others.most_common(), len(others)) == (("b@1", 2), 4)

    for key in (1, 2, 7):
        others.discard(key)
    assert (others.most_common(), others.items) == (("a@1", 1), {0: "a@1", 3: None})

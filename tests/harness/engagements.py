"""The behaviour of an item after single engagements, as the items agent applies those of the release before."""

from features.behaviour import Behaviour, Engagement, counted, linked
from features.co_choices.neighbours import Links


def apply_engagement(behaviour: Behaviour, engagement: Engagement) -> Behaviour:
    """The behaviour after one engagement: its sums and its neighbours."""
    links = Links()
    for item, weight in engagement.links:
        links.add(engagement.item, item, weight, engagement.at_ms)
    return linked({engagement.item: counted(behaviour, engagement)}, links)[engagement.item]

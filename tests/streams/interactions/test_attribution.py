from prometheus_client import REGISTRY

from features.recommendation import RecommendedItem, Source
from streams.interactions.attribution import LISTS_LIMIT, Attribution


def slot(name: str, source: Source) -> RecommendedItem:
    return RecommendedItem(item_id=name, score=1.0, source=source, explore=False, reasons=[])


def counted(metric: str, source: str) -> float:
    return REGISTRY.get_sample_value(f"sightline_{metric}_total", {"source": source}) or 0.0


def test_slots_are_counted_by_their_source() -> None:
    before = [counted("shown", source) for source in ("visual", "fresh")]
    Attribution().shown({"r1": [slot("a", "visual"), slot("b", "visual"), slot("c", "fresh")]})

    assert [counted("shown", source) for source in ("visual", "fresh")] == [before[0] + 2, before[1] + 1]


def test_a_click_is_earned_by_the_source_of_its_slot() -> None:
    attribution = Attribution()
    attribution.shown({"r1": [slot("a", "visual"), slot("b", "trending")]})
    before = counted("clicked", "trending")
    attribution.clicked("r1", "b")

    assert counted("clicked", "trending") == before + 1


def test_a_click_on_an_unknown_list_or_beside_the_list_is_unknown() -> None:
    attribution = Attribution()
    attribution.shown({"r1": [slot("a", "visual")]})
    before = counted("clicked", "unknown")
    attribution.clicked("r1", "z")
    attribution.clicked("r0", "a")

    assert counted("clicked", "unknown") == before + 2


def test_past_its_bound_the_oldest_list_is_forgotten() -> None:
    attribution = Attribution()
    attribution.shown({f"r{number}": [slot("a", "popular")] for number in range(LISTS_LIMIT + 1)})
    popular, unknown = counted("clicked", "popular"), counted("clicked", "unknown")
    attribution.clicked("r0", "a")
    attribution.clicked("r1", "a")

    assert counted("clicked", "unknown") == unknown + 1
    assert counted("clicked", "popular") == popular + 1

import pytest

from sightline_client import BrokerUnavailable, EventPublisher, RecommendationSubscriber

NOTHING_LISTENS = "127.0.0.1:1"


@pytest.mark.parametrize("make", [EventPublisher, RecommendationSubscriber])
def test_a_client_without_kafka_says_at_once_what_to_do(
    make: type[EventPublisher] | type[RecommendationSubscriber],
) -> None:
    with pytest.raises(BrokerUnavailable, match=r"no Kafka answers at 127\.0\.0\.1:1 .*`sightline up`"):
        make(NOTHING_LISTENS)


def test_an_address_without_a_port_is_named() -> None:
    with pytest.raises(BrokerUnavailable, match="needs a port: give host:port, not 'kafka'"):
        EventPublisher("kafka")

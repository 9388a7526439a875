import socket
from contextlib import closing
from pathlib import Path

import pytest

from streams.credentials import KafkaSecurity
from streams.errors import BrokerUnavailable
from streams.kafka.admin_client import AdminConnection


def test_a_certificate_file_that_is_gone_makes_the_broker_unavailable_and_no_more(tmp_path: Path) -> None:
    security = KafkaSecurity(protocol="SSL", ca_file=tmp_path / "gone.pem")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"127.0.0.1:{listening.getsockname()[1]}"
        with closing(AdminConnection(address, security=security)) as connection, pytest.raises(BrokerUnavailable):
            connection.call(lambda client: client.list_topics())

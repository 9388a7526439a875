from deploy.kafka_server import new_cluster_id


def test_a_cluster_id_is_never_taken_for_an_option() -> None:
    ids = {new_cluster_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(len(made) == 22 and made[0] != "-" for made in ids)

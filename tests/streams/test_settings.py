from collections.abc import Callable
from pathlib import Path

import pytest

from features.profile import WEIGHTS, weigh
from inference.ranking.lessons import ACTION_LIMIT
from streams.errors import SettingsError
from streams.settings import Settings, read_settings
from streams.settings_checks import parse_lesson_weights
from tests.harness.certificates import Authority

SECRET = "wr0ng-horse"
Environment = Callable[..., None]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Environment:
    """Sets variables of Sightline for one test."""

    def put(**values: object) -> None:
        for name, value in values.items():
            monkeypatch.setenv(f"SIGHTLINE_{name.upper()}", str(value))

    return put


def refusal() -> list[str]:
    """What is wrong with the settings, a line a variable."""
    with pytest.raises(SettingsError) as refused:
        read_settings()
    assert SECRET not in str(refused.value)
    return [line.strip() for line in str(refused.value).splitlines()[1:]]


def test_a_secured_system_can_be_named(environment: Environment, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    own = authority.issue("worker")
    environment(kafka="k:9093", kafka_protocol="SASL_SSL", kafka_ca=authority.ca)
    environment(kafka_cert=own.cert, kafka_key=own.key, kafka_username="worker", kafka_password=SECRET)
    environment(redis="rediss://r:6379", redis_ca=authority.ca, redis_password=SECRET)
    environment(triton="t:8001", triton_ca=authority.ca, triton_cert=own.cert, triton_key=own.key)
    settings = read_settings()
    assert settings.kafka_username == "worker"
    assert settings.redis_ca == authority.ca


def test_no_secret_is_shown_with_the_settings(environment: Environment) -> None:
    environment(kafka="k:1", kafka_protocol="SASL_SSL", kafka_username="worker", kafka_password=SECRET)
    environment(redis=f"redis://ann:{SECRET}@r:1")
    settings = read_settings()
    assert SECRET not in repr(settings) + str(settings) + settings.model_dump_json()


def test_a_login_in_the_address_of_redis_is_kept_apart_from_it(environment: Environment) -> None:
    environment(redis="rediss://ann:s3c%40ret@r:6379?cluster=true")
    settings = read_settings()
    assert settings.redis == "rediss://r:6379?cluster=true"
    assert settings.redis_username == "ann"
    assert settings.redis_password is not None
    assert settings.redis_password.get_secret_value() == "s3c@ret"


def test_two_passwords_for_redis_are_one_too_many(environment: Environment) -> None:
    environment(redis=f"redis://ann:{SECRET}@r:1", redis_password=SECRET)
    assert refusal() == [
        "SIGHTLINE_REDIS: contains a login, and SIGHTLINE_REDIS_USERNAME or _PASSWORD is set too: keep one of them "
        "(it is 'redis://***@r:1')"
    ]


def test_every_variable_that_is_wrong_is_named_at_once(environment: Environment, tmp_path: Path) -> None:
    junk = tmp_path / "junk.pem"
    junk.write_text("junk")
    environment(kafka=f"ann:{SECRET}@k:1", kafka_protocol="SASL_SSL", kafka_ca=junk, kafka_key=junk)
    environment(redis_username="ann", redis_ca=tmp_path / "none.pem", triton_cert=junk, partitions=0)
    assert [line.split(":")[0] for line in refusal()] == [
        "SIGHTLINE_KAFKA",
        "SIGHTLINE_KAFKA_CA",
        "SIGHTLINE_KAFKA_KEY",
        "SIGHTLINE_KAFKA_USERNAME",
        "SIGHTLINE_KAFKA_PASSWORD",
        "SIGHTLINE_REDIS_CA",
        "SIGHTLINE_REDIS_PASSWORD",
        "SIGHTLINE_TRITON_KEY",
        "SIGHTLINE_PARTITIONS",
    ]


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"kafka_protocol": "SSL"}, "needs SIGHTLINE_KAFKA"),
        ({"kafka": "k:1", "kafka_password": SECRET}, "is never sent with SIGHTLINE_KAFKA_PROTOCOL=PLAINTEXT"),
        ({"kafka": "k:1", "kafka_protocol": "TLS"}, "Input should be 'PLAINTEXT', 'SSL'"),
        ({"redis_password": SECRET}, "needs SIGHTLINE_REDIS"),
        ({"redis": "redis://r:1", "redis_username": "ann"}, "is needed with SIGHTLINE_REDIS_USERNAME"),
        ({"log_level": "loud"}, "must be one of debug"),
        ({"triton": "t:1", "triton_cert": "c" * 300}, "_CERT: cannot be read: File name too long"),
    ],
)
def test_a_setting_that_would_not_be_used_is_refused(
    environment: Environment, given: dict[str, str], named: str
) -> None:
    environment(**given)
    [line] = refusal()
    assert named in line


def test_a_password_is_not_sent_as_it_is_without_tls(environment: Environment) -> None:
    environment(kafka="k:1", kafka_protocol="SASL_PLAINTEXT", kafka_mechanism="PLAIN")
    environment(kafka_username="ann", kafka_password=SECRET)
    assert refusal()[0].startswith("SIGHTLINE_KAFKA_MECHANISM: sends the password in clear")


def test_authorities_without_tls_are_refused(environment: Environment, tmp_path: Path) -> None:
    environment(redis="redis://r:1", redis_ca=Authority(tmp_path).ca)
    assert "is used only with SIGHTLINE_REDIS=rediss://host:port" in refusal()[0]


def test_a_key_of_another_certificate_is_refused(environment: Environment, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    one, other = authority.issue("one"), authority.issue("other")
    environment(triton="t:1", triton_ca=authority.ca, triton_cert=one.cert, triton_key=other.key)
    assert "is not the key of SIGHTLINE_TRITON_CERT" in refusal()[0]


def test_a_secret_may_come_as_a_file(environment: Environment, tmp_path: Path) -> None:
    environment(kafka="k:1", kafka_protocol="SASL_SSL", kafka_username="ann")
    (tmp_path / "sightline_kafka_password").write_text(f"{SECRET}\n")
    password = read_settings(tmp_path).kafka_password
    assert password is not None
    assert password.get_secret_value() == SECRET


def test_another_process_can_be_given_the_same_settings(environment: Environment) -> None:
    given = Settings(kafka="k:1", kafka_protocol="SASL_SSL", kafka_username="ann", kafka_password=SECRET)
    environment(**{name.removeprefix("SIGHTLINE_"): value for name, value in given.environment().items()})
    assert read_settings() == given


def test_what_is_not_set_is_not_taken_from_the_environment_by_another_process(environment: Environment) -> None:
    environment(kafka="k:1", object_store="s3://bucket")
    environment(
        **{
            name.removeprefix("SIGHTLINE_"): value
            for name, value in Settings(kafka="k:2", object_store=None).environment().items()
        }
    )
    assert (read_settings().kafka, read_settings().object_store) == ("k:2", None)


def test_services_of_this_machine_have_no_credentials(environment: Environment) -> None:
    environment(kafka="k:1", kafka_protocol="SASL_SSL", kafka_username="ann", kafka_password=SECRET, list_length=7)
    assert read_settings().on_this_machine() == Settings().model_copy(
        update={"kafka": None, "kafka_protocol": "PLAINTEXT", "kafka_username": None, "kafka_password": None}
    )


def test_metrics_and_health_are_for_this_machine_unless_set_otherwise() -> None:
    assert read_settings().metrics_host == "127.0.0.1"


def test_no_host_may_be_named_in_an_address_of_a_picture_unless_it_is_set(environment: Environment) -> None:
    assert read_settings().image_hosts == ""
    environment(image_hosts="cdn.example.com,img.example.com:8443")
    assert read_settings().image_hosts == "cdn.example.com,img.example.com:8443"


@pytest.mark.parametrize(
    "hosts",
    ["*", "localhost", "10.0.0.1", "2130706433", "0x7f.1", "[::1]", "https://a.example", "a.example,", "A.example"],
)
def test_what_is_no_name_of_a_host_on_the_internet_is_refused(environment: Environment, hosts: str) -> None:
    environment(image_hosts=hosts)
    assert refusal()[0].startswith("SIGHTLINE_IMAGE_HOSTS:")


@pytest.mark.parametrize("name", ["control_key", "pseudonym_key"])
def test_a_key_that_is_too_short_is_refused_without_being_shown(environment: Environment, name: str) -> None:
    environment(**{name: "tooshort"})
    told = "\n".join(refusal())
    assert f"SIGHTLINE_{name.upper()}" in told
    assert "tooshort" not in told


HOSTILE = (
    "",
    " ",
    "\n",
    "nan",
    "inf",
    "-1",
    "0",
    "1e999",
    "٣",
    "{}",
    "[",
    "/",
    "\x1b[31m",
    "null",
    "🙂",
    "x" * 10_000,
    "a,b;c",
    "://",
)


# The tracer would double the time of a thousand readings; other tests run the same lines.
@pytest.mark.no_cover
@pytest.mark.parametrize("name", Settings.model_fields)
def test_whatever_a_variable_holds_is_taken_or_refused_in_a_line_with_its_name(
    environment: Environment, name: str
) -> None:
    for value in HOSTILE:
        environment(**{name: value})
        try:
            read_settings()
        except SettingsError as error:
            _, *lines = str(error).splitlines()
            assert [line for line in lines if not line.startswith("  SIGHTLINE_")] == []
            assert any(name.partition("_")[0].upper() in line for line in lines)
            assert not any("Value error" in line or len(line) > 600 or "\x1b" in line for line in lines)


@pytest.mark.parametrize(
    ("variable", "meant"),
    [("REDIS_URL", "REDIS"), ("KAFKA_BOOTSTRAP_SERVERS", "KAFKA"), ("PARTITION", "PARTITIONS"), ("HOMES", "HOME")],
)
def test_a_misspelt_variable_is_refused_with_the_one_that_is_probably_meant(
    environment: Environment, variable: str, meant: str
) -> None:
    environment(**{variable: "1"})
    assert refusal() == [f"SIGHTLINE_{variable}: is no setting; SIGHTLINE_{meant} is"]


@pytest.mark.parametrize(
    "variable",
    [
        "REDIS_SERVICE_HOST",
        "REDIS_SERVICE_PORT",
        "REDIS_SERVICE_PORT_REDIS",
        "REDIS_PORT_6379_TCP_ADDR",
        "OF_LATER_VERSIONS",
    ],
)
def test_what_kubernetes_or_a_later_version_sets_is_passed_over(environment: Environment, variable: str) -> None:
    environment(**{variable: "1"})
    read_settings()


@pytest.mark.parametrize("key", [f"{'k' * 16},short", " ," * 8, f",{'k' * 15}"])
def test_each_of_several_control_keys_must_be_long_enough(environment: Environment, key: str) -> None:
    environment(control_key=key)
    assert refusal()[0].startswith("SIGHTLINE_CONTROL_KEY: must have at least 16")


def test_the_weights_of_lessons_are_those_of_the_profile() -> None:
    weights = parse_lesson_weights(Settings().lesson_weights)
    others = {name: weight for name, weight in WEIGHTS.items() if name not in ("view", "upload")}

    assert weights == {**others, "view": weigh("view", dwell_ms=60_000), "rate": weigh("rate", rating=4.0)}
    assert max(map(abs, weights.values())) <= ACTION_LIMIT


def test_the_weights_of_some_actions_can_be_set(environment: Environment) -> None:
    environment(lesson_weights="purchase=5, view=0,hide=-8")
    weights = parse_lesson_weights(read_settings().lesson_weights)

    assert [weights[name] for name in ("purchase", "view", "hide", "click")] == [5.0, 0.0, -8.0, 1.0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "buy=1",
            "'buy=1' does not name one of view, click, like, save, share, cart, purchase, comment, rate, dislike, hide",
        ),
        ("click=1,click=2", "'click=2' does not name one of"),
        ("click", "'click' has no weight between 0 and 8: write click=1"),
        ("click=nan", "'click=nan' has no weight"),
        ("click=-1", "'click=-1' has no weight between 0 and 8"),
        ("hide=3", "'hide=3' has no weight between -8 and 0: write hide=-3"),
        ("purchase=9", "'purchase=9' has no weight between 0 and 8"),
    ],
)
def test_a_weight_that_cannot_be_is_refused(environment: Environment, text: str, says: str) -> None:
    environment(lesson_weights=text)
    (line,) = refusal()
    assert line.startswith(f"SIGHTLINE_LESSON_WEIGHTS: {says}")


def test_learning_is_on_frozen_or_off(environment: Environment) -> None:
    environment(learning="sometimes")
    (line,) = refusal()
    assert "SIGHTLINE_LEARNING" in line
    assert "'frozen'" in line


def test_previews_are_kept_at_home_and_whole_pictures_where_a_store_is_named(tmp_path: Path) -> None:
    unset, named = Settings(home=tmp_path), Settings(home=tmp_path, pictures="s3://shop/kept")
    assert (unset.keep, unset.picture_store) == ("preview", tmp_path.as_uri())
    assert (named.keep, named.picture_store) == ("full", "s3://shop/kept")
    assert Settings(pictures="s3://shop", keep_pictures="none").keep == "none"
    assert named.on_this_machine().picture_store == tmp_path.as_uri()


# By what lists compare pictures


def test_lists_compare_by_the_look_alone_unless_set(environment: Environment) -> None:
    assert read_settings().feed_by == "look"
    environment(feed_by="look=0.8,colour=0.2")
    assert read_settings().feed_by == "look=0.8,colour=0.2"


@pytest.mark.parametrize(
    ("feed_by", "named"),
    [("colour", "must give `look` a weight"), ("look,smell", "'smell' does not name one of look, colour")],
)
def test_lists_that_cannot_compare_so_are_refused(environment: Environment, feed_by: str, named: str) -> None:
    environment(feed_by=feed_by)
    (line,) = refusal()
    assert line.startswith("SIGHTLINE_FEED_BY")
    assert named in line


def test_a_shared_index_compares_by_the_look_alone(environment: Environment) -> None:
    environment(feed_by="all", index="redis")
    (line,) = refusal()
    assert line.startswith("SIGHTLINE_INDEX: has only the look of pictures")
    environment(feed_by="look=2")
    assert read_settings().index == "redis"


def test_a_sequence_model_knows_pictures_by_their_look_alone(environment: Environment) -> None:
    environment(feed_by="look=0.8,colour=0.2", sequence="s3://models/sequence")
    (line,) = refusal()
    assert line.startswith("SIGHTLINE_SEQUENCE: knows pictures by their look alone: set SIGHTLINE_FEED_BY=look")
    environment(feed_by="look")
    assert read_settings().sequence == "s3://models/sequence"


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("s3://models", "must name a file: s3://models/models/factors"),
        ("https://models/factors", "must be file:///folder, s3://bucket"),
        ("models/", "must name a file, not a folder"),
        ("s3://models/new//factors", "must have no empty part and no `.` or `..` in its path"),
        ("s3://models/../factors", "must have no empty part and no `.` or `..` in its path"),
    ],
)
def test_a_place_of_factors_that_names_no_file_is_refused(environment: Environment, place: str, says: str) -> None:
    environment(factors=place)
    (line,) = refusal()
    assert line.startswith(f"SIGHTLINE_FACTORS: {says}")


@pytest.mark.parametrize("place", ["models/factors", "/models/factors", "s3://models/new/factors"])
def test_factors_and_a_sequence_model_lie_at_a_path_or_a_url(environment: Environment, place: str) -> None:
    environment(factors=place, sequence=place)
    assert read_settings().factors == read_settings().sequence == place

"""All environment variables of Sightline. Only this module reads them, once per process."""

from collections.abc import Callable, Mapping
from os import environ
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, FilePath, SecretStr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from features.vision.gate.policy import GatePolicy
from features.vision.kept_picture import Keep
from streams.addresses import file_place, kafka_addresses, redis_url, store_url, triton_address
from streams.errors import SettingsError
from streams.experiment_setting import read_experiment
from streams.settings_checks import (
    LESSON_WEIGHTS,
    check_authorities,
    check_feed_by,
    check_file,
    check_index,
    check_kafka_login,
    check_key,
    check_keys,
    check_login,
    check_mechanism,
    check_protocol,
    check_redis_login,
    check_sequence,
    misspelt,
    parse_lesson_weights,
    redact,
    shorten,
    split_login,
)
from streams.web_door.settings import WebSettings

#: The folder where Docker and Kubernetes put secrets: files named like the variables, in lower case.
SECRETS: Final = Path("/run/secrets")
#: Partitions that a topic of the app may have at most.
PARTITIONS_LIMIT: Final = 1024

#: Host names in lower case. The last part is not a number, so IP addresses do not match.
_HOST: Final = r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])(:[0-9]{1,5})?"
_HOSTS: Final = rf"^({_HOST}(,{_HOST})*)?$"


_READ_ADDRESS: Final = {
    "kafka": kafka_addresses,
    "redis": redis_url,
    "triton": triton_address,
    "object_store": store_url,
    "factors": file_place,
    "classes": file_place,
    "sequence": file_place,
    "rules": file_place,
    "pictures": store_url,
}


#: What raises ValueError for a value that cannot be meant, alone or beside the settings before it.
_CHECKS: Final[dict[str, Callable[[Any], object]]] = {
    "feed_by": check_feed_by,
    "gate": GatePolicy.parse,
    "lesson_weights": parse_lesson_weights,
    "experiment": read_experiment,
    "control_key": check_keys,
}
_CHECKS_BESIDE: Final[dict[str, Callable[[Any, Mapping[str, Any]], None]]] = {
    "index": check_index,
    "sequence": check_sequence,
}

#: Settings whose values are not shown. Among the hashes of keys somebody may put a key.
_SECRET: Final = ("_password", "control_key", "pseudonym_key", "web_keys", "token_key")
_FILES: Final = tuple(f"{service}_{file}" for service in ("kafka", "redis", "triton") for file in ("ca", "cert", "key"))


class Settings(WebSettings):
    """The configuration of a process. The defaults run the demo."""

    model_config = SettingsConfigDict(
        env_prefix="SIGHTLINE_", env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    home: Path = Field(Path(".sightline"), description="where the local stack keeps data and logs")
    tools: Path = Field(
        Path(".sightline/tools"),
        description="where downloaded servers and models are kept, shared by every home",
    )
    kafka: str | None = Field(None, description="host:port of an existing Kafka, instead of the local one")
    redis: str | None = Field(
        None, description="redis://host:port or rediss:// (TLS) of an existing Redis, instead of the local one"
    )
    triton: str | None = Field(None, description="host:port of an existing Triton's gRPC, instead of the local one")

    kafka_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_ca: FilePath | None = Field(None, description="PEM: trusted authorities of Kafka; unset: those of the system")
    kafka_cert: FilePath | None = Field(None, description="PEM: the client certificate, if Kafka asks for one")
    kafka_key: FilePath | None = Field(None, validate_default=True, description="PEM: its key, without a passphrase")
    kafka_mechanism: Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"] = "SCRAM-SHA-512"
    kafka_username: str | None = Field(None, validate_default=True)
    kafka_password: SecretStr | None = Field(None, validate_default=True)
    redis_ca: FilePath | None = Field(None, description="PEM: trusted authorities of Redis; unset: those of the system")
    redis_cert: FilePath | None = Field(None, description="PEM: the client certificate, if Redis asks for one")
    redis_key: FilePath | None = Field(None, validate_default=True, description="PEM: its key, without a passphrase")
    redis_username: str | None = None
    redis_password: SecretStr | None = Field(None, validate_default=True)
    triton_ca: FilePath | None = Field(None, description="PEM: trusted authorities of Triton; if set, TLS is used")
    triton_cert: FilePath | None = Field(None, description="PEM: the client certificate, if Triton asks for one")
    triton_key: FilePath | None = Field(None, validate_default=True, description="PEM: its key, without a passphrase")

    topic_prefix: str = Field(
        "",
        pattern=r"^[A-Za-z0-9._-]{0,64}$",
        description="letters, digits, dots, - and _, at most 64, to stand before every topic name",
    )
    partitions: Annotated[int, Field(ge=1, le=PARTITIONS_LIMIT)] = 12
    replication_factor: Annotated[int, Field(ge=1, le=7)] = 1

    object_store: str | None = Field(
        None,
        description="the store of image_ref keys: file:///dir, s3://bucket, gs://bucket or az://container",
    )
    keep_pictures: Keep | None = Field(
        None,
        description="what is kept of items' pictures; unset: full where SIGHTLINE_PICTURES is set, otherwise preview",
    )
    pictures: str | None = Field(
        None,
        description="the store of kept pictures: file:///dir, s3://bucket, gs://bucket or az://container; unset: home",
    )
    image_hosts: str = Field(
        "",
        pattern=_HOSTS,
        description="hosts allowed in https addresses of pictures, in lower case: cdn.example.com,img.example.com:8443",
    )
    encoder: str = Field(
        "visual_encoder",
        pattern=r"^[A-Za-z0-9_.-]{1,64}$",
        description="the model's name in Triton: letters, digits, dots, - and _",
    )
    encoder_version: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9_.-]{1,64}@[0-9]{1,9}$",
        description="the encoder whose vectors count, such as efficientnet-lite0@2; unset: that of most pictures",
    )
    dimensions: Annotated[int, Field(ge=8, le=4096)] = 256
    gate: str = Field(
        "",
        max_length=200,
        description="what becomes of pictures with faults, else only reported: blur:hold,dark:drop (docs/gate.md)",
    )
    #: Scores of the gate's models from which on a picture has the fault (docs/gate.md).
    unsafe_from: Annotated[float, Field(gt=0, le=1)] = 0.8
    text_from: Annotated[float, Field(gt=0, le=1)] = 0.35
    feed_by: str = Field(
        "look",
        max_length=200,
        description="by what lists compare pictures: look, all, or look=0.8,colour=0.2 (docs/similarity.md)",
    )
    words: Literal["on", "off"] = Field(
        "on", description="items are found by the words of their title and description, too (docs/words.md)"
    )
    encode_timeout_s: Annotated[float, Field(gt=0, le=60)] = 2.0
    encode_inflight: Annotated[int, Field(ge=1, le=256)] = 4
    decode_processes: Annotated[int, Field(ge=1, le=64)] = 2

    snapshot_minutes: float = Field(
        15,
        ge=0,
        le=600,
        description="minutes between snapshots of the catalogue (under home, for fast starts); 0: none",
    )

    index: Literal["memory", "redis"] = Field(
        "memory", description="vector index in the memory of every worker, or shared in Redis 8 (docs/vector-index.md)"
    )
    index_shards: int = Field(
        1, ge=1, le=1024, description="shards of the shared index: 1, or the number of masters of a Redis Cluster"
    )

    batch_limit: Annotated[int, Field(ge=1, le=4096)] = 256
    list_length: Annotated[int, Field(ge=1, le=200)] = 20
    explore_share: float = Field(
        0.1,
        ge=0,
        le=0.5,
        description="the share of a list's slots that new items may get to be known, at most; 0: none",
    )
    across_categories: bool = Field(
        False, description="lists may have what has the look of a user's interests in other categories"
    )
    category_cap: int | None = Field(
        None, ge=1, le=200, description="slots of one category in a list at most, where there is anything else"
    )
    owner_cap: int | None = Field(
        None, ge=1, le=200, description="slots of one owner's items in a list at most, where there is anything else"
    )
    refused_share: float = Field(
        0.5, ge=0, le=1, description="an agent that refuses a larger share of its topic's messages stops; 1: never"
    )
    refused_least: Annotated[int, Field(ge=1)] = 200
    refused_window_s: Annotated[float, Field(gt=0, le=3600)] = 60.0

    link_window: int = Field(
        5, ge=0, le=30, description="the last items a user chose that are linked with the next one; 0: none"
    )
    link_per_step: float = Field(
        0.8, gt=0, le=1, description="weight of a link to the item one more step back; 1: all count the same"
    )
    link_backwards: float = Field(
        0.7, ge=0, le=1, description="weight of links from a later item to an earlier one; 1: as much as forwards"
    )
    recent_steps: int = Field(
        1 << 18,
        ge=0,
        le=1 << 22,
        description="the last steps of all users in the memory of an interactions worker, 128 bytes each; 0: none",
    )
    factors: str | None = Field(
        None,
        description="file of latent factors (sightline train factors): a path, or file, s3, gs or az with a key",
    )
    sequence: str | None = Field(
        None,
        description="file of a sequence model (sightline train sequence): a path, or file, s3, gs or az with a key",
    )
    classes: str | None = Field(
        None,
        description="file of own classes (sightline train classes): a path, or file, s3, gs or az with a key",
    )
    rules: str | None = Field(
        None, description="file of the shop's rules (docs/rules.md): a path, or file, s3, gs or az with a key"
    )
    learning: Literal["on", "frozen", "off"] = Field(
        "on",
        description="the ranker learns from what users do; frozen: lists keep its last version; off: hand weights",
    )
    lesson_weights: str = Field(
        LESSON_WEIGHTS,
        description="what an action teaches: click=1,purchase=4; those left out keep their weight, 0 teaches nothing",
    )
    trends_min_users: int = Field(
        1,
        ge=1,
        le=48,
        description="an item counts as trending or popular only with at least this many users; 1: off",
    )
    trends_epsilon: float | None = Field(
        None,
        gt=0,
        description="epsilon of the noise on trends: differential privacy per event and hour; unset: no noise",
    )
    experiment: str = Field(
        "",
        max_length=2000,
        description="name;arm:share;arm:share:option=value,…: users in arms with other lists (docs/experiments.md)",
    )
    control_key: SecretStr | None = Field(
        None,
        min_length=16,
        description="signs privacy requests on their way to the profiles; an old key may follow after a comma",
    )
    pseudonym_key: SecretStr | None = Field(
        None, min_length=16, description="publishers replace user ids by their hash with this key; never change it"
    )

    metrics_host: str = "127.0.0.1"
    metrics_port: Annotated[int, Field(ge=0, le=65535)] = 0
    log_level: str = "info"

    @model_validator(mode="before")
    @classmethod
    def _without_login_in_url(cls, values: dict[str, Any]) -> dict[str, Any]:
        return split_login(values)

    @field_validator(*_READ_ADDRESS)
    @classmethod
    def _address(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None:
            return None
        if info.field_name in ("kafka", "redis", "triton"):
            check_login(str(info.field_name), value)
        return _READ_ADDRESS[str(info.field_name)](value)

    @field_validator(*_FILES, mode="before")
    @classmethod
    def _file(cls, value: Any) -> Any:
        check_file(value)
        return value

    @field_validator("kafka_protocol")
    @classmethod
    def _protocol(cls, value: str, info: ValidationInfo) -> str:
        check_protocol(value, info.data)
        return value

    @field_validator("kafka_mechanism")
    @classmethod
    def _mechanism(cls, value: str, info: ValidationInfo) -> str:
        check_mechanism(value, info.data)
        return value

    @field_validator("kafka_username", "kafka_password")
    @classmethod
    def _kafka_login(cls, value: str | SecretStr | None, info: ValidationInfo) -> str | SecretStr | None:
        check_kafka_login(value, info.data)
        return value

    @field_validator("redis_password")
    @classmethod
    def _redis_login(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        check_redis_login(value, info.data)
        return value

    @field_validator("kafka_ca", "redis_ca", "triton_ca")
    @classmethod
    def _authorities(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        check_authorities(str(info.field_name).removesuffix("_ca"), value, info.data)
        return value

    @field_validator("kafka_key", "redis_key", "triton_key")
    @classmethod
    def _key(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        check_key(str(info.field_name).removesuffix("_key"), value, info.data)
        return value

    @field_validator(*_CHECKS)
    @classmethod
    def _checked(cls, value: Any, info: ValidationInfo) -> Any:
        _CHECKS[str(info.field_name)](value)
        return value

    @field_validator(*_CHECKS_BESIDE)
    @classmethod
    def _fits(cls, value: Any, info: ValidationInfo) -> Any:
        _CHECKS_BESIDE[str(info.field_name)](value, info.data)
        return value

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, value: str) -> str:
        if value not in {"debug", "info", "warning", "error"}:
            raise ValueError("must be one of debug, info, warning, error")
        return value

    @property
    def keep(self) -> Keep:
        """What is kept of the pictures of items."""
        return self.keep_pictures or ("preview" if self.pictures is None else "full")

    @property
    def picture_store(self) -> str:
        """The URL of the store of kept pictures."""
        return self.pictures or self.home.resolve().as_uri()

    def on_this_machine(self) -> Self:
        """Return these settings with local services only: without addresses and credentials of other services."""
        services = ("kafka", "redis", "triton", "pictures")
        fields = type(self).model_fields.items()
        return self.model_copy(update={name: field.default for name, field in fields if name.startswith(services)})

    def environment(self) -> dict[str, str]:
        """Return the variables that give another process these settings, secrets in clear; empty means unset."""
        values = self.model_dump(mode="json")
        values |= {name: value.get_secret_value() for name, value in self if isinstance(value, SecretStr)}
        return {f"SIGHTLINE_{name.upper()}": "" if value is None else str(value) for name, value in values.items()}


def read_settings(secrets: Path = SECRETS, *, changed: Mapping[str, str] = MappingProxyType({})) -> Settings:
    """Read the environment, and files in `secrets` for what it lacks. One SettingsError names every invalid value.

    Settings in `changed` have these values, whatever the environment says.
    """
    wrong = [f"  SIGHTLINE_{name}: is no setting; SIGHTLINE_{meant} is" for name, meant in _misspelt().items()]
    try:
        settings = Settings(_secrets_dir=secrets if secrets.is_dir() else None, **changed)  # type: ignore[arg-type]  # checked by pydantic
    except ValidationError as error:
        wrong = [*map(_line, error.errors()), *wrong]
    if wrong:
        raise SettingsError("these settings cannot be used:\n" + "\n".join(wrong))
    return settings


def _misspelt() -> dict[str, str]:
    variables = [name.upper().removeprefix("SIGHTLINE_") for name in environ if name.upper().startswith("SIGHTLINE_")]
    return misspelt(variables, [name.upper() for name in Settings.model_fields])


def _line(error: Any) -> str:
    name = "_".join(map(str, error["loc"]))
    hidden = error["input"] is None or name.endswith(_SECRET)
    value = "" if hidden else f" (it is {shorten(redact(str(error['input'])))!r})"
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "string_pattern_mismatch":
        message = f"must be {Settings.model_fields[name].description}"
    return f"  SIGHTLINE_{name.upper()}: {message}{value}"

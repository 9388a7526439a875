"""Every environment variable of Sightline, read once, in this module alone."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class SettingsError(ValueError):
    """The environment holds values that cannot be used; the message names every one of them."""


class Settings(BaseSettings):
    """What a process needs to know before it starts. Defaults run the demo."""

    model_config = SettingsConfigDict(env_prefix="SIGHTLINE_", extra="ignore", frozen=True)

    home: Path = Field(Path(".sightline"), description="where the local stack keeps data and logs")
    tools: Path = Field(
        Path(".sightline/tools"),
        description="where downloaded servers and models are kept, shared by every home",
    )
    kafka: str | None = Field(None, description="host:port of an existing Kafka, instead of the local one")
    redis: str | None = Field(None, description="redis://host:port of an existing Redis, instead of the local one")
    triton: str | None = Field(None, description="host:port of an existing Triton's gRPC, instead of the local one")

    topic_prefix: str = Field("", pattern=r"^[A-Za-z0-9._-]{0,64}$", description="put before every topic name")
    partitions: Annotated[int, Field(ge=1, le=1024)] = 12
    replication_factor: Annotated[int, Field(ge=1, le=7)] = 1

    object_store: str | None = Field(
        None,
        description="where image_ref points into: file:///dir, s3://bucket, gs://bucket or az://container",
    )
    encoder: str = Field("visual_encoder", pattern=r"^[A-Za-z0-9_.-]{1,64}$", description="Triton's model name")
    dimensions: Annotated[int, Field(ge=8, le=4096)] = 256
    encode_timeout_s: Annotated[float, Field(gt=0, le=60)] = 2.0
    encode_inflight: Annotated[int, Field(ge=1, le=256)] = 16

    batch_limit: Annotated[int, Field(ge=1, le=4096)] = 256
    list_length: Annotated[int, Field(ge=1, le=200)] = 20
    refused_share: float = Field(
        0.5, ge=0, le=1, description="an agent that refuses more of its topic's messages stands still; 1: never"
    )
    refused_least: Annotated[int, Field(ge=1)] = 200
    refused_window_s: Annotated[float, Field(gt=0, le=3600)] = 60.0

    metrics_host: str = "127.0.0.1"
    metrics_port: Annotated[int, Field(ge=0, le=65535)] = 0
    log_level: str = "info"

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, value: str) -> str:
        if value not in {"debug", "info", "warning", "error"}:
            raise ValueError("must be one of debug, info, warning, error")
        return value


def read_settings() -> Settings:
    """Read the environment, or raise one SettingsError that names every variable that is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        lines = [
            f"  SIGHTLINE_{'_'.join(map(str, e['loc'])).upper()}: {e['msg']} (it is {e['input']!r})"
            for e in error.errors()
        ]
        raise SettingsError("these settings cannot be used:\n" + "\n".join(lines)) from None

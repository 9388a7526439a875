"""The settings of the web door (`web/`)."""

from typing import Annotated

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings

from streams.web_door.checks import check_reach, check_signers, read_origins, read_workers, split_signers
from streams.web_door.keys import WebKey, read_web_keys


class WebSettings(BaseSettings):
    """What `sightline web` reads besides the settings of every process."""

    web_host: str = Field(
        "127.0.0.1",
        pattern=r"^[A-Za-z0-9_.:-]{1,255}$",
        description="the address of this machine that the web door listens on",
    )
    web_port: Annotated[int, Field(ge=0, le=65535)] = 8080
    web_keys: str = Field(
        "",
        validate_default=True,
        description="name:scope+scope:sha256,…: who may call the web door (sightline web-key); empty: this machine",
    )
    web_token_key: SecretStr | None = Field(
        None, min_length=32, description="signs the short-lived tokens with which browsers act for one user"
    )
    web_origins: str = Field(
        "", description="origins whose pages may call the web door: https://shop.example,https://app.example"
    )
    web_rate: float = Field(200.0, gt=0, description="requests a second that a key, a token or an address may make")
    web_listeners: int = Field(
        10_000, ge=1, description="streams of server-sent events that one process serves at the same time"
    )
    web_workers: str = Field(
        "",
        description="name=host:port,… of the metrics of workers that the operators' page shows; empty: only its own",
    )

    @field_validator("web_keys")
    @classmethod
    def _keys(cls, value: str, info: ValidationInfo) -> str:
        check_reach(read_web_keys(value), info.data)
        return value

    @field_validator("web_token_key")
    @classmethod
    def _signers(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        check_signers(value, info.data)
        return value

    @field_validator("web_origins")
    @classmethod
    def _origins(cls, value: str) -> str:
        read_origins(value)
        return value

    @field_validator("web_workers")
    @classmethod
    def _workers(cls, value: str) -> str:
        read_workers(value)
        return value

    @property
    def web_callers(self) -> tuple[WebKey, ...]:
        """The keys of the web door; none where it is for this machine alone."""
        return read_web_keys(self.web_keys)

    @property
    def web_signers(self) -> tuple[str, ...]:
        """What users' tokens are signed with: the first signs, all are good for reading."""
        return split_signers(self.web_token_key)

    @property
    def web_watched(self) -> tuple[tuple[str, str], ...]:
        """The workers whose metrics are shown, by name, and where they are."""
        return read_workers(self.web_workers)

    @property
    def web_pages(self) -> tuple[str, ...]:
        """The origins whose pages may call the web door."""
        return read_origins(self.web_origins)

"""The settings of the web door (`web/`)."""

from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class WebSettings(BaseSettings):
    """What `sightline web` reads besides the settings of every process."""

    web_host: str = Field("127.0.0.1", description="the address of this machine that the web door listens on")
    web_port: Annotated[int, Field(ge=0, le=65535)] = 8080
    web_keys: str = Field(
        "",
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
        "", description="host:port,… of the metrics of workers that the operators' page shows; empty: only its own"
    )

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError
from typer.testing import CliRunner

from cli.main import app
from streams.settings import Settings
from tests.harness.tools import run

DEPLOY = Path(__file__).parents[2] / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ONE_SHOTS = {"topics", "export-model-cpu", "export-model-gpu"}
LASTING = sorted(SERVICES.keys() - ONE_SHOTS)
WORKERS = ["interactions", "uploads", "items", "learning"]
#: The processes of Sightline that last.
PROCESSES = [*WORKERS, "factors", "web"]
#: The services that sign requests of users, and those that check the signature.
SIGNING = {"items", "interactions", "factors"}
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()


def mounts() -> list[tuple[str, str]]:
    """Every (service, source) of a volume."""
    return [(name, volume.split(":")[0]) for name, service in SERVICES.items() for volume in service.get("volumes", [])]


def stage(name: str) -> str:
    """The instructions of one stage of the Dockerfile."""
    found = re.search(rf"^FROM \S+ AS {name}\n(.*?)(?=^FROM |\Z)", DOCKERFILE, re.MULTILINE | re.DOTALL)
    assert found, f"the Dockerfile has no stage {name}"
    return found[1]


def test_compose_follows_the_specification() -> None:
    done = run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", DEPLOY / "compose.yaml")
    assert done.returncode == 0, done.stdout


def test_the_dockerfile_follows_good_practice() -> None:
    done = run("hadolint", DEPLOY / "Dockerfile")
    assert done.returncode == 0, done.stdout


def test_every_part_of_sightline_is_there() -> None:
    assert set(LASTING) == {*PROCESSES, "kafka", "redis", "triton-cpu", "triton-gpu", "prometheus", "grafana"}


@pytest.mark.parametrize("name", SERVICES)
def test_every_variable_of_sightline_is_a_setting(name: str) -> None:
    ours = {key for key in SERVICES[name].get("environment", {}) if key.startswith("SIGHTLINE_")}
    assert ours <= {f"SIGHTLINE_{field.upper()}" for field in Settings.model_fields}


@pytest.mark.parametrize("name", PROCESSES)
def test_a_process_uses_the_services_of_this_file(name: str) -> None:
    given = SERVICES[name]["environment"]
    settings = Settings(
        kafka=given["SIGHTLINE_KAFKA"], redis=given["SIGHTLINE_REDIS"], triton=given["SIGHTLINE_TRITON"]
    )
    assert settings.kafka == "kafka:19092"
    assert settings.redis == "redis://redis:6379"
    assert settings.triton == "triton:8001"


def test_what_lists_compare_by_comes_from_the_environment_of_the_host() -> None:
    assert SERVICES["interactions"]["environment"]["SIGHTLINE_FEED_BY"] is None


def test_only_services_that_sign_or_check_requests_have_the_key_and_only_the_publisher_can_name_a_user() -> None:
    holders = {name for name, service in SERVICES.items() if "SIGHTLINE_CONTROL_KEY" in service.get("environment", {})}
    assert holders == SIGNING
    named = {name for name, service in SERVICES.items() if "SIGHTLINE_PSEUDONYM_KEY" in service.get("environment", {})}
    assert named == {"web"}


def test_the_web_door_is_for_who_asks_for_it_and_ends_without_keys() -> None:
    door = SERVICES["web"]
    assert (door["profiles"], door["command"]) == (["web"], ["web"])
    given = door["environment"]
    assert given["SIGHTLINE_WEB_KEYS"] is None
    assert door["ports"] == [f"127.0.0.1:8080:{given['SIGHTLINE_WEB_PORT']}"]
    with pytest.raises(ValidationError, match="must hold a key"):
        Settings(web_host=given["SIGHTLINE_WEB_HOST"], web_keys="")


def test_what_is_trained_is_read_where_it_is_written() -> None:
    trainer = SERVICES["factors"]
    assert (trainer["profiles"], trainer["build"]["target"]) == (["factors"], "training")
    assert "--extra evaluation" in stage("code-training")
    assert "/trained " in stage("runtime")
    assert "trained:/trained" in trainer["volumes"]
    assert all("trained:/trained:ro" in SERVICES[name]["volumes"] for name in ("interactions", "web"))


def test_the_operators_page_asks_all_workers() -> None:
    given = SERVICES["web"]["environment"]
    assert given["SIGHTLINE_WEB_WORKERS"].split(",") == [
        f"{name}:{given['SIGHTLINE_METRICS_PORT']}" for name in WORKERS
    ]


@pytest.mark.parametrize("name", PROCESSES)
def test_a_process_can_be_scraped_where_prometheus_looks(name: str) -> None:
    jobs = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())["scrape_configs"]
    [discovery] = next(job for job in jobs if job["job_name"] == "sightline")["dns_sd_configs"]
    assert name in discovery["names"]
    assert SERVICES[name]["environment"]["SIGHTLINE_METRICS_HOST"] == "0.0.0.0"
    assert SERVICES[name]["environment"]["SIGHTLINE_METRICS_PORT"] == str(discovery["port"])


@pytest.mark.parametrize("name", WORKERS)
def test_a_worker_runs_its_own_command_in_replicas(name: str) -> None:
    assert SERVICES[name]["command"] == ["worker", name]
    assert SERVICES[name]["deploy"]["replicas"] >= 1


@pytest.mark.parametrize("name", [*PROCESSES, *sorted(ONE_SHOTS)])
def test_a_command_is_one_that_sightline_knows(name: str) -> None:
    shown = CliRunner().invoke(app, [*SERVICES[name]["command"], "--help"])
    assert shown.exit_code == 0, shown.output


@pytest.mark.parametrize(("name", "source"), mounts())
def test_what_is_mounted_exists(name: str, source: str) -> None:
    assert (DEPLOY / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]


@pytest.mark.parametrize("name", LASTING)
def test_a_lasting_service_has_a_health_check(name: str) -> None:
    if name in PROCESSES and name != "factors":
        assert SERVICES[name]["build"]["target"] == "worker"
        assert "HEALTHCHECK" in stage("worker")
        assert "/healthz" in stage("worker")
    else:
        assert SERVICES[name]["healthcheck"]["test"]


@pytest.mark.parametrize("name", LASTING)
def test_a_lasting_service_restarts_when_it_fails(name: str) -> None:
    assert SERVICES[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", sorted(ONE_SHOTS))
def test_a_task_that_fails_is_retried_a_few_times(name: str) -> None:
    assert SERVICES[name]["restart"] == "on-failure:3"


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_has_a_memory_limit(name: str) -> None:
    assert SERVICES[name]["deploy"]["resources"]["limits"]["memory"]


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_is_root_or_can_become_root(name: str) -> None:
    assert SERVICES[name]["user"].split(":")[0] not in {"", "0", "root"}
    assert SERVICES[name]["cap_drop"] == ["ALL"]
    assert SERVICES[name]["security_opt"] == ["no-new-privileges:true"]


# Kafka's image writes its configuration at start; Triton's may write where its backends like.
@pytest.mark.parametrize("name", sorted(SERVICES.keys() - {"kafka", "triton-cpu", "triton-gpu"}))
def test_a_root_file_system_is_read_only(name: str) -> None:
    assert SERVICES[name]["read_only"] is True


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_open_on_this_host_only(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_has_a_version(name: str) -> None:
    assert re.search(r":v?\d", SERVICES[name]["image"])


def test_redis_evicts_nothing_and_writes_an_append_only_file() -> None:
    words = SERVICES["redis"]["command"]
    options = dict(zip(words[1::2], words[2::2], strict=True))
    assert options["--appendonly"] == "yes"
    assert options["--maxmemory-policy"] == "noeviction"


@pytest.mark.parametrize("platform", ["cpu", "gpu"])
def test_a_triton_serves_the_model_that_was_exported_for_it(platform: str) -> None:
    export, triton = SERVICES[f"export-model-{platform}"], SERVICES[f"triton-{platform}"]
    assert export["profiles"] == triton["profiles"] == [platform]
    assert export["command"] == ["export-model", f"--repository=/models/{platform}", f"--platform={platform}"]
    assert triton["command"] == ["tritonserver", f"--model-repository=/models/{platform}"]
    assert triton["networks"]["default"]["aliases"] == ["triton"]


def test_only_the_gpu_profile_reserves_a_gpu() -> None:
    reserving = {name for name, service in SERVICES.items() if "reservations" in service["deploy"]["resources"]}
    assert reserving == {"triton-gpu"}


def test_the_worker_image_has_no_torch_and_no_root() -> None:
    assert "--extra" not in stage("code")
    assert "--extra export" in stage("code-export")
    assert "USER 10001:10001" in stage("runtime")
    assert "--from=code " in stage("worker")


def test_every_package_of_the_wheel_reaches_the_image() -> None:
    project = (DEPLOY.parent / "pyproject.toml").read_text()
    found = re.search(r"^packages = \[(.*)\]$", project, re.MULTILINE)
    assert found
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    for package in ["client", *re.findall(r'"(\w+)"', found[1])]:
        assert f"COPY {package} {package}\n" in stage("code")
        assert f"!{package}" in ignored


SECURE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.secure.yaml").read_text())


def test_the_secured_overlay_follows_the_specification_and_names_services_that_are_there() -> None:
    done = run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", DEPLOY / "compose.secure.yaml")
    assert done.returncode == 0, done.stdout
    assert SECURE["services"].keys() <= SERVICES.keys()


@pytest.mark.parametrize("name", SECURE["services"])
def test_a_secured_service_has_its_passwords_as_files_and_in_no_variable(name: str) -> None:
    service = SECURE["services"][name]
    known = {f"SIGHTLINE_{field.upper()}" for field in Settings.model_fields}
    assert service["environment"].keys() <= known
    secrets = ("_PASSWORD", "_KEY", "_KEYS")
    assert not any(variable.endswith(secrets) for variable in service["environment"])
    files = [secret for secret in service["secrets"] if isinstance(secret, dict)]
    expected = {"SIGHTLINE_KAFKA_PASSWORD", "SIGHTLINE_REDIS_PASSWORD"}
    if name in SIGNING:
        expected.add("SIGHTLINE_CONTROL_KEY")
    if name == "web":
        expected |= {"SIGHTLINE_WEB_KEYS", "SIGHTLINE_WEB_TOKEN_KEY"}
        assert service["environment"]["SIGHTLINE_KAFKA_USERNAME"] == "web"
    assert {secret["target"].upper() for secret in files} == expected
    assert {secret["source"] for secret in files} | {"ca.pem"} <= SECURE["secrets"].keys()

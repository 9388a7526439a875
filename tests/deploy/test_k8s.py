import json
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from features.vision.formats import MAX_BYTES
from streams.settings import Settings
from streams.uploads.decoder import MEMORY_BYTES
from streams.web_door.checks import read_workers
from streams.worker.lifecycle import END_S
from streams.worker.probes import Probes
from streams.worker.wiring import UPLOADS_AT_ONCE
from tests.harness.certificates import Authority
from tests.harness.kustomized import Document, build, documents, listed

DEPLOY = Path(__file__).parents[2] / "deploy"
K8S = DEPLOY / "k8s"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
SECRETS = {secret["metadata"]["name"]: secret["stringData"] for secret in documents(K8S / "secrets.example.yaml")}
BUILDS = {name: build(K8S / name) for name in ("base", "example")}
FOLDERS = sorted(path.parent for path in K8S.glob("*/kustomization.yaml"))
CUSTOM = {"PodMonitor", "ScaledObject"}
KNOWN = {f"SIGHTLINE_{field.upper()}" for field in Settings.model_fields}
WORKERS = ["interactions", "uploads", "items", "learning"]
#: The processes of Sightline that last.
PROCESSES = [*WORKERS, "web"]
#: The service in compose.yaml that corresponds to a container.
SERVICE = {"worker": "interactions", "topics": "topics", "export-model": "export-model-cpu", "triton": "triton-cpu"}
#: The containers with our settings and secrets.
SIGHTLINE = [*PROCESSES, "topics"]


def named(made: list[Document], kind: str) -> dict[str, Document]:
    return {one["metadata"]["name"]: one for one in made if one["kind"] == kind}


def pods(made: list[Document]) -> dict[str, Any]:
    """The specs of pod templates, by the name of their owner."""
    return {
        name: one["spec"]["template"]["spec"] for name, one in (named(made, "Deployment") | named(made, "Job")).items()
    }


BASE, EXAMPLE = BUILDS["base"], BUILDS["example"]
DEPLOYMENTS = named(BASE, "Deployment")
PODS = pods(BASE)
POLICIES = {name: one["spec"] for name, one in named(BASE, "NetworkPolicy").items()}
SETTINGS: dict[str, str] = named(BASE, "ConfigMap")["sightline"]["data"]
CONTAINERS = [
    pytest.param(pod, container, id=f"{made}-{name}-{container['name']}")
    for made, built in BUILDS.items()
    for name, pod in pods(built).items()
    for container in [*pod.get("initContainers", []), *pod["containers"]]
]


def secrets_of(pod: Any) -> dict[str, str]:
    """The files below /run/secrets."""
    [volume] = [volume for volume in pod["volumes"] if volume["name"] == "secrets"]
    files: dict[str, str] = {}
    for source in volume["projected"]["sources"]:
        held = SECRETS[source["secret"]["name"]]
        chosen = source["secret"].get("items", [{"key": key, "path": key} for key in held])
        files |= {item["path"]: held[item["key"]] for item in chosen}
    return files


@pytest.mark.parametrize("version", ["1.31", kubernetes_validate.latest_version()])
@pytest.mark.parametrize("made", BUILDS)
def test_every_document_follows_the_schema(made: str, version: str) -> None:
    for one in BUILDS[made]:
        if one["kind"] not in CUSTOM:
            kubernetes_validate.validate(one, version, strict=True)


def test_the_example_secrets_follow_the_schema_and_are_marked() -> None:
    for secret in documents(K8S / "secrets.example.yaml"):
        kubernetes_validate.validate(secret, kubernetes_validate.latest_version(), strict=True)
        assert all("EXAMPLE" in value for value in secret["stringData"].values())


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_kustomization_lists_all_files_of_its_folder(folder: Path) -> None:
    assert listed(folder) == {path.name for path in folder.iterdir()} - {"kustomization.yaml"}


@pytest.mark.parametrize("made", BUILDS)
def test_kubectl_builds_the_same(made: str) -> None:
    if (kubectl := shutil.which("kubectl")) is None:
        pytest.skip("kubectl is not on PATH")
    done = subprocess.run([kubectl, "kustomize", K8S / made], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    text = re.sub(r"\b(sightline)-[a-z0-9]{10}$|registry\.example\.com/", r"\1", done.stdout, flags=re.MULTILINE)
    assert in_any_order(list(yaml.safe_load_all(text))) == in_any_order(BUILDS[made])


def in_any_order(value: Any) -> Any:
    """Without the namespace, which kustomize adds to everything."""
    if isinstance(value, dict):
        return {key: in_any_order(held) for key, held in value.items() if key != "namespace"}
    if isinstance(value, list):
        return sorted(map(in_any_order, value), key=partial(json.dumps, sort_keys=True))
    return value


@pytest.mark.parametrize("name", SIGHTLINE)
def test_settings_and_secrets_together_are_what_a_process_can_use(name: str, tmp_path: Path) -> None:
    files = secrets_of(PODS[name])
    Authority(tmp_path)
    for file in files.keys() - {"ca.pem"}:
        (tmp_path / file).write_text(files[file])
    [container] = PODS[name]["containers"]
    given = SETTINGS | {one["name"]: one["value"] for one in container.get("env", [])}
    values = {key: value.replace("/run/secrets", str(tmp_path)) for key, value in given.items()}
    fields: dict[str, Any] = {key.removeprefix("SIGHTLINE_").lower(): value for key, value in values.items()}
    settings = Settings(_secrets_dir=tmp_path, **fields)
    assert settings.kafka_password is not None
    assert settings.kafka_username == {"topics": "operator", "web": "web"}.get(name, "worker")
    assert bool(settings.web_callers and settings.web_signers) == (name == "web")
    assert (settings.control_key is not None) == (name in {"interactions", "items"})
    assert settings.pseudonym_key is None


def test_the_web_door_listens_where_its_service_sends_to_and_only_what_is_in_front_of_it_reaches_it() -> None:
    [container] = PODS["web"]["containers"]
    port = int({one["name"]: one["value"] for one in container["env"]}["SIGHTLINE_WEB_PORT"])
    assert {"name": "http", "containerPort": port} in container["ports"]
    service = named(BASE, "Service")["web"]["spec"]
    assert service["ports"] == [{"name": "http", "port": 80, "targetPort": "http"}]
    assert service["selector"].items() <= DEPLOYMENTS["web"]["spec"]["template"]["metadata"]["labels"].items()
    assert POLICIES["web"]["podSelector"] == {"matchLabels": service["selector"]}
    [rule] = POLICIES["web"]["ingress"]
    assert rule["ports"] == [{"port": port}]
    assert all(one["namespaceSelector"]["matchLabels"] for one in rule["from"])


@pytest.mark.parametrize("made", BUILDS)
def test_every_setting_exists(made: str) -> None:
    given = set(named(BUILDS[made], "ConfigMap")["sightline"]["data"])
    given |= {one["name"] for pod in pods(BUILDS[made]).values() for one in pod["containers"][0].get("env", [])}
    given |= {key.upper() for held in SECRETS.values() for key in held if key != "ca.pem"}
    assert given <= KNOWN


def test_no_secret_is_a_variable() -> None:
    assert not any(
        name.endswith(("_PASSWORD", "_CONTROL_KEY", "_PSEUDONYM_KEY", "_WEB_KEYS", "_TOKEN_KEY")) for name in SETTINGS
    )


@pytest.mark.parametrize("name", SIGHTLINE)
def test_a_process_runs_the_image_and_the_command_that_compose_runs(name: str) -> None:
    [container] = PODS[name]["containers"]
    assert container["image"] == COMPOSE[name]["image"]
    assert container["args"] == COMPOSE[name]["command"]


@pytest.mark.parametrize(("made", "platform"), [("base", "cpu"), ("example", "gpu")])
def test_triton_serves_what_was_exported_for_it_as_in_compose(made: str, platform: str) -> None:
    pod = pods(BUILDS[made])["triton"]
    [export], [server] = pod["initContainers"], pod["containers"]
    for container, service in ((export, f"export-model-{platform}"), (server, f"triton-{platform}")):
        assert container["args"] == COMPOSE[service]["command"]
        assert container["image"] == COMPOSE[service]["image"]
    assert ("nvidia.com/gpu" in server["resources"]["limits"]) == (platform == "gpu")


@pytest.mark.parametrize("name", PROCESSES)
def test_a_process_is_asked_for_its_health_where_it_answers(name: str) -> None:
    [container] = PODS[name]["containers"]
    assert {"name": "metrics", "containerPort": int(SETTINGS["SIGHTLINE_METRICS_PORT"])} in container["ports"]
    assert {container[f"{probe}Probe"]["httpGet"]["port"] for probe in ("startup", "liveness", "readiness")} == {
        "metrics"
    }
    paths = {probe: container[f"{probe}Probe"]["httpGet"]["path"] for probe in ("startup", "liveness", "readiness")}
    assert paths == {"startup": "/healthz", "liveness": "/healthz", "readiness": "/readyz"}
    with closing(Probes("127.0.0.1", 0, live=list, ready=list)) as endpoint:
        endpoint.start()
        for path in paths.values():
            with urllib.request.urlopen(f"http://127.0.0.1:{endpoint.port}{path}", timeout=10) as answer:
                assert answer.status == 200


def test_triton_is_asked_for_its_health_where_compose_asks() -> None:
    [container] = PODS["triton"]["containers"]
    asked = f"http://localhost:8000{container['readinessProbe']['httpGet']['path']}"
    assert asked in COMPOSE["triton-cpu"]["healthcheck"]["test"]
    assert {port["name"]: port["containerPort"] for port in container["ports"]}["http"] == 8000


@pytest.mark.parametrize("name", PROCESSES)
def test_a_process_has_the_time_that_it_needs_to_end(name: str) -> None:
    [container] = PODS[name]["containers"]
    before = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    assert PODS[name]["terminationGracePeriodSeconds"] > before + END_S + 1
    assert f"{PODS[name]['terminationGracePeriodSeconds']}s" == COMPOSE[name]["stop_grace_period"]


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_at_most_one_pod_is_unavailable_at_a_time(name: str) -> None:
    deployment = DEPLOYMENTS[name]["spec"]
    assert deployment["strategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}
    budget = named(BASE, "PodDisruptionBudget")[name]["spec"]
    assert budget["maxUnavailable"] == 1
    assert budget["selector"]["matchLabels"].items() <= deployment["template"]["metadata"]["labels"].items()
    assert deployment["selector"]["matchLabels"] == deployment["template"]["metadata"]["labels"]


@pytest.mark.parametrize(("pod", "container"), CONTAINERS)
def test_no_container_is_root_or_can_do_more_than_it_must(pod: Any, container: Any) -> None:
    rights = container["securityContext"]
    user = rights.get("runAsUser", pod["securityContext"]["runAsUser"])
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert str(user) == COMPOSE[SERVICE[container["name"]]]["user"].split(":")[0] != "0"
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert rights["readOnlyRootFilesystem"] is True
    assert rights["allowPrivilegeEscalation"] is False
    assert rights["capabilities"] == {"drop": ["ALL"]}


@pytest.mark.parametrize(("pod", "container"), CONTAINERS)
def test_every_container_has_its_memory_to_itself_and_a_share_of_the_processors(pod: Any, container: Any) -> None:
    resources = container["resources"]
    assert resources["limits"]["memory"] == resources["requests"]["memory"]
    assert resources["requests"]["cpu"]


def test_the_worst_pictures_leave_memory_for_the_worker_beside_them() -> None:
    limit = PODS["uploads"]["containers"][0]["resources"]["limits"]["memory"]
    decoders = int(SETTINGS.get("SIGHTLINE_DECODE_PROCESSES", Settings.model_fields["decode_processes"].default))
    pictures = UPLOADS_AT_ONCE * MAX_BYTES + decoders * MEMORY_BYTES
    assert int(limit.removesuffix("Gi")) << 30 > pictures + (1 << 30)


@pytest.mark.parametrize(("pod", "container"), CONTAINERS)
def test_mounts_exist_and_written_volumes_are_bounded(pod: Any, container: Any) -> None:
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert {mount["name"] for mount in container["volumeMounts"]} <= volumes.keys()
    assert all(volume["emptyDir"]["sizeLimit"] for volume in volumes.values() if "emptyDir" in volume)


@pytest.mark.parametrize("name", PODS)
def test_a_pod_has_no_token_of_the_cluster_and_no_variables_of_its_services(name: str) -> None:
    assert named(BASE, "ServiceAccount")[PODS[name]["serviceAccountName"]]["automountServiceAccountToken"] is False
    assert PODS[name]["enableServiceLinks"] is False


def test_everything_is_closed_that_no_policy_opens() -> None:
    assert POLICIES["all"]["podSelector"] == {}
    assert POLICIES["all"]["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in POLICIES["all"]
    assert [port["port"] for rule in POLICIES["all"]["egress"] for port in rule["ports"]] == [53, 53]


@pytest.mark.parametrize("service", ["kafka", "redis"])
def test_the_policies_let_workers_to_the_addresses_in_the_settings(service: str) -> None:
    address = SETTINGS[f"SIGHTLINE_{service.upper()}"].removeprefix("rediss://")
    host, _, port = address.partition(":")
    namespace = host.split(".")[1]
    opened = {
        (rule["to"][0]["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"], rule["ports"][0]["port"])
        for rule in POLICIES["sightline"]["egress"]
    }
    assert (namespace, int(port)) in opened


def test_what_reads_and_writes_pictures_reaches_stores_on_public_addresses() -> None:
    [policy] = [
        policy for policy in POLICIES.values() if {"port": 443} in policy.get("egress", [{}])[-1].get("ports", [])
    ]
    [chosen] = policy["podSelector"]["matchExpressions"]
    assert (chosen["operator"], set(chosen["values"])) == ("In", {"uploads", "web"})
    assert "10.0.0.0/8" in policy["egress"][0]["to"][0]["ipBlock"]["except"]


def test_uploads_alone_reach_triton_and_prometheus_reaches_all_metrics() -> None:
    host, _, port = SETTINGS["SIGHTLINE_TRITON"].partition(":")
    service = named(BASE, "Service")[host]["spec"]
    assert service["ports"] == [{"name": "grpc", "port": int(port), "targetPort": "grpc"}]
    from_uploads, from_prometheus = POLICIES["triton"]["ingress"]
    assert from_uploads["ports"] == [{"port": int(port)}]
    assert from_uploads["from"] == [{"podSelector": POLICIES["uploads"]["podSelector"]}]
    assert from_prometheus["ports"] == [{"port": 8002}]
    assert POLICIES["sightline"]["ingress"][0]["ports"] == [{"port": int(SETTINGS["SIGHTLINE_METRICS_PORT"])}]
    from_web = {"podSelector": POLICIES["web"]["podSelector"]}
    assert POLICIES["sightline"]["ingress"][0]["from"] == [*from_prometheus["from"], from_web]


def test_the_operators_view_asks_every_worker_where_the_policies_let_the_web_door() -> None:
    watched = read_workers(SETTINGS["SIGHTLINE_WEB_WORKERS"])
    assert [name for name, _ in watched] == WORKERS
    for name, address in watched:
        host, _, port = address.rpartition(":")
        service = named(BASE, "Service")[host]["spec"]
        assert (service["clusterIP"], service["ports"]) == ("None", [{"name": "metrics", "port": int(port)}])
        assert service["selector"].items() <= DEPLOYMENTS[name]["spec"]["template"]["metadata"]["labels"].items()
        [to_metrics] = [rule for rule in POLICIES["web"]["egress"] if {"port": int(port)} in rule["ports"]]
        assert to_metrics["to"] == [{"podSelector": POLICIES["sightline"]["podSelector"]}]


def test_metrics_are_gathered_under_the_names_that_the_alerts_ask_for() -> None:
    monitor = named(EXAMPLE, "PodMonitor")["sightline"]["spec"]
    [endpoint] = monitor["podMetricsEndpoints"]
    [relabeling] = endpoint["relabelings"]
    assert (endpoint["port"], endpoint["path"], relabeling["targetLabel"]) == ("metrics", "/metrics", "worker")
    alerts = (DEPLOY / "prometheus" / "alerts.yml").read_text()
    jobs = {deployment["metadata"]["labels"][monitor["jobLabel"]] for deployment in DEPLOYMENTS.values()}
    assert jobs == set(re.findall(r'job="(\w+)"', alerts))
    for name in re.findall(r'worker="(\w+)"', alerts):
        assert DEPLOYMENTS[name]["metadata"]["labels"]["app.kubernetes.io/component"] == name


def test_one_worker_learns() -> None:
    assert "learning" not in named(EXAMPLE, "ScaledObject")
    assert DEPLOYMENTS["learning"]["spec"]["replicas"] == 1


@pytest.mark.parametrize("name", [name for name in WORKERS if name != "learning"])
def test_a_worker_is_scaled_by_an_existing_metric_up_to_its_partitions(
    name: str, family_of: Callable[[str], str | None]
) -> None:
    scaled = named(EXAMPLE, "ScaledObject")[name]["spec"]
    assert scaled["scaleTargetRef"] == {"name": name}
    assert scaled["maxReplicaCount"] == int(SETTINGS["SIGHTLINE_PARTITIONS"])
    assert scaled["minReplicaCount"] == DEPLOYMENTS[name]["spec"]["replicas"]
    assert "replicas" not in named(EXAMPLE, "Deployment")[name]["spec"]
    by_lag, by_load = scaled["triggers"]
    [metric] = re.findall(r"\bsightline_\w+", by_lag["metadata"]["query"])
    assert family_of(metric) == "sightline_consumer_lag_records"
    assert f'worker="{name}"' in by_lag["metadata"]["query"]
    assert (by_lag["type"], by_load["type"]) == ("prometheus", "cpu")


def test_the_web_door_is_scaled_by_its_streams_and_its_load(family_of: Callable[[str], str | None]) -> None:
    scaled = named(EXAMPLE, "ScaledObject")["web"]["spec"]
    by_streams, by_load = scaled["triggers"]
    [metric] = re.findall(r"\bsightline_\w+", by_streams["metadata"]["query"])
    assert family_of(metric) == "sightline_web_streams"
    assert int(by_streams["metadata"]["threshold"]) * 2 == Settings.model_fields["web_listeners"].default
    assert by_load["type"] == "cpu"
    assert scaled["scaleTargetRef"] == {"name": "web"}
    assert "replicas" not in named(EXAMPLE, "Deployment")["web"]["spec"]

"""Apache Kafka on this machine: one KRaft node, from jars that Maven downloads."""

import base64
import re
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from deploy import process
from deploy.errors import NoAnswerError, StackError
from deploy.service import Command, Progress, ServiceName
from streams.credentials import PLAINTEXT, KafkaSecurity
from streams.errors import LOGIN_REMEDY

FILES = Path(__file__).parent / "kafka"
OLDEST_JAVA = 17
#: Java compiles hot methods after a fifth of the usual number of calls: the start takes a second longer, but in the
#: minute after it the compiler does not compete with the broker for two cores.
JVM = ["-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:CompileThresholdScaling=0.2"]


class KafkaServer:
    """One broker that is its own controller, with a persistent log."""

    name: ServiceName = "kafka"
    port_names = ("broker", "controller")

    def __init__(
        self,
        *,
        data: Path,
        tools: Path,
        logs: Path,
        properties: Mapping[str, str] = MappingProxyType({}),
        scram: Mapping[str, str] = MappingProxyType({}),
        security: KafkaSecurity = PLAINTEXT,
        cluster_id: str | None = None,
    ) -> None:
        """`properties` override server.properties; `scram` maps initial users to passwords; `security` is for probes.

        Brokers of one cluster need the same `cluster_id` (see `new_cluster_id`).
        """
        self.data = data
        self._cluster_id = cluster_id
        self._properties = properties
        self._scram = scram
        self._security = security
        self.release: str | None = _version()
        self._logs = logs
        self._jars = tools / f"kafka-{self.release}"

    def prepare(self, progress: Progress) -> None:
        """Check the Java version, and download the jars of the broker once."""
        _check_java()
        if self._jars.exists():
            return
        if shutil.which("mvn") is None:
            raise StackError(
                "Maven downloads the jars of Kafka, but there is no `mvn` on PATH: run `bash deploy/bootstrap.sh` "
                "(on Debian: apt-get install maven), or set SIGHTLINE_KAFKA to a Kafka that runs elsewhere"
            )
        progress(f"kafka: downloading Apache Kafka {self.release} (once, about 45 MB)")
        draft = self._jars.with_suffix(".draft")
        shutil.rmtree(draft, ignore_errors=True)
        process.run(
            [
                "mvn",
                "-q",
                "-B",
                "-f",
                str(FILES / "pom.xml"),
                "dependency:copy-dependencies",
                f"-DoutputDirectory={draft}",
            ],
            what="the download of the Kafka jars with Maven",
            log=self._logs / "kafka-install.log",
        )
        draft.rename(self._jars)

    def command(self, ports: Mapping[str, int]) -> Command:
        """Write server.properties for these ports; format the log directory the first time."""
        self.data.mkdir(parents=True, exist_ok=True)
        properties = self.data / "server.properties"
        log_dir = self.data / "log"
        template = (FILES / "server.properties").read_text()
        # If a key occurs twice, Java uses the last value.
        template += "".join(f"{key}={value}\n" for key, value in self._properties.items())
        for name, value in {
            "{home}": log_dir,
            **{f"{{{name}}}": port for name, port in ports.items()},
        }.items():
            template = template.replace(name, str(value))
        properties.write_text(template)
        if not (log_dir / "meta.properties").exists():
            process.run(
                [
                    *self._java("kafka.tools.StorageTool"),
                    "format",
                    "-t",
                    self._cluster_id or new_cluster_id(),
                    "-c",
                    str(properties),
                    *self._first_users(),
                ],
                what=f"the formatting of the Kafka log directory {log_dir}",
                log=self._logs / "kafka.log",
            )
        return Command([*self._java("kafka.Kafka"), str(properties)])

    def clean(self) -> None:
        """Nothing to remove."""

    def address(self, port: int) -> str:
        """The address of the broker, host:port."""
        return f"127.0.0.1:{port}"

    def probe(self, address: str, *, timeout: float) -> None:
        """Ask for the metadata of the cluster."""
        errors: list[KafkaError] = []
        config: dict[str, Any] = {
            "bootstrap.servers": address,
            "socket.timeout.ms": round(timeout * 1000),
            "error_cb": errors.append,
            "log_level": 0,
            **self._security.librdkafka_options(),
        }
        admin = AdminClient(config)
        try:
            if not admin.list_topics(timeout=timeout).brokers:
                raise NoAnswerError("it has no broker in its metadata yet")
        except KafkaException as error:
            admin.poll(0)  # calls error_cb, which knows more than the exception
            if not errors:
                raise NoAnswerError(str(error)) from error
            refused = errors[0].code() in (KafkaError._AUTHENTICATION, KafkaError._SSL)
            raise NoAnswerError(errors[0].str(), remedy=LOGIN_REMEDY if refused else None) from error

    def _first_users(self) -> list[str]:
        users = [f"SCRAM-SHA-512=[name={name},password={password}]" for name, password in self._scram.items()]
        return [word for user in users for word in ("--add-scram", user)]

    def _java(self, main: str) -> list[str]:
        java = shutil.which("java")
        if java is None:
            raise StackError("there is no `java` on PATH any more: put it back on PATH")
        config = f"-Dlog4j2.configurationFile={FILES / 'log4j2.properties'}"
        return [java, *JVM, config, "-cp", f"{self._jars}/*", main]


def new_cluster_id() -> str:
    """A random UUID as Kafka writes it (URL-safe base64, no padding), without a leading dash as options have."""
    while (cluster_id := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return cluster_id


def _version() -> str:
    found = re.search(r"<kafka.version>([\d.]+)<", (FILES / "pom.xml").read_text())
    if found is None:
        raise StackError(f"{FILES / 'pom.xml'} has no <kafka.version>: restore the file from the repository")
    return found[1]


def _check_java() -> None:
    advice = (
        f"Kafka needs Java {OLDEST_JAVA} or later: run `bash deploy/bootstrap.sh` "
        "(on Debian: apt-get install openjdk-17-jre-headless), "
        "or set SIGHTLINE_KAFKA to a Kafka that runs elsewhere"
    )
    java = shutil.which("java")
    if java is None:
        raise StackError(f"there is no `java` on PATH. {advice}")
    output = process.output_of([java, "-version"])
    major = re.search(r'version "(\d+)', output)
    if major is None or int(major[1]) < OLDEST_JAVA:
        raise StackError(f"the version of {java} is {output.splitlines()[0] if output else 'unknown'}. {advice}")

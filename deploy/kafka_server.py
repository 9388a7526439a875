"""Apache Kafka on this machine: one KRaft node from the jars that Maven brings."""

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
#: What is called often is compiled fully after a fifth of the calls that Java waits for: a second more to start, but no
#: minute after it in which the compiler takes as much of two cores as the broker.
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
        """`properties` go over server.properties, `scram` are the first users' passwords, `security` the prober's.

        Brokers of one cluster are given one `cluster_id` (see `new_cluster_id`).
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
        """Check Java and copy the broker's jars once."""
        _check_java()
        if self._jars.exists():
            return
        if shutil.which("mvn") is None:
            raise StackError(
                "Kafka's jars come by Maven, and there is no `mvn` on PATH: run `bash deploy/bootstrap.sh` "
                "(on Debian: apt-get install maven), or set SIGHTLINE_KAFKA to a Kafka that runs elsewhere"
            )
        progress(f"kafka: fetching Apache Kafka {self.release} (once, about 45 MB)")
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
            what="fetching Kafka's jars with Maven",
            log=self._logs / "kafka-install.log",
        )
        draft.rename(self._jars)

    def command(self, ports: Mapping[str, int]) -> Command:
        """Write server.properties for these ports; format the log directory the first time."""
        self.data.mkdir(parents=True, exist_ok=True)
        properties = self.data / "server.properties"
        log_dir = self.data / "log"
        template = (FILES / "server.properties").read_text()
        # Of a key that is there twice, Java takes the last.
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
                what=f"formatting Kafka's log directory {log_dir}",
                log=self._logs / "kafka.log",
            )
        return Command([*self._java("kafka.Kafka"), str(properties)])

    def clean(self) -> None:
        """Nothing is left behind."""

    def address(self, port: int) -> str:
        """host:port."""
        return f"127.0.0.1:{port}"

    def probe(self, address: str, *, timeout: float) -> None:
        """Ask for the cluster's metadata."""
        told: list[KafkaError] = []
        config: dict[str, Any] = {
            "bootstrap.servers": address,
            "socket.timeout.ms": round(timeout * 1000),
            "error_cb": told.append,
            "log_level": 0,
            **self._security.librdkafka_options(),
        }
        admin = AdminClient(config)
        try:
            if not admin.list_topics(timeout=timeout).brokers:
                raise NoAnswerError("it knows of no broker yet")
        except KafkaException as error:
            admin.poll(0)  # calls error_cb, which knows more than the exception
            if not told:
                raise NoAnswerError(str(error)) from error
            refused = told[0].code() in (KafkaError._AUTHENTICATION, KafkaError._SSL)
            raise NoAnswerError(told[0].str(), remedy=LOGIN_REMEDY if refused else None) from error

    def _first_users(self) -> list[str]:
        users = [f"SCRAM-SHA-512=[name={name},password={password}]" for name, password in self._scram.items()]
        return [word for user in users for word in ("--add-scram", user)]

    def _java(self, main: str) -> list[str]:
        java = shutil.which("java")
        if java is None:
            raise StackError("`java` has gone from PATH")
        config = f"-Dlog4j2.configurationFile={FILES / 'log4j2.properties'}"
        return [java, *JVM, config, "-cp", f"{self._jars}/*", main]


def new_cluster_id() -> str:
    """A random UUID as Kafka writes it: URL-safe base64 without padding, and never like an option of a command line."""
    while (made := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return made


def _version() -> str:
    found = re.search(r"<kafka.version>([\d.]+)<", (FILES / "pom.xml").read_text())
    if found is None:
        raise StackError(f"{FILES / 'pom.xml'} names no <kafka.version>")
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
    told = process.output_of([java, "-version"])
    major = re.search(r'version "(\d+)', told)
    if major is None or int(major[1]) < OLDEST_JAVA:
        raise StackError(f"{java} is {told.splitlines()[0] if told else 'silent about its version'}. {advice}")

"""The permissions that each role needs in Kafka, as `sightline topics acls` prints them."""

from dataclasses import dataclass
from typing import Final, Literal, get_args

from streams.wire import topics
from streams.wire.namespace import Namespace
from streams.wire.topics import Topic

Role = Literal["publisher", "feed-service", "privacy-desk", "web", "worker", "operator"]
Operation = Literal["Read", "Write", "Describe", "DescribeConfigs", "All"]

ROLES: Final[tuple[Role, ...]] = get_args(Role)

_EVENTS: Final = (topics.INTERACTIONS, topics.UPLOADS, topics.ITEMS)
_STATE: Final = (topics.CATALOG, topics.SIGNALS, topics.STEPS, *topics.LEARNING)
_PUSHED: Final = (topics.RECOMMENDATIONS, topics.TRENDS)
#: What the web door holds in memory to make lists.
_REPLICATED: Final = (topics.CATALOG, topics.STEPS, topics.MODELS)
_WRITTEN: Final = (topics.INTERACTIONS, *_PUSHED, *_STATE, *topics.ANSWERS, topics.DEAD_LETTERS)


@dataclass(frozen=True, slots=True)
class Grant:
    """One operation, allowed on the topics with these names or on the groups whose names begin with them."""

    resource: Literal["topic", "group"]
    names: tuple[str, ...]
    operation: Operation

    def command(self, user: str) -> str:
        """The call of Kafka's own tool that makes this grant, without its connection options."""
        words = ["kafka-acls.sh", "--add", f"--allow-principal User:{user}", f"--operation {self.operation}"]
        words += [f"--{self.resource} {name}" for name in self.names]
        return " ".join([*words, "--resource-pattern-type prefixed"] if self.resource == "group" else words)


def grants(role: Role, namespace: Namespace) -> list[Grant]:
    """Everything a role may do, in the namespace of one app."""

    def on(operation: Operation, *of: Topic) -> Grant:
        return Grant("topic", tuple(namespace.topic(topic) for topic in of), operation)

    def in_groups(name: str, operation: Operation = "Read") -> Grant:
        return Grant("group", (namespace.named(name),), operation)

    # Kafka derives Describe from Read and from Write.
    match role:
        case "publisher":
            return [on("Write", *_EVENTS)]
        case "feed-service":
            return [on("Read", *_PUSHED), in_groups("feed")]
        case "privacy-desk":
            return [on("Write", topics.PRIVACY), on("Read", *topics.ANSWERS), in_groups("privacy-desk")]
        case "web":
            return [
                on("Read", *_PUSHED, *topics.ANSWERS, topics.DEAD_LETTERS, *_REPLICATED),
                # Of what was accepted and Kafka refuses for good, a dead letter stays.
                on("Write", *_EVENTS, topics.PRIVACY, topics.DEAD_LETTERS),
                # As a worker, it notices a topic that is not as we need it.
                on("Describe", topics.SIGNALS, topics.EXAMPLES),
                on("DescribeConfigs", *topics.ALL),
            ]
        case "worker":
            return [
                on("Read", *_EVENTS, topics.PRIVACY, *_STATE),
                on("Write", *_WRITTEN),
                # To notice a topic that is not as we need it (docs/adr/0018).
                on("DescribeConfigs", *topics.ALL),
                in_groups("sightline-"),
            ]
        case "operator":
            return [on("All", *topics.ALL), in_groups("sightline-", "All")]

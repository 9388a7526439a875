"""Who may do what in Kafka: what each role needs, as grants that `sightline topics acls` prints."""

from dataclasses import dataclass
from typing import Final, Literal, get_args

from streams.wire import topics
from streams.wire.topics import Topic

Role = Literal["publisher", "feed-service", "privacy-desk", "worker", "operator"]
Operation = Literal["Read", "Write", "All"]

ROLES: Final[tuple[Role, ...]] = get_args(Role)

_EVENTS: Final = (topics.INTERACTIONS, topics.UPLOADS, topics.ITEMS)
_STATE: Final = (topics.CATALOG, topics.SIGNALS)
_ANSWERS: Final = (topics.RECEIPTS, topics.EXPORTS)
_WRITTEN: Final = (topics.INTERACTIONS, topics.RECOMMENDATIONS, *_STATE, *_ANSWERS, topics.DEAD_LETTERS)


@dataclass(frozen=True, slots=True)
class Grant:
    """One operation on topics of these names, or on the groups whose names begin so."""

    resource: Literal["topic", "group"]
    names: tuple[str, ...]
    operation: Operation

    def command(self, user: str) -> str:
        """The grant as a call of Kafka's own tool, connection options left out."""
        words = ["kafka-acls.sh", "--add", f"--allow-principal User:{user}", f"--operation {self.operation}"]
        words += [f"--{self.resource} {name}" for name in self.names]
        return " ".join([*words, "--resource-pattern-type prefixed"] if self.resource == "group" else words)


def grants(role: Role, prefix: str) -> list[Grant]:
    """All that a role may do, in a system whose topics and groups begin with `prefix`."""

    def on(operation: Operation, *of: Topic) -> Grant:
        return Grant("topic", tuple(prefix + topic.name for topic in of), operation)

    def in_groups(name: str, operation: Operation = "Read") -> Grant:
        return Grant("group", (prefix + name,), operation)

    # Read and Write imply Describe.
    match role:
        case "publisher":
            return [on("Write", *_EVENTS)]
        case "feed-service":
            return [on("Read", topics.RECOMMENDATIONS), in_groups("feed")]
        case "privacy-desk":
            return [on("Write", topics.PRIVACY), on("Read", *_ANSWERS), in_groups("privacy-desk")]
        case "worker":
            return [on("Read", *_EVENTS, topics.PRIVACY, *_STATE), on("Write", *_WRITTEN), in_groups("sightline-")]
        case "operator":
            return [on("All", *topics.ALL), in_groups("sightline-", "All")]

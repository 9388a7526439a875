"""What users asked for on events.privacy, for those who read the log and keep no profiles."""

from features.privacy import ERASING, apply_request
from features.profile import NEW, Profile
from streams.privacy.control_records import VerifiedRequest


class Asked:
    """The requests of users in a partition of events.interactions so far."""

    def __init__(self) -> None:
        #: A profile of nothing but what each user asked for.
        self._profiles: dict[str, Profile] = {}

    def erases(self, request: VerifiedRequest) -> bool:
        """Apply the next request: whether it takes back what its user did before. The same one again does not."""
        user = request.user_id
        step = apply_request(self._profiles.get(user, NEW), request.request)
        self._profiles[user] = step.profile
        return request.control.type in ERASING and step.outcome == "applied"

    def allows(self, user: str, at_ms: int) -> bool:
        """Whether a user lets an event of this time (Unix ms) count, as in the profile."""
        privacy = self._profiles.get(user, NEW).privacy
        return not privacy.opted_out and at_ms > privacy.forgotten_ms

"""All metrics of Sightline: name, meaning and labels. The values of a label are always few."""

import time
from functools import cache

from prometheus_client import Counter, Gauge, Histogram, Info

_FAST = (
    0.0005,
    0.001,
    0.002,
    0.003,
    0.005,
    0.0075,
    0.01,
    0.015,
    0.02,
    0.03,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    10.0,
)
_STAGE = (0.0001, 0.00025, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5)
_SLOW = (0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0)

EVENT_TO_RECOMMENDATION = Histogram(
    "sightline_event_to_recommendation_seconds",
    "From the broker's timestamp of an event to the acknowledgement of its refreshed list (the headline)",
    ["type"],
    buckets=_FAST,
)
STAGE = Histogram(
    "sightline_stage_seconds",
    "Time of one stage of a micro-batch (load, candidates, rank, publish, signals, commit) "
    "or of a picture (fetch, decode, encode)",
    ["stage"],
    buckets=_STAGE,
)
UPLOAD_TO_SEARCHABLE = Histogram(
    "sightline_upload_to_searchable_seconds",
    "From the broker's timestamp of an upload to the moment when this process finds the item",
    buckets=_SLOW,
)
EVENTS = Counter("sightline_events_total", "Events handled, by outcome", ["topic", "type", "outcome"])
UNKNOWN_FIELDS = Counter(
    "sightline_unknown_fields_total",
    "Fields of events that this release does not know and ignores; of interactions, one event in 64 is looked at",
    ["topic"],
)
DEAD_LETTERS = Counter("sightline_dead_letters_total", "Messages sent to the dead letters", ["reason"])
DEAD_LETTERS_LOST = Counter(
    "sightline_dead_letters_lost_total",
    "Dead letters that Kafka refuses; the log names the place of the original, `reason` says why",
    ["reason"],
)
TOPIC_REFUSED = Gauge(
    "sightline_topic_refused",
    "1 while messages wait because Kafka refuses all messages to a topic: it is missing or forbidden",
    ["topic"],
)
BREAKER_OPEN = Gauge(
    "sightline_breaker_open",
    "1 while a topic's agent is stopped because it refused too many messages",
    ["topic"],
)
DUPLICATES = Counter(
    "sightline_duplicates_total",
    "Messages that changed nothing because they were applied before (redelivery: same offset; "
    "event: same event_id as one of the user's last 32; earlier_event: as one before, by its fingerprint; "
    "upload, request: same place on events.uploads or events.privacy; signal: same sequence); "
    "picture: encoded before, so not encoded again",
    ["kind"],
)
GATE = Counter(
    "sightline_gate_total",
    "Faults that the gate found in uploaded pictures, by what they lead to: allow, hold or drop",
    ["fault", "decision"],
)
COPIES = Counter(
    "sightline_copies_total",
    "Uploads whose picture another item has already, by that item's owner: own, other or unknown",
    ["owner"],
)
FALSE_DUPLICATES = Counter(
    "sightline_false_duplicates_total",
    "New events that were taken for duplicates by their fingerprint, as expected by the chance of it for each event",
)
CLAMPED_TIMES = Counter(
    "sightline_clamped_times_total",
    "Interactions whose own time was outside [broker time - 7 d, + 5 min], and records that have no broker time and "
    "whose publisher's time was outside that range around this worker's",
)
MISROUTED = Counter("sightline_misrouted_total", "Events on another partition than murmur2 of their key gives")
BROKEN_PROMISES = Gauge(
    "sightline_broken_promises",
    "Settings of topics and of Redis that are not as we need them, by kind; "
    "severity is danger (this worker is not ready) or unwise",
    ["kind", "severity"],
)
POSITION_CONFLICTS = Counter(
    "sightline_position_conflicts_total", "Commits refused because another worker had moved the position"
)
ROLLBACKS = Counter(
    "sightline_rollbacks_total", "Partitions replayed because the state store had lost its last commits"
)
RISING = Gauge(
    "sightline_rising",
    "Looks, categories and colours that rise now, by kind; 0 in all workers but the one that publishes them",
    ["kind"],
)
CONSUMER_LAG = Gauge(
    "sightline_consumer_lag_records",
    "Records of an assigned partition that are not handled yet; revoked partitions have no sample",
    ["topic", "partition"],
)
HELD_BACK = Gauge(
    "sightline_held_back_seconds",
    "How long one open transaction of a publisher has held back the records after it; no sample where none does",
    ["topic", "partition"],
)
LAST_PROGRESS = Gauge(
    "sightline_last_progress_timestamp_seconds",
    "Unix time at which an agent last finished a batch",
    ["agent"],
)
INFERENCE = Histogram(
    "sightline_inference_seconds",
    "Time of the call that a picture was in, of the encoder or a model of the gate; outcome is ok, invalid (no usable "
    "answer) or unavailable",
    ["model", "outcome"],
    buckets=_STAGE,
)
INFERENCE_INFLIGHT = Gauge("sightline_inference_inflight", "Calls of the encoder in progress")
REDIS = Histogram("sightline_redis_seconds", "One round trip to Redis", ["op"], buckets=_STAGE)
REDIS_ERRORS = Counter("sightline_redis_errors_total", "Round trips to Redis that failed; the caller retries", ["op"])
RECOMMENDATIONS = Counter(
    "sightline_recommendations_total",
    "Lists published; `degraded` names what they lacked, and is empty for a complete list",
    ["kind", "degraded"],
)
CANDIDATES = Histogram(
    "sightline_candidates",
    "Candidates generated for one list, by source; sampled from one list of each micro-batch",
    ["source"],
    buckets=(0, 1, 5, 10, 20, 50, 100, 200, 500),
)
FILTERED = Counter(
    "sightline_filtered_total",
    "Candidates removed before ranking; excluded: by a rule of the shop; like_refused: pushed out of the list by "
    "likeness to refused items",
    ["reason"],
)
SHORT_LISTS = Counter("sightline_short_lists_total", "Lists published with fewer items than asked for")
PUBLISHED = Counter("sightline_published_total", "Slots published in feeds, by candidate source", ["source"])
SHOWN = Counter(
    "sightline_shown_total",
    "Slots for which a view without dwell_ms names the list (rec_id), once per list and item, by candidate source",
    ["source"],
)
CLICKED = Counter(
    "sightline_clicked_total",
    "Slots for which a click names the list (rec_id), once per list and item, by candidate source",
    ["source"],
)
EXPERIMENT_SLOTS = Counter(
    "sightline_experiment_slots_total",
    "Slots of feeds made by an experiment, by the user's arm: published, and shown (a view without dwell_ms), clicked "
    "or converted (like, save, cart, purchase) for an event that names the list (rec_id), each once per list and item",
    ["arm", "outcome"],
)
EXPERIMENT_DWELL = Counter(
    "sightline_experiment_dwell_seconds_total",
    "Time on the pages of items of feeds made by an experiment, by the user's arm, from views that name the list",
    ["arm"],
)
EXPLORED = Counter(
    "sightline_explored_total",
    "Slots that were given to new items to learn of them, by step: published, shown and clicked, counted as by source",
    ["step"],
)
PROMOTED = Counter(
    "sightline_promoted_total",
    "Slots that rules of the shop decided, by step: published, shown and clicked, counted as by source",
    ["step"],
)
LIST_DIVERSITY = Histogram(
    "sightline_list_diversity",
    "1 - mean cosine similarity of neighbouring slots in a published list; sampled from one list of each micro-batch",
    buckets=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
)
FORGET = Histogram(
    "sightline_forget_seconds",
    "From the broker's timestamp of a forget request to the acknowledgement of its receipt",
    buckets=_SLOW,
)
CATALOG_ITEMS = Gauge(
    "sightline_catalog_items",
    "Items in this process's replica: searchable, no_vector (in lists, but not by looks) or unavailable; of all these, "
    "other_encoder have a vector of another encoder",
    ["state"],
)
WORDS = Counter(
    "sightline_words_total",
    "Texts of items by what happened: embedded; unreadable (none of it is in a script that the tower knows); refused "
    "(the tower gave no usable vector: tried again with the item's next change)",
    ["outcome"],
)
PICTURES = Counter(
    "sightline_pictures_total",
    "Pictures of items by what happened to them in their store: kept; not_kept (the store took nothing, and the upload "
    "is a dead letter); removed (files that no item names)",
    ["outcome"],
)
KEPT_PICTURES = Gauge(
    "sightline_kept_pictures",
    "At the last sweep of the store of pictures: stored files; pictures that items name and that are missing; files "
    "that no item names, and that were not removed (unnamed)",
    ["state"],
)
KEPT_PICTURES_BYTES = Gauge("sightline_kept_pictures_bytes", "Bytes of all kept pictures at the last sweep")
CATALOG_LAG = Gauge("sightline_catalog_lag_records", "Records of state.catalog that this replica has not applied yet")
RECENT_STEPS = Gauge(
    "sightline_recent_steps", "Steps of users that this process holds for the sources `sessions` and `cross`"
)
STEPS = Counter(
    "sightline_steps_total",
    "Steps of state.steps by what this process did: applied; forgot (a user, with all earlier steps); repeated "
    "(applied before, nothing changed); refused (messages that are unreadable); lost (messages that Kafka refused)",
    ["outcome"],
)
STEPS_LAG = Gauge("sightline_steps_lag_records", "Records of state.steps that this process has not applied yet")
LAST_STEP = Gauge(
    "sightline_last_step_timestamp_seconds", "Unix time of the newest event whose step this process has applied"
)
LESSONS = Counter(
    "sightline_lessons_total",
    "Lessons for the ranker that learns. Interactions workers: made, not_proposed (no source had proposed the item), "
    "left_out (there was no time), unpublished (Kafka refused it). Learning worker: learned (or held out to judge by), "
    "passed_over (beyond its user's quota), refused (of another release, or damaged)",
    ["outcome"],
)
LESSON_SECONDS = Counter("sightline_lesson_seconds_total", "Processor time that an interactions worker gave to lessons")
RANKER_VERSION = Gauge(
    "sightline_ranker_version", "Version of the ranker that learns in this process; 0: the hand weights"
)
RANKER_HEARD = Gauge(
    "sightline_ranker_heard_timestamp_seconds",
    "Unix time at which the learning worker last said its version, as this process knows; 0 where none is followed",
)
RANKER_LOSS = Gauge(
    "sightline_ranker_loss",
    "1 - 1 / rank of what users chose next, on lessons held out, by whose order: hand weights, good or newest version",
    ["model"],
)
RANKER_CALIBRATION = Gauge(
    "sightline_ranker_calibration_error",
    "Expected calibration error of the good version: how far the chance that it gives the first candidate is from how "
    "often users choose that one, on the last lessons held out; NaN before any",
)
RANKER_ROLLBACKS = Counter(
    "sightline_ranker_rollbacks_total", "How often what was learned last was thrown away, because it made lists worse"
)
MODELS_REFUSED = Counter(
    "sightline_models_refused_total",
    "Records of state.models that this release cannot rank with; the last good one stays",
)
FACTOR_ITEMS = Gauge("sightline_factor_items", "Items with latent factors by which this process makes lists; 0: none")
FACTORS_REFUSED = Counter(
    "sightline_factors_refused_total",
    "Looks, every 10 s, at a file of latent factors that this release cannot use; the last good ones stay",
)
FITS = Counter(
    "sightline_fits_total",
    "Trainings by a process that trains again and again: kept, worse than what is in use (so not kept), or failed",
    ["model", "outcome"],
)
FIT_KEPT = Gauge(
    "sightline_fit_kept_timestamp_seconds",
    "When a training was last kept (Unix seconds); 0: none since the process began",
    ["model"],
)
SEQUENCE_ITEMS = Gauge(
    "sightline_sequence_items",
    "Items known by id to the sequence model by which this process makes lists; 0: no model",
)
SEQUENCE_REFUSED = Counter(
    "sightline_sequence_refused_total",
    "Looks, every 10 s, at a file of a sequence model that this release cannot use; the last good one stays",
)
OWN_CLASSES = Gauge(
    "sightline_own_classes", "Own classes by which this process fills in categories of uploads; 0: none"
)
CLASSES_REFUSED = Counter(
    "sightline_classes_refused_total",
    "Looks, every 10 s, at a file of own classes that this release cannot use; the last good ones stay",
)
SHOP_RULE_COUNT = Gauge("sightline_shop_rules", "Rules of the shop that this process goes by; 0: none")
SHOP_RULES_REFUSED = Counter(
    "sightline_shop_rules_refused_total",
    "Looks, every 2 s, at a file of rules of the shop that cannot be used; the last good ones stay",
)
CATEGORIES_FILLED = Counter(
    "sightline_categories_filled_total", "Uploads without a category whose picture was sure enough of an own class"
)
WEB_REQUEST = Histogram(
    "sightline_web_request_seconds",
    "From a request to the web door until its answer begins; route: as in docs/openapi.json, none for what is refused "
    "before that; status: 2xx to 5xx",
    ["route", "method", "status"],
    buckets=_FAST,
)
WEB_STREAMS = Gauge("sightline_web_streams", "Streams of server-sent events that the web door has open")
BUILD = Info("sightline_build", "Version of Sightline and of the encoder; reported by uploads workers")

#: Finding a stage's histogram takes as long as observing it.
_stage = cache(STAGE.labels)


class StageTimer:
    """Times the stages of one micro-batch, one after the other; the first starts when the timer is made."""

    def __init__(self) -> None:
        self.started_ms = time.time_ns() // 1_000_000
        self.milliseconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def end(self, stage: str) -> None:
        """Observe the time since the last `end` as that of this stage."""
        now = time.perf_counter()
        _stage(stage).observe(now - self._last)
        self.milliseconds[stage] = round(self.milliseconds.get(stage, 0.0) + 1000 * (now - self._last), 3)
        self._last = now

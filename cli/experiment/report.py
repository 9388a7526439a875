"""What `sightline experiment report` does: it compares the arms of the experiment by the deployment's topics."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import asdict

import typer
from rich.table import Table

from cli.output import print_error, print_json, progress, results
from cli.user.stored import read_catalog
from deploy.local import Stack
from inference.experiment import Experiment
from streams.credentials import kafka_security
from streams.errors import SettingsError
from streams.experiment_setting import read_experiment
from streams.experiments.comparison import OF_MONEY, ArmResult, Comparison, Figure, compare
from streams.experiments.log import ExperimentLog, Found
from streams.experiments.statistics import LEAST_USERS
from streams.kafka.log_reader import KafkaLogReader
from streams.privacy.control_records import ControlRecords, control_keys
from streams.settings import Settings, read_settings
from streams.wire.namespace import Namespace

#: The printed lines of sums, by their names in `ArmResult`.
_SUMS = {"lists": "lists named", "shown": "slots shown", "clicked": "clicks", "converted": "conversions"}
#: Sums of money, which are in one currency.
_SUMS_OF_MONEY = {"sold": "sold by lists", "paid": "paid in all"}
#: The printed lines of figures, and by how much their values are multiplied.
_FIGURES = {
    "ctr": ("clicks per 100 shown", 100),
    "conversion": ("conversions per 100 shown", 100),
    "dwell_s": ("dwell of a look, s", 1),
    "diversity": ("diversity of a list", 1),
    "sold": ("sold by lists per 100 shown", 100),
    "paid": ("paid per user", 1),
}
#: More clicks than this share without an impression are said: the app does not publish what users saw.
_UNSEEN_SHARE = 0.02


def print_report(age_ms: int, as_json: bool, *, aa: bool, currency: str | None) -> None:
    """Print the comparison of the arms, or of two halves of the first; exit code 1 for a sample ratio mismatch."""
    currency = None if currency is None else currency.upper()
    settings = read_settings()
    experiment = read_experiment(settings.experiment)
    if experiment is None:
        raise SettingsError("SIGHTLINE_EXPERIMENT is empty: set it as it is set for the workers (docs/experiments.md)")
    since_ms = time.time_ns() // 1_000_000 - age_ms
    compared_arms = experiment.halves() if aa else experiment
    shares = {arm.name: arm.share for arm in compared_arms.arms}
    found = _read(settings, experiment, [*shares], _grouping(experiment, compared_arms), since_ms, currency)
    compared = compare(found.totals, shares)
    if as_json:
        plain = {"experiment": experiment.name, "since_ms": since_ms, "aa": aa, "misplaced_lists": found.misplaced}
        plain |= {"currency": currency, "purchases": found.currencies}
        print_json(plain | {"is_mismatch": compared.split.is_mismatch, **asdict(compared)})
    else:
        _print(experiment, compared, found, currency)
    if compared.split.is_mismatch:
        raise typer.Exit(1)


def _grouping(experiment: Experiment, compared: Experiment) -> Callable[[str], str | None]:
    """The arm or half of each user; None for a user who is in no half."""
    if compared is experiment:
        return lambda user_id: experiment.arm_of(user_id).name
    first = experiment.arms[0]
    return lambda user_id: compared.arm_of(user_id).name if experiment.arm_of(user_id) == first else None


def _read(
    settings: Settings,
    experiment: Experiment,
    groups: list[str],
    group_of: Callable[[str], str | None],
    since_ms: int,
    currency: str | None,
) -> Found:
    endpoints = Stack(settings).endpoints()
    progress("reading the catalogue, the events and the lists")
    reader = KafkaLogReader(endpoints.kafka, security=kafka_security(settings))
    try:
        log = ExperimentLog(
            reader,
            ControlRecords(*control_keys(settings.control_key)),
            asyncio.run(read_catalog(settings, endpoints)),
            namespace=Namespace(settings.topic_prefix),
            partitions=settings.partitions,
        )
        return log.read(experiment, groups, group_of, since_ms, currency)
    finally:
        reader.close()


def _print(experiment: Experiment, compared: Comparison, found: Found, currency: str | None) -> None:
    first = compared.arms[0].arm
    caption = f"[low, high]: 95 % interval, from {LEAST_USERS} users on; difference: to {first}; *: excludes 0"
    table = Table("", *(f"{each.arm} ({each.share:.0%})" for each in compared.arms), caption=caption)
    table.add_row("users", *(f"{each.users:,}" for each in compared.arms))
    for name, words in _SUMS.items():
        table.add_row(words, *(f"{each.sums[name]:,.0f}" for each in compared.arms))
    for name, words in _SUMS_OF_MONEY.items() if currency else ():
        table.add_row(f"{words}, {currency}", *(f"{each.sums[name]:,.2f}" for each in compared.arms))
    for name, (words, _) in _FIGURES.items():
        if name in OF_MONEY and not currency:
            continue
        unit = f", {currency}" if name in OF_MONEY else ""
        table.add_row(words + unit, *(_value(each, name) for each in compared.arms))
        table.add_row("  difference", *(_more(each, name) for each in compared.arms))
    console = results()
    console.print(f"experiment {experiment.name}", soft_wrap=True)
    console.print(table)
    split = f"chi-squared {compared.split.chi_squared:.2f}, p {compared.split.p:.2g}"
    if compared.split.is_mismatch:
        print_error(f"the users are not split by the shares ({split}): do not compare the arms (docs/experiments.md)")
    else:
        console.print(f"users are split by the shares ({split})", soft_wrap=True)
    others = {name: count for name, count in found.currencies.most_common(5) if name != currency}
    if others:
        named = ", ".join(f"{count:,} in {name}" for name, count in others.items())
        console.print(f"purchases whose amounts are not compared here: {named} (--currency)", soft_wrap=True)
    unseen, clicked = (sum(each.sums[name] for each in compared.arms) for name in ("unseen", "clicked"))
    if unseen > _UNSEEN_SHARE * clicked:
        text = f"{unseen:,.0f} of {clicked:,.0f} clicks are of slots without an impression"
        console.print(f"{text}: what is per 100 shown is too high (docs/experiments.md)", soft_wrap=True)
    if found.misplaced:
        console.print(f"{found.misplaced:,} lists since then name another arm or experiment, or none", soft_wrap=True)


def _value(arm: ArmResult, name: str) -> str:
    return _in_words(arm.figures[name].figure, name) if name in arm.figures else ""


def _more(arm: ArmResult, name: str) -> str:
    more = arm.figures[name].more if name in arm.figures else None
    if more is None:
        return ""
    return _in_words(more, name, sign="+") + (" *" if more.interval is not None and more.interval.excludes_zero else "")


def _in_words(figure: Figure, name: str, sign: str = "") -> str:
    _, times = _FIGURES[name]
    value = f"{times * figure.value:{sign}.3g}"
    if figure.interval is None:
        return value
    return f"{value} [{times * figure.interval.low:.3g}, {times * figure.interval.high:.3g}]"

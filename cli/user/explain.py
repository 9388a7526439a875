"""What `sightline user explain` does: it makes a user's list as a worker would, and prints what led to it."""

import asyncio

import msgspec
import typer

from cli.output import print_json, progress
from cli.running import running_stores
from cli.user.explained import print_item, print_list
from cli.user.stored import read_catalog, read_file, read_model, read_steps, stores
from deploy.local import Endpoints
from inference.explain.explanation import Explanation
from inference.recommender import Recommender
from streams.experiment_setting import read_experiment
from streams.interactions.lists import rules_of
from streams.interactions.one_user import explain_user
from streams.learning.model_kinds import MODEL_KINDS, SHOP_RULES
from streams.pseudonyms import known_as
from streams.settings import Settings, read_settings


def print_explanation(user_id: str, item_id: str | None, as_json: bool) -> None:
    """Print the list of a user with what led to it, or what concerns one item."""
    for word in (user_id, item_id or ""):
        _check_utf8(word)
    settings = read_settings()
    with running_stores(settings) as endpoints:
        found = asyncio.run(_explain(known_as(settings, user_id), item_id, settings, endpoints))
    if as_json:
        print_json({"user_id": user_id, **msgspec.to_builtins(found)})
    elif found.item is None:
        print_list(user_id, found)
    else:
        print_item(user_id, found, found.item)


def _check_utf8(word: str) -> None:
    try:
        word.encode()
    except UnicodeEncodeError:
        raise typer.BadParameter(f"{word!r} is not UTF-8, as ids are: see how the terminal encodes it") from None


async def _explain(user_id: str, item_id: str | None, settings: Settings, endpoints: Endpoints) -> Explanation:
    catalog = await read_catalog(settings, endpoints)
    recent_steps = await read_steps(settings, endpoints)
    if recent_steps is None:
        progress("the source sessions is left out: SIGHTLINE_RECENT_STEPS is 0, or state.steps cannot be read")
    recommender = Recommender(catalog, length=settings.list_length, recent_steps=recent_steps, rules=rules_of(settings))
    recommender.apply_model(await asyncio.to_thread(read_model, settings, endpoints))
    for kind in MODEL_KINDS:
        recommender.apply_trained(kind.source, await read_file(kind, settings))
    recommender.apply_rules(await read_file(SHOP_RULES, settings))
    experiment = read_experiment(settings.experiment)
    arm = None if experiment is None else experiment.arm_of(user_id)
    async with stores(settings, endpoints) as (profiles, signals):
        return await explain_user(recommender, catalog, profiles, signals, user_id, item_id, arm)

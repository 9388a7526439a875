"""The commands for the catalogue: `sightline items …`, `sightline similar` and `sightline search`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from cli.output import JsonOption
from cli.sheets.option import SheetOption, check_sheet
from cli.written import check_written
from sightline_client.events import ANSWER_LIMIT, WORDS_LIMIT, Only
from sightline_client.fields import ATTRIBUTE_KEY_LIMIT, ATTRIBUTES_LIMIT

app = typer.Typer(help="The catalogue.", no_args_is_help=True)

CountOption = Annotated[int, typer.Option(min=1, max=ANSWER_LIMIT, help="How many items to show.")]
LeastOption = Annotated[float | None, typer.Option(min=-1, max=1, help="Only items this alike or more.")]
LeastFitOption = Annotated[
    float | None, typer.Option(min=-1, max=1, help="Only items that fit this well or better [0.35].")
]
CategoryOption = Annotated[str | None, typer.Option(help="Only items of this category.")]
TagOption = Annotated[str | None, typer.Option(help="Only items whose pictures show this: shirt, or 衬衫.")]
MinPriceOption = Annotated[float | None, typer.Option(min=0, help="Only items of this price or more.")]
MaxPriceOption = Annotated[float | None, typer.Option(min=0, help="Only items of this price or less.")]
AttributeOption = Annotated[
    list[str] | None, typer.Option(help="Only items with this: brand=Acme; may be given several times.")
]
ExcludeOption = Annotated[list[str] | None, typer.Option(help="Without this item; may be given several times.")]
BoxOption = Annotated[
    list[str] | None,
    typer.Option(
        help="Only this part: x,y,width,height as shares, 0 to 1, from the upper left; may be given several times. "
        "`salient`: the parts in which things lie."
    ),
]
TimeoutOption = Annotated[float, typer.Option(min=0.1, help="Seconds to wait for the answer.")]


@app.command("import")
def import_(
    folder: Annotated[Path, typer.Argument(help="Pictures; a sub-folder's name is the category.")],
    csv: Annotated[Path | None, typer.Option(help="Categories from a CSV: column `path`, and --column.")] = None,
    column: Annotated[str | None, typer.Option(help="The CSV's column with the category ['label'].")] = None,
    attribute: Annotated[
        list[str] | None, typer.Option(help="A column of the CSV that is an attribute; may be given several times.")
    ] = None,
    user: Annotated[str, typer.Option(help="The user id of the uploader.")] = "import",
    inflight: Annotated[int, typer.Option(min=1, max=64, help="Concurrent uploads.")] = 8,
    as_json: JsonOption = False,
) -> None:
    """Import a folder of pictures and clips into the catalogue; a second run sends only what is new or changed.

    Photos that are too large for an event are made smaller; every file that is passed over is named.
    """
    from cli.items.picture_folder import survey

    if attribute and csv is None:
        raise typer.BadParameter("attributes are columns of a CSV: name it with --csv", param_hint="--attribute")
    wrong = [name for name in attribute or () if not 0 < len(name) <= ATTRIBUTE_KEY_LIMIT]
    if wrong or len(set(attribute or ())) > ATTRIBUTES_LIMIT:
        raise typer.BadParameter(
            f"at most {ATTRIBUTES_LIMIT} columns with names of 1 to {ATTRIBUTE_KEY_LIMIT} characters",
            param_hint="--attribute",
        )
    found = survey(folder, labels=csv, column=column, attributes=attribute or (), clips=True)
    from cli.items.import_folder import import_pictures

    import_pictures(folder, found, user, inflight, as_json)


@app.command()
def explored(as_json: JsonOption = False) -> None:
    """Show what is known of the latest uploads, by category: users who met and chose them, and the rate expected."""
    from cli.items.explored import print_explored

    print_explored(as_json)


@app.command()
def show(
    item_id: Annotated[str, typer.Argument(metavar="ITEM", help="The id of the item.")],
    picture: Annotated[Path | None, typer.Option(dir_okay=False, help="Write the kept picture (WebP) here.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show what is known of an item, and where its picture is kept; exit code 1 if nothing is."""
    check_written(picture, "--picture")
    from cli.items.show import print_item

    print_item(item_id, picture, as_json)


@app.command()
def identify(
    photos: Annotated[
        list[Path], typer.Argument(metavar="PHOTO", exists=True, dir_okay=False, help="Photos of articles.")
    ],
    box: BoxOption = None,
    category: CategoryOption = None,
    tag: TagOption = None,
    min_price: MinPriceOption = None,
    max_price: MaxPriceOption = None,
    attribute: AttributeOption = None,
    exclude: ExcludeOption = None,
    least: Annotated[float, typer.Option(min=0, max=1, help="Below this certainty an article is unknown.")] = 0.7,
    csv: Annotated[Path | None, typer.Option(dir_okay=False, help="Write how often each article is shown.")] = None,
    timeout: TimeoutOption = 20.0,
    as_json: JsonOption = False,
) -> None:
    """Say which article of the catalogue each photo shows, or each part of it, how certain that is, and count them."""
    check_written(csv, "--csv")
    from cli.items.search.identify import identify_photos

    only = _only(
        category=category, attribute=attribute, tag=tag, min_price=min_price, max_price=max_price, exclude=exclude
    )
    identify_photos(list(dict.fromkeys(photos)), box or (), only, least, csv, timeout, as_json)


@app.command()
def held(
    allow: Annotated[list[str] | None, typer.Option(metavar="ITEM", help="Show this item; repeatable.")] = None,
    drop: Annotated[list[str] | None, typer.Option(metavar="ITEM", help="Delete this item; repeatable.")] = None,
    sheet: SheetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the items that the gate holds, and why; --allow and --drop are a person's yes and no."""
    from cli.items.held import show_held

    if set(allow or ()) & set(drop or ()):
        raise typer.BadParameter("an item is allowed or dropped, not both", param_hint="--drop")

    check_sheet(sheet)
    show_held(allow or [], drop or [], sheet, as_json)


@app.command()
def pictures(
    sweep: Annotated[bool, typer.Option("--sweep", help="Remove the files that no item names.")] = False,
    even_most: Annotated[bool, typer.Option("--even-most", help="Also if these are most of all files.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Compare the kept pictures with what the catalogue names; exit code 1 if one is missing.

    An uploads worker sweeps once an hour. Files written within a day and a half are never removed.
    """
    from cli.items.pictures import compare_pictures

    if even_most and not sweep:
        raise typer.BadParameter("nothing is removed without --sweep", param_hint="--even-most")

    compare_pictures(sweep, even_most, as_json)


def _pairs(texts: Sequence[str]) -> dict[str, str] | None:
    """The attributes that these texts name; raises typer.BadParameter."""
    pairs = {text.partition("=") for text in texts}
    if not all(key and value for key, _, value in pairs):
        raise typer.BadParameter("an attribute is a key and a value, such as brand=Acme", param_hint="--attribute")
    if len({key for key, _, _ in pairs}) < len(pairs):
        raise typer.BadParameter("no item has two values of one key: name each key once", param_hint="--attribute")
    return {key: value for key, _, value in pairs} or None


def similar(
    image: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A picture or clip to search with.")],
    count: CountOption = 10,
    min_similarity: LeastOption = None,
    category: CategoryOption = None,
    tag: TagOption = None,
    min_price: MinPriceOption = None,
    max_price: MaxPriceOption = None,
    attribute: AttributeOption = None,
    exclude: ExcludeOption = None,
    by: Annotated[
        str | None,
        typer.Option(help="look (the default), colour, texture, shape, hash, words, all, or look=0.8,colour=0.2."),
    ] = None,
    words: Annotated[str | None, typer.Option(help="What it is to be besides: but red.")] = None,
    box: BoxOption = None,
    timeout: TimeoutOption = 20.0,
    sheet: SheetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the items in stock that are most like a picture, by its look or by what --by names; nothing is stored.

    With --words they are as much like the words, unless --by gives `look` and `words` other weights.
    """
    from cli.items.search.similar import Asked, show_found

    only = _only(
        category=category,
        attribute=attribute,
        tag=tag,
        min_price=min_price,
        max_price=max_price,
        min_similarity=min_similarity,
        exclude=exclude,
    )
    check_sheet(sheet)
    show_found(Asked(image, words, only, by, box or (), count), timeout, sheet, as_json)


def search(
    words: Annotated[
        list[str],
        typer.Argument(help=f"English words, or Chinese names of colours and things; up to {WORDS_LIMIT} characters."),
    ],
    count: CountOption = 10,
    min_similarity: LeastFitOption = None,
    category: CategoryOption = None,
    tag: TagOption = None,
    min_price: MinPriceOption = None,
    max_price: MaxPriceOption = None,
    attribute: AttributeOption = None,
    exclude: ExcludeOption = None,
    timeout: TimeoutOption = 20.0,
    sheet: SheetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the items in stock that words describe best: by title and description, or by what is in the picture."""
    from cli.items.search.similar import Asked, show_found

    only = _only(
        category=category,
        attribute=attribute,
        tag=tag,
        min_price=min_price,
        max_price=max_price,
        min_similarity=min_similarity,
        exclude=exclude,
    )
    check_sheet(sheet)
    show_found(Asked(None, " ".join(words), only, None, (), count), timeout, sheet, as_json)


def _only(
    *,
    category: str | None,
    attribute: list[str] | None,
    tag: str | None,
    min_price: float | None,
    max_price: float | None,
    exclude: list[str] | None,
    min_similarity: float | None = None,
) -> Only:
    """The limits that the options say; raises typer.BadParameter."""
    if min_price is not None and max_price is not None and min_price > max_price:
        raise typer.BadParameter(f"{min_price:g} is above --max-price {max_price:g}", param_hint="--min-price")
    return Only(
        category=category,
        min_price=min_price,
        max_price=max_price,
        min_similarity=min_similarity,
        exclude=tuple(exclude or ()),
        attributes=_pairs(attribute or ()),
        tag=None if tag is None else _tag(tag),
    )


def _tag(text: str) -> str:
    """The tag of this name; raises typer.BadParameter."""
    from features.vision.tags.readable import named, names

    name = named(text)
    if name is None:
        raise typer.BadParameter(f"{text} is none of: {', '.join(names())}", param_hint="--tag")
    return name


def trends(sheet: SheetOption = None, as_json: JsonOption = False) -> None:
    """Show which looks, categories and colours users choose more in the last hour than in the weeks before."""
    from cli.items.trends import print_trends

    check_sheet(sheet)
    print_trends(sheet, as_json)


def reembed(
    model: Annotated[str | None, typer.Option(help="The model in Triton that embeds the kept pictures.")] = None,
    drop: Annotated[
        str | None, typer.Option(metavar="ENCODER", help="Take the vectors of this encoder away: efficientnet-lite0@1.")
    ] = None,
    inflight: Annotated[int, typer.Option(min=1, max=64, help="Concurrent calls of the model.")] = 4,
    per_second: Annotated[
        float, typer.Option(min=0, help="Pictures per second at most, so that lists do not wait; 0: no bound.")
    ] = 5,
    as_json: JsonOption = False,
) -> None:
    """Give all items a vector of another encoder, beside those that they have; run it again to go on or to catch up.

    Lists are made by the old vectors meanwhile. Exit code 1 where an item lacks the vector afterwards.
    """
    from cli.items.reembed import drop_vectors, reembed_items

    if (model is None) == (drop is None):
        raise typer.BadParameter("name either the --model that embeds, or the encoder to --drop")
    if model is not None:
        reembed_items(model, inflight, per_second, as_json)
    elif drop is not None:
        drop_vectors(drop, as_json)

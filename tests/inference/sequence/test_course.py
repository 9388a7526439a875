from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from inference.errors import ModelRefused, NothingToLearn
from inference.sequence import course
from inference.sequence.course import Trained, train
from inference.sequence.histories import Histories
from inference.sequence.model import decode_model, encode_model
from inference.sequence.training import Training, queries
from tests.harness.sequences import circle


def after(trained: Trained, *numbers: int) -> list[int]:
    """The numbers of all items, those first that are likely after some others."""
    model = decode_model(encode_model(trained.model))
    keys = circle().keys
    vectors = model.ids[np.searchsorted(model.keys, keys) + 1] + model.categories[[1, 2] * 20] + model.pictures
    (wish,) = model.tower.read([vectors[list(numbers)]])
    order: list[int] = np.argsort(-(vectors @ wish)).tolist()
    return order


def test_what_comes_next_is_learned(trained: Trained) -> None:
    assert [after(trained, *each)[0] for each in ((3, 4, 5), (37, 38, 39), (0,))] == [6, 0, 1]


def test_training_ends_when_what_is_held_out_gets_no_better(trained: Trained) -> None:
    assert trained.is_over
    assert trained.epochs < course.EPOCHS
    assert trained.judged.ndcg > 2 * trained.popular.ndcg


def test_the_tower_computes_what_was_trained() -> None:
    training = Training(circle(), 400, seed=1)
    training.learn()
    chosen = [np.array([1, 2, 3]), np.array([7])]
    expected = queries(training, chosen)

    model = decode_model(encode_model(course._model(training, circle())))
    vectors = model.ids[np.searchsorted(model.keys, circle().keys) + 1] + model.categories[[1, 2] * 20]
    assert model.tower.read([vectors[each] for each in chosen]) == pytest.approx(expected, abs=1e-5)


def test_the_same_seed_gives_the_same_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(course, "EPOCHS", 3)
    one, other, third = (encode_model(train(circle(), seed=seed).model) for seed in (1, 1, 2))
    assert one == other != third


def test_an_interrupted_training_goes_on_as_if_it_had_not_been(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(course, "EPOCHS", 4)
    whole = train(circle(), seed=1)

    class Interrupted(Exception):
        pass

    def interrupt(epoch: int, _figures: Mapping[str, float]) -> None:
        if epoch == 2:
            raise Interrupted

    with pytest.raises(Interrupted):
        train(circle(), seed=1, folder=tmp_path, watch=interrupt)
    epochs: list[int] = []
    rest = train(circle(), seed=1, folder=tmp_path, watch=lambda epoch, _figures: epochs.append(epoch))
    assert epochs == [3, 4]
    assert encode_model(rest.model) == encode_model(whole.model)
    assert [*tmp_path.iterdir()] == [rest.checkpoint]


def test_a_training_that_is_over_gives_its_model_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(course, "EPOCHS", 2)
    one, other = (train(circle(), seed=1, folder=tmp_path) for _ in range(2))
    assert (one.is_over, other.epochs) == (True, 2)
    assert encode_model(one.model) == encode_model(other.model)


def test_the_checkpoint_of_another_log_or_seed_stays(tmp_path: Path) -> None:
    for users, seed in ((40, 1), (41, 1), (40, 2)):
        assert train(circle(users=users), seed=seed, folder=tmp_path, seconds=0).epochs == 1
    assert train(circle(), seed=1, folder=tmp_path, seconds=0).epochs == 2
    assert len([*tmp_path.iterdir()]) == 3


def test_a_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    train(circle(), seed=1, folder=tmp_path, seconds=0)
    (checkpoint,) = tmp_path.iterdir()
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    with pytest.raises(ModelRefused, match="remove it"):
        train(circle(), seed=1, folder=tmp_path)


def test_when_the_time_is_up_the_training_is_not_over() -> None:
    found = train(circle(), seed=1, seconds=0)
    assert (found.epochs, found.is_over) == (1, False)


def one_user() -> Histories:
    return circle(users=1, steps=12)


def test_a_log_of_one_user_is_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(course, "EPOCHS", 2)
    assert train(one_user(), seed=1).questions == 1


def test_a_log_of_one_item_is_refused() -> None:
    with pytest.raises(NothingToLearn):
        train(replace(one_user(), items=np.zeros(12, np.int64)), seed=1)


def test_a_log_whose_only_pair_is_held_out_is_refused() -> None:
    pair = replace(one_user(), users=np.zeros(2, np.int64), items=np.array([0, 1]))
    with pytest.raises(NothingToLearn):
        train(pair, seed=1)


def test_pictures_are_learned_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(course, "EPOCHS", 2)
    model = train(circle(picture=40), seed=1).model
    assert (model.encoder, model.pictures.shape) == ("fake@1", (40, model.dimensions))
    assert np.abs(model.pictures).min() > 0

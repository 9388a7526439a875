"""What each loss rewards."""

import torch

from inference.encoders.tuning.losses import Pairs, Proxies, unfaithfulness

AXES = torch.eye(4)


def proxies(places: torch.Tensor, sets: list[int]) -> Proxies:
    return Proxies(torch.zeros(4), AXES.clone(), places, torch.tensor(sets))


def test_a_picture_near_the_proxy_of_its_label_costs_less() -> None:
    head, labels = proxies(AXES.clone(), [0, 0, 0, 0]), torch.arange(4)
    assert head(AXES, labels) < head(AXES.roll(1, 0), labels)


def test_labels_of_another_set_are_no_rivals() -> None:
    apart, together = proxies(AXES.clone(), [0, 0, 1, 1]), proxies(AXES[[0, 1, 0, 1]], [0, 0, 1, 1])
    labels = torch.tensor([0, 1])
    torch.testing.assert_close(apart(AXES[:2], labels), together(AXES[:2], labels))


def test_a_label_without_any_rival_costs_nothing_and_a_set_without_pictures_neither() -> None:
    assert proxies(AXES[:3].clone(), [0, 1, 1])(AXES[:1], torch.tensor([0])).item() == 0


def test_views_that_lie_together_cost_less_than_those_that_do_not() -> None:
    torch.manual_seed(0)
    head, labels = Pairs(4), torch.arange(4).repeat(2)
    assert head(AXES.repeat(2, 1), labels) < head(torch.cat([AXES, AXES.roll(1, 0)]), labels)
    assert head(AXES[:1].repeat(2, 1), labels[:2]).item() == 0  # of one picture nothing is to be told


def test_what_stays_as_it_was_is_faithful_whatever_its_length() -> None:
    features = torch.rand(5, 4)
    assert unfaithfulness(3 * features, features).item() < 1e-6
    assert unfaithfulness(torch.rand(5, 4), features).item() > 0.01

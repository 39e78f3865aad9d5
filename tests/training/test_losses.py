import monai.losses
import numpy as np
import pytest
import torch

from lmsc_unet.errors import ConfigError
from lmsc_unet.metrics.counts import IGNORE
from lmsc_unet.training.config import LossConfig
from lmsc_unet.training.losses import DiceFocalLoss, SegmentationLoss, class_weights


def random_case(num_logits: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(2, num_logits, 8, 12, generator=generator)
    mask = torch.randint(0, max(2, num_logits), (2, 8, 12), generator=generator)
    return logits, mask


@pytest.mark.parametrize("num_logits", [1, 2, 4])
@pytest.mark.parametrize("alpha", [None, 0.3])
@pytest.mark.parametrize("per_image", [False, True])
def test_without_ignored_pixels_it_is_the_sum_of_monais_losses(
    num_logits: int, alpha: float | None, per_image: bool
) -> None:
    logits, mask = random_case(num_logits)
    config = LossConfig(dice_weight=0.7, focal_weight=1.3, gamma=1.5, alpha=alpha, dice_per_image=per_image)
    is_multi = num_logits > 1
    dice = monai.losses.DiceLoss(sigmoid=not is_multi, softmax=is_multi, to_onehot_y=is_multi, batch=not per_image)
    focal = monai.losses.FocalLoss(use_softmax=is_multi, to_onehot_y=is_multi, gamma=1.5, alpha=alpha)
    expected = 0.7 * dice(logits, mask[:, None]) + 1.3 * focal(logits, mask[:, None])
    torch.testing.assert_close(DiceFocalLoss(config, num_logits)(logits, mask), expected)


@pytest.mark.parametrize("num_logits", [1, 3])
def test_an_ignored_column_is_as_good_as_cut_off(num_logits: int) -> None:
    logits, mask = random_case(num_logits)
    loss = DiceFocalLoss(LossConfig(), num_logits)
    marked = mask.clone()
    marked[:, :, 9:] = IGNORE
    torch.testing.assert_close(loss(logits, marked), loss(logits[..., :9], mask[..., :9]))


@pytest.mark.parametrize("num_logits", [1, 3])
def test_ignored_pixels_give_no_gradient(num_logits: int) -> None:
    logits, mask = random_case(num_logits)
    logits.requires_grad_()
    mask[:, :, 9:] = IGNORE
    DiceFocalLoss(LossConfig(), num_logits)(logits, mask).backward()
    assert logits.grad is not None
    assert (logits.grad[..., 9:] == 0).all()
    assert (logits.grad[..., :9] != 0).any()


def test_nothing_but_ignored_pixels_costs_nothing() -> None:
    logits, mask = random_case(1)
    assert DiceFocalLoss(LossConfig(), 1)(logits, torch.full_like(mask, IGNORE)) == 0


def test_a_right_answer_costs_less_than_a_wrong_one() -> None:
    _, mask = random_case(1)
    sure = (mask[:, None].float() - 0.5) * 20
    loss = DiceFocalLoss(LossConfig(), 1)
    assert loss(sure, mask) < 0.01 < 1 < loss(-sure, mask)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"gamma": -1.0}, "loss.gamma is -1.0; it must be at least 0"),
        ({"dice_weight": 0.0, "focal_weight": 0.0}, "both 0; at least one must be above 0"),
        ({"alpha": 2.0}, "loss.alpha is 2.0; it must lie between 0 and 1"),
    ],
)
def test_a_loss_that_makes_no_sense_is_refused(changes: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        LossConfig(**changes)


def test_contours_add_a_weighted_cross_entropy_where_they_are_known() -> None:
    logits, mask = random_case(2, seed=4)
    ids, contour = (mask > 0).long(), (torch.rand(mask.shape, generator=torch.Generator().manual_seed(1)) > 0.6).long()
    contour[:, :, 8:] = IGNORE
    config = LossConfig(contour_weight=0.25, contour_positive=3.0)
    known = contour != IGNORE
    pixels = torch.nn.functional.binary_cross_entropy_with_logits(
        logits[:, 1][known], contour[known].float(), pos_weight=torch.tensor(3.0)
    )
    expected = DiceFocalLoss(config, 1)(logits[:, :1], ids) + 0.25 * pixels
    found = SegmentationLoss(config, 1)(logits, torch.stack([ids, contour], 1))
    torch.testing.assert_close(found, expected)


def test_without_contours_it_is_dice_and_focal_loss() -> None:
    logits, mask = random_case(3)
    found = SegmentationLoss(LossConfig(), 3)(logits, mask)
    torch.testing.assert_close(found, DiceFocalLoss(LossConfig(), 3)(logits, mask))


def test_rare_classes_weigh_more_and_the_mean_pixel_weighs_one() -> None:
    masks = [np.array([[0, 0, 0, 1], [0, 0, 0, IGNORE]], np.uint8), np.array([[2, 0, 0]], np.uint8)]
    weights = class_weights(masks, 4, 0.5)
    shares = torch.tensor([0.8, 0.1, 0.1, 0.0])
    assert (shares * weights).sum() == pytest.approx(1, abs=1e-6)
    assert weights[1] / weights[0] == pytest.approx(8**0.5, abs=1e-5)
    assert weights[3] == weights[1]  # never seen: as the rarest
    assert class_weights(masks, 4, 0.0).tolist() == [1.0] * 4


@pytest.mark.parametrize("num_logits", [1, 3])
def test_class_weights_multiply_the_focal_loss_of_their_pixels(num_logits: int) -> None:
    logits, mask = random_case(num_logits)
    weights = torch.arange(1.0, max(2, num_logits) + 1)
    config = LossConfig(dice_weight=0.0)
    found = DiceFocalLoss(config, num_logits, weights)(logits, mask)
    parts = []
    for value in range(len(weights)):
        only = torch.where(mask == value, mask, IGNORE)
        share = (mask == value).float().mean()
        parts.append(weights[value] * share * DiceFocalLoss(config, num_logits)(logits, only))
    torch.testing.assert_close(found, torch.stack(parts).sum())

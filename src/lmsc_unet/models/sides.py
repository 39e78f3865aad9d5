"""The check that a network makes of its input's sides."""

from torch import Tensor

from lmsc_unet.errors import SizeError


def check_sides(image: Tensor, multiple_px: int) -> None:
    """Refuses an image whose sides do not survive the poolings.

    Under `torch.compile` and `torch.export` this leaves no trace but the condition that the sides are multiples.

    Raises:
        SizeError: a side is not a multiple of `multiple_px`; the message names the size to pad to.
    """
    height_px, width_px = image.shape[-2:]
    if height_px % multiple_px or width_px % multiple_px:
        raise SizeError(
            f"The image is {height_px} x {width_px} px (height x width), and this network takes sides that are "
            f"multiples of {multiple_px}. Pad it to {_next_multiple(height_px, multiple_px)} x "
            f"{_next_multiple(width_px, multiple_px)} px."
        )


def _next_multiple(side_px: int, multiple_px: int) -> int:
    return -(-side_px // multiple_px) * multiple_px

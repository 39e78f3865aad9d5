"""What every network of the catalog must do, and every option of its configs."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.export import Dim, export

from lmsc_unet.catalog import CATALOG, ModelConfig, UNetConfig, side_multiple_px
from lmsc_unet.errors import SizeError
from lmsc_unet.evaluation.parity import rounding
from lmsc_unet.models import build_model

from .configs import OPTIONS


@pytest.fixture(scope="class")
def model(config: ModelConfig) -> nn.Module:
    torch.manual_seed(0)
    return build_model(config)


@pytest.fixture(autouse=True)
def forget_compiled_graphs() -> Iterator[None]:
    yield
    torch.compiler.reset()


def images(config: ModelConfig, batch: int, rows: int, columns: int) -> Tensor:
    """Noise whose sides are so many times the number that they must be multiples of."""
    multiple = side_multiple_px(config)
    generator = torch.Generator().manual_seed(batch)
    return torch.randn(batch, config.input_channels, rows * multiple, columns * multiple, generator=generator)


class ModelTests:
    """What holds for every network."""

    def test_every_parameter_gets_a_finite_gradient(self, config: ModelConfig, model: nn.Module) -> None:
        image = images(config, 2, 2, 2)
        logits = model.train()(image)
        assert logits.shape == (2, config.num_classes, *image.shape[2:])
        logits.square().mean().backward()
        for name, parameter in model.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all(), name
        model.zero_grad()

    @pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 3), (4, 1)])
    def test_any_sides_of_the_right_multiple_give_logits_of_the_same_sides(
        self, config: ModelConfig, model: nn.Module, rows: int, columns: int
    ) -> None:
        image = images(config, 1, rows, columns)
        with torch.no_grad():
            logits = model.eval()(image)
        assert logits.shape == (1, config.num_classes, *image.shape[2:])
        assert logits.isfinite().all()

    @pytest.mark.parametrize(
        ("height_off", "width_off"),
        [
            (1, 0),  # one row too many
            (0, -1),  # one column too few
            (2, 2),  # even, so that the first pooling alone would not tell
        ],
    )
    def test_wrong_sides_are_refused_with_the_size_to_pad_to(
        self, config: ModelConfig, model: nn.Module, height_off: int, width_off: int
    ) -> None:
        multiple = side_multiple_px(config)
        height, width = 2 * multiple + height_off, 3 * multiple + width_off
        image = torch.zeros(1, config.input_channels, height, width)
        to_height = next(side for side in count(height) if side % multiple == 0)
        to_width = next(side for side in count(width) if side % multiple == 0)
        expected = f"{height} x {width} px .*multiples of {multiple}. Pad it to {to_height} x {to_width} px"
        with pytest.raises(SizeError, match=expected):
            model(image)

    def test_an_image_gets_the_same_logits_alone_and_in_a_batch(self, config: ModelConfig, model: nn.Module) -> None:
        batch = images(config, 3, 2, 1)
        with torch.no_grad():
            together, alone = model.eval()(batch)[1:2], model(batch[1:2])
        torch.testing.assert_close(together, alone, rtol=0, atol=rounding(float(alone.abs().max())))

    def test_saved_weights_load_into_a_fresh_model(self, config: ModelConfig, model: nn.Module, tmp_path: Path) -> None:
        file = tmp_path / "weights.pt"
        torch.save(model.state_dict(), file)
        fresh = build_model(config)
        fresh.load_state_dict(torch.load(file, weights_only=True))
        file.unlink()
        image = images(config, 1, 2, 2)
        with torch.no_grad():
            assert torch.equal(fresh.eval()(image), model.eval()(image))


WHOLE = ("lmsc-unet-plain", "lmsc-unet-123", "lmsc-unet-m", "unet")
"""Together they have every box at every level where an entry of the catalog has one."""


@pytest.mark.parametrize("config", [CATALOG[name] for name in WHOLE], ids=WHOLE, scope="class")
class TestTracing:
    def test_one_compiled_graph_serves_every_batch_and_sides(self, config: ModelConfig, model: nn.Module) -> None:
        """The "eager" backend captures the graph whole and runs it; generating inductor's code would take minutes."""
        compiled = torch.compile(model.eval(), backend="eager", fullgraph=True, dynamic=True)
        with torch.no_grad():
            compiled(images(config, 2, 2, 3))
            other = images(config, 3, 4, 2)
            with torch.compiler.set_stance("fail_on_recompile"):
                torch.testing.assert_close(compiled(other), model(other))

    def test_one_exported_program_serves_every_batch_and_sides(self, config: ModelConfig, model: nn.Module) -> None:
        multiple = side_multiple_px(config)
        free = {0: Dim("batch"), 2: multiple * Dim("rows"), 3: multiple * Dim("columns")}
        program = export(model.eval(), (images(config, 2, 2, 3),), dynamic_shapes=(free,)).module()
        with torch.no_grad():
            for batch, rows, columns in [(1, 2, 2), (3, 4, 2), (2, 3, 5)]:
                other = images(config, batch, rows, columns)
                torch.testing.assert_close(program(other), model(other))
            with pytest.raises(AssertionError, match=f"% {multiple} == 0"):
                program(images(config, 2, 2, 3)[..., 1:])


@pytest.mark.parametrize("config", CATALOG.values(), ids=CATALOG, scope="class")
class TestEveryCatalogEntry(ModelTests):
    pass


@pytest.mark.parametrize("config", OPTIONS.values(), ids=OPTIONS, scope="class")
class TestEveryOption(ModelTests):
    pass


def test_a_compiled_model_refuses_wrong_sides_with_the_same_words() -> None:
    config = UNetConfig(widths=(2, 4))
    compiled = torch.compile(build_model(config).eval(), backend="eager", dynamic=True)
    compiled(images(config, 2, 2, 3))
    with pytest.raises(SizeError, match="Pad it to 4 x 6 px"):
        compiled(images(config, 2, 2, 3)[..., 1:])

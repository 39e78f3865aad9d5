"""`lmsc models`: the networks by name."""

from lmsc_unet.catalog import CATALOG, ModelConfig, UNetConfig, side_multiple_px


def models() -> None:
    """List the models: their names, what they are, and their parameters."""
    from rich.console import Console
    from rich.table import Table

    from lmsc_unet.complexity.arithmetic import num_parameters

    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("model", no_wrap=True)
    table.add_column("parameters", justify="right")
    table.add_column("sides", justify="right")
    table.add_column("what it is")
    for name, config in CATALOG.items():
        table.add_row(name, f"{num_parameters(config):,}", str(side_multiple_px(config)), _describe(config))
    console = Console()
    console.print(table)
    console.print("\nParameters: with 3 input channels and 1 logit. Sides: multiples of these px.", highlight=False)


def _describe(config: ModelConfig) -> str:
    channels = f"{config.widths[0]}-{config.widths[-1]} channels"
    if isinstance(config, UNetConfig):
        return f"standard U-Net of {channels}"
    levels = " ".join(map(str, sorted(config.brb_levels)))
    return f"LMSC-UNet of {channels}; {f'BRB at {levels}' if levels else 'no BRB'}"

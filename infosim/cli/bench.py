"""`infosim bench`."""

import click

from infosim.cli.shared import tell_of_compilation


@click.command()
@click.option("--neurons", default=100, show_default=True, help="Neurons in the hidden layer.")
@click.option(
    "--sources",
    type=click.Choice(["2", "3", "4"]),
    default="3",
    show_default=True,
    help="Compartments per neuron.",
)
@click.option("--batch", default=1024, show_default=True, help="Samples per step.")
@click.option("--threads", type=int, help="Threads (default: all CPUs).")
def bench(neurons, sources, batch, threads):
    """Time a training step on this machine and say what it spends its time on.

    Random images shaped like MNIST; nothing is downloaded or written.
    """
    import infosim
    from infosim.bench import timing
    from infosim.experiments import Experiment
    from infosim.experiments.environment import cpu

    preset = timing.PRESETS[int(sources)]
    overrides = [f"layers.hidden.size={neurons}", f"training.batch={batch}", "data.validation=0"]
    experiment = Experiment.load(preset, overrides)
    tell_of_compilation()
    before = timing.load()
    found, _ = timing.measure(experiment, timing.noise(4 * batch), threads=threads)
    low, high = found.quartiles
    click.echo(f"infosim {infosim.__version__} on {cpu()}, {found.threads} thread(s)")
    click.echo(f"{preset}, {neurons} neurons, batch {batch}, {found.cells:.0f} cells of bins each")
    click.echo(
        f"step      {1e3 * found.step:8.2f} ms  (quartiles {1e3 * low:.2f} to {1e3 * high:.2f}), "
        f"{found.ratio:.2f} times its matrix products"
    )
    click.echo(f"products  {1e3 * found.products:8.2f} ms  {found.speed / 1e9:.0f} GFLOP/s")
    click.echo(f"memory    {found.peak:8.0f} MB  at its peak")
    whole = sum(found.parts.values())
    click.echo(f"on one thread {1e3 * whole:.2f} ms, of which")
    for part, seconds in found.parts.items():
        click.echo(f"  {part:10}{1e3 * seconds:8.3f} ms  {seconds / whole:6.1%}")
    doubts = timing.doubts(found, before)
    if doubts:
        click.echo(f"warning: {', and '.join(doubts)}: measure again when it is idle", err=True)

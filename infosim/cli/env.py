"""`infosim env`."""

import click


@click.command()
def env():
    """Say what infosim runs on here, and what the cuda backend lacks and how to mend it."""
    from infosim.experiments import environment

    lines = list(environment.report())
    width = max(len(name) for name, _ in lines)
    for name, text in lines:
        click.echo(f"{name:{width}}  {text}".rstrip())

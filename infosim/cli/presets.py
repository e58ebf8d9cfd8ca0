"""`infosim presets`."""

import click


@click.group(invoke_without_command=True)
@click.pass_context
def presets(context):
    """List the presets; `infosim presets show NAME` prints one, `schema` what a file may say."""
    if context.invoked_subcommand is None:
        from infosim.experiments import Experiment, preset_names

        names = preset_names()
        width = max(map(len, names))
        for name in names:
            click.echo(f"{name:{width}}  {Experiment.load(name).config['title']}")


@presets.command()
@click.argument("name")
def show(name):
    """Print the resolved settings of preset (or .toml file) NAME, ready to edit and train."""
    import tomli_w

    from infosim.experiments import Experiment

    click.echo(tomli_w.dumps(Experiment.load(name).config), nl=False)


@presets.command()
def schema():
    """Print the JSON schema of experiment files, for editors that complete and check them."""
    import json

    from infosim.experiments.schema import schema

    click.echo(json.dumps(schema(), indent=2, ensure_ascii=False))

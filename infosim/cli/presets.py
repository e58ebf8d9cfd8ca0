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
    """Print the resolved settings of preset (or .toml file) NAME, ready to edit and train.

    Behind each stands where it comes from, and how sure that is, as far as NAME says so.
    """
    import tomli_w

    from infosim.experiments import Experiment
    from infosim.experiments.provenance import commented, provenance

    config = Experiment.load(name).config
    click.echo(commented(tomli_w.dumps(config), provenance(name)), nl=False)


@presets.command()
def schema():
    """Print the JSON schema of experiment files, for editors that complete and check them."""
    import json

    from infosim.experiments.schema import schema

    click.echo(json.dumps(schema(), indent=2, ensure_ascii=False))

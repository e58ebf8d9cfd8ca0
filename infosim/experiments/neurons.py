"""What settings and weights say of a run's neurons, without a network being made of them."""

from infosim.errors import CheckpointError
from infosim.experiments.resolve import connections, goals
from infosim.network import Compartment, Connection
from infosim.pid.scheduled import goal_of
from infosim.schedule import Moment


def populations(config):
    """The populations of each layer: its name -> name in results -> slice of its neurons."""
    found = {}
    for layer, settings in config["layers"].items():
        first, own = 0, found.setdefault(layer, {})
        for group, one in (settings.get("groups") or {"": settings}).items():
            name = f"{layer}/{group}".rstrip("/")
            own[name], first = slice(first, first + one["size"]), first + one["size"]
    return found


def goals_at_end(config, history):
    """The `Goal` that each population with one climbs in a run's last epoch: name -> Goal.

    history : of the run; of what has changed, by a schedule or by hand, it has what was in force
    """
    found, epoch = {}, max(len(history) - 1, 0)
    for name, setting in goals(config).items():
        if not setting.goal:
            continue
        sources = tuple(config["layers"][setting.layer]["compartments"])
        goal = goal_of(setting.goal, sources).at(Moment(epoch))
        gammas = dict(zip(goal.labels, goal.gamma.tolist(), strict=True))
        for label in goal.labels:
            noted = history.in_force.get(f"gamma_{name}/{label}")
            if noted:
                gammas[label] = noted[-1]
        found[name] = goal_of(gammas, sources)
    return found


def receptive_fields(config, weights, path):
    """The dense weights that read images: layer -> place in it -> (n, d).

    place : "" where there is one alone, else "/compartment" or "/compartment/connection"

    Raises
    ------
    CheckpointError : weights.npz in `path` lacks some
    """
    images = {name for name, kind in config["network"]["inputs"].items() if kind == "images"}
    fields = {}
    for layer, settings in config["layers"].items():
        found = {}
        for place, source in _connections(settings["compartments"]):
            if source in images and f"{layer}{place}/index" not in weights:
                if f"{layer}{place}/weights" not in weights:
                    where = path / "weights.npz"
                    raise CheckpointError(f"{where} is damaged: no weights of {layer}{place}")
                found[place] = weights[f"{layer}{place}/weights"]
        if len(found) == 1:
            [rows] = found.values()
            found = {"": rows}
        fields[layer] = found
    return fields


def _connections(compartments):
    """How files call each connection of a layer within it, and what that reads."""
    for name, settings in compartments.items():
        several = [Connection(one["source"], delay=one["delay"]) for one in connections(settings)]
        called = Compartment(name, connections=several).names
        for own, one in zip(called, several, strict=True):
            yield f"/{name}/{own}" if len(several) > 1 else f"/{name}", one.source

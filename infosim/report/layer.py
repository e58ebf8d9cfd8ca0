"""What a page says of a layer and of each of its neurons."""

from functools import partial
from itertools import chain

import numpy as np

from infosim.analysis.neurons import KINDS
from infosim.markup import curves, element, image, number, percent, table
from infosim.pid import Goal
from infosim.plotting import plots
from infosim.plotting.plots import image_planes
from infosim.plotting.sprite import is_image, sprite
from infosim.report.pictures import picture

#: Atoms whose course is drawn of a neuron, and their colours.
_COURSES = ("#0072B2", "#B5450B", "#00724F", "#8E3A6D")


def layer(explainer, results, name, anchor, looks, most):
    """Everything of a layer that `run.html` reads.

    looks : of atoms, by label, for the same colours in all pictures
    most : neurons that are shown at most, the first ones
    """
    own, size = explainer.populations[name], results.config["layers"][name]["size"]
    seen = None if explainer.examination is None else explainer.examination.layers[name]
    called = explainer.names.get(name, [()] * size)
    sprites = list(_sprites(explainer, results, name, most))
    link, neurons = partial(_link, anchor, min(size, most)), []
    for n in range(min(size, most)):
        found = explainer(name, n)
        neurons.append(
            {
                "anchor": f"{anchor}n{n}",
                "number": n,
                "title": found.title,
                "words": ", ".join(found.names),
                "kinds": " ".join(kind for kind, _ in called[n]) or "unnamed",
                "fields": [
                    (place, _view(one, f"{anchor}s{i}", n, name, place))
                    for i, (place, one) in enumerate(sprites)
                ],
                "body": found.body(link),
                "courses": _courses(results, own, n),
            }
        )
    counts = dict.fromkeys(KINDS, 0)
    for kind, _ in chain.from_iterable(called[:most]):
        counts[kind] += 1
    return {
        "name": name,
        "anchor": anchor,
        "size": size,
        "populations": [_population(explainer, results, one, looks) for one in own],
        "probe": None if seen is None or seen.probe is None else percent(seen.probe, 2),
        "lesions": None if seen is None else _lesions(seen, link),
        "kinds": [(kind, KINDS[kind], many) for kind, many in counts.items() if many],
        "sprites": [_sheet(one, f"{anchor}s{i}") for i, (_, one) in enumerate(sprites)],
        "scale": _scale(results.image_shape) if sprites else "",
        "neurons": neurons,
        "numbers": _numbers(seen, called, size),
    }


def _population(explainer, results, name, looks):
    """Goal and atoms of a population, and a picture of their course."""
    values, labels = results.atoms.get(name), results.labels.get(name)
    goal = explainer.goals.get(name)
    found = {"name": name, "goal": None if goal is None else _rounded(goal), "picture": None}
    if values is None or not values.size:
        return found
    low, median, high = np.quantile(np.nan_to_num(values[-1]), [0.25, 0.5, 0.75], axis=0)
    gammas = {} if goal is None else dict(zip(goal.labels, goal.gamma.tolist(), strict=True))
    rows = [
        (a, *ends, gammas.get(a))
        for a, *ends in zip(labels, low.tolist(), median.tolist(), high.tolist(), strict=True)
    ]
    recorded = results.recorded(name)
    draw = partial(plots.atoms, values, labels, name=name, looks=looks, recorded=recorded)
    largest = sorted(rows, key=lambda row: -abs(row[2]))[:3]
    words = ", ".join(f"{a} {number(m)} bits" for a, _, m, _, _ in largest)
    alt = f"Atoms of {name} by epoch; at the end, largest medians: {words}"
    head = ("atom", "lower quartile", "median, bits", "upper quartile", "γ")
    return found | {
        "picture": picture(draw, alt),
        "atoms": table(
            rows, head, f"The last atoms of {name} over its neurons{_late(results, recorded)}"
        ),
    }


def _late(results, recorded):
    """That the atoms recorded last are not of the last epoch, in words."""
    last = len(results.history) - 1
    return "" if recorded[-1] == last else f", of epoch {recorded[-1]}: none were recorded since"


def _rounded(goal):
    """A goal as it is read; config.toml has all digits."""
    gammas = {a: round(g, 3) for a, g in zip(goal.labels, goal.gamma.tolist(), strict=True)}
    return str(Goal(gammas, goal.sources))


def _lesions(seen, link):
    """The neurons without which the error rises most, and by how much: (n, % points)."""
    if seen.damage is None or not np.isfinite(seen.damage).any():
        return None
    order = np.argsort(-np.nan_to_num(seen.damage, nan=-1), kind="stable")[:10]
    return [(link(n), number(100 * float(seen.damage[n]), 2)) for n in order.tolist()]


def _sprites(explainer, results, name, most):
    """(place, `Sprite`) of the receptive fields of the neurons that are shown."""
    shape = results.image_shape
    for place, rows in explainer.fields[name].items() if shape else ():
        if is_image(rows.shape[1], shape):
            yield place.lstrip("/"), sprite(rows[:most], shape)


def _scale(image_shape):
    """What the colours of receptive fields say."""
    return "blue −, red +" if image_planes(image_shape)[0][0] == 1 else "dark −, bright +"


def _sheet(one, anchor):
    """The picture of which fields are parts, to be used by them."""
    shown = image(one.png, "png", "")
    source = shown.partition('src="')[2].partition('"')[0]
    size = {"width": one.width, "height": one.height}
    return element("image", id=anchor, href=source, style="image-rendering:pixelated", **size)


def _view(one, anchor, n, name, place):
    """The n-th field of a sheet."""
    left, top = one.at(n)
    height, width = one.field
    label = f"Receptive field {place} of neuron {n} of {name}".replace("  ", " ")
    return element(
        "svg", element("use", href=f"#{anchor}"), class_="field", role="img", aria_label=label,
        viewBox=f"{left} {top} {width} {height}",
    )  # fmt: skip


def _courses(results, own, n):
    """How the largest atoms of a neuron came to be: a small picture, and its key."""
    population = next(name for name, one in own.items() if one.start <= n < one.stop)
    values = results.atoms.get(population)
    if values is None or len(values) < 2:
        return None
    values = values[:, n - own[population].start]
    largest = np.argsort(-abs(np.nan_to_num(values[-1])), kind="stable")[: len(_COURSES)]
    labels = results.labels[population]
    chosen = list(zip(_COURSES, largest.tolist(), strict=False))
    labels, last = results.labels[population], values[-1].tolist()
    words = ", ".join(f"{labels[a]} {number(last[a])}" for _, a in chosen)
    drawn = curves(
        {colour: values[:, a].tolist() for colour, a in chosen},
        f"Its largest atoms by epoch, at the end {words} bits",
    )
    return drawn, [(colour, labels[a]) for colour, a in chosen]


def _link(anchor, shown, n):
    """A neuron's number, as a link if it is on the page."""
    return element("a", n, href=f"#{anchor}n{n}") if n < shown else n


def _numbers(seen, called, size):
    """All neurons' numbers, tab-separated, to copy."""
    if seen is None:
        return None
    columns = {"neuron": range(size), "names": [", ".join(w for _, w in one) for one in called]}
    columns |= {name: getattr(seen, name) for name in ("firing", "entropy", "noise")}
    if seen.information is not None:
        columns["information"] = seen.information
        columns |= {f"about {c}": column for c, column in enumerate(seen.about.T)}
    if seen.similar.shape[1]:
        columns |= {"similar": seen.similar[:, 0], "similarity": seen.similarity[:, 0]}
    if seen.damage is not None:
        columns["damage"] = seen.damage
    rows = zip(*columns.values(), strict=True)
    lines = ["\t".join(columns)]
    lines += [
        "\t".join(one if isinstance(one, str) else f"{one:.6g}" for one in row) for row in rows
    ]
    return "\n".join(lines)

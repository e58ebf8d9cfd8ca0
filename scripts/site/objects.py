"""A page for each public object, and for each package that has more of them."""

import inspect
from importlib import import_module

import infosim
from scripts.pages import table

#: Packages whose `__all__` has what `infosim` itself does not, or not all.
PACKAGES = (
    "infosim.pid",
    "infosim.pid.measures",
    "infosim.neuron",
    "infosim.network",
    "infosim.engine",
    "infosim.datasets",
    "infosim.tasks",
    "infosim.analysis.neurons",
    "infosim.analysis.health",
    "infosim.analysis.memory",
    "infosim.analysis.hebbian",
    "infosim.analysis.factors",
    "infosim.analysis.tables",
    "infosim.plotting",
    "infosim.experiments",
    "infosim.experiments.results",
    "infosim.report",
)
#: Headings of the index, by the module that names come from; "" goes on under the one before.
_SUBJECTS = {
    "infosim.errors": "What can go wrong",
    "infosim.schedule": "Numbers that change over training",
    "infosim.pid": "Information",
    "infosim.neuron": "Neurons",
    "infosim.network": "Networks",
    "infosim.rules": "Rules of learning",
    "infosim.engine": "Simulation",
    "infosim.datasets": "Data",
    "infosim.experiments": "Experiments",
    "infosim.experiments.capacity": "Capacities of memories",
    "infosim.experiments.results": "Results",
    "infosim.estimators.classifier": "Estimators of scikit-learn",
    "infosim.estimators.memory": "",
    "infosim.estimators.transformer": "",
}


def pages():
    """Text by the name of its file, for all public objects."""
    homes = infosim._PUBLIC | infosim._EXTRA
    shown = {name: getattr(infosim, name) for names in homes.values() for name in names}
    made = {f"objects/{name}.rst": _page(f"infosim.{name}", one) for name, one in shown.items()}
    made |= {f"objects/{name}.rst": _package(name) for name in PACKAGES}
    return made | {"objects/index.md": _index(homes, shown)}


def _index(homes, shown):
    lines = ["# Python", "", "What `import infosim` has. More stands in [packages](#packages).", ""]
    rows = []
    for home, names in homes.items():
        subject = _SUBJECTS.get(home, home)
        if subject and rows:
            lines += [table(["name", "what it is"], rows), ""]
            rows = []
        if subject:
            lines += [f"## {subject}", ""]
        rows += [[f"[{one}]({one}.rst)", _first(shown[one])] for one in sorted(names)]
    lines += [table(["name", "what it is"], rows), "", "## Packages", ""]
    rows = [[f"[{name}]({name}.rst)", _first(import_module(name))] for name in PACKAGES]
    entries = "\n".join([*sorted(shown), *PACKAGES])
    toctree = ["```{toctree}", ":hidden:", "", entries, "```", ""]
    return "\n".join([*lines, table(["name", "what it is"], rows), "", *toctree])


def _first(one):
    """The first sentence, or line, of a docstring."""
    return " ".join((inspect.getdoc(one) or "").partition("\n\n")[0].split())


def _page(path, one):
    kind = "class" if inspect.isclass(one) else "function"
    if inspect.isclass(one) and issubclass(one, Exception):
        kind = "exception"
    name = path.rpartition(".")[2]
    members = "\n   :members:\n   :inherited-members: object" if kind == "class" else ""
    return f"{name}\n{'=' * len(name)}\n\n.. auto{kind}:: {path}{members}\n"


def _package(name):
    module = import_module(name)
    public = getattr(module, "__all__", None) or [
        key for key, one in vars(module).items()
        if not key.startswith("_") and inspect.getmodule(one) is module and callable(one)
    ]  # fmt: skip
    lines = [name, "=" * len(name), "", f".. currentmodule:: {name}", "", _first(module), ""]
    for key in sorted(public):
        one = getattr(module, key)
        if hasattr(infosim, key) and getattr(infosim, key) is one:
            lines += [f":doc:`{key}`", ""]
        elif inspect.isclass(one) or callable(one):
            kind = "class" if inspect.isclass(one) else "function"
            members = ["   :members:"] if kind == "class" else []
            lines += [f".. auto{kind}:: {name}.{key}", *members, ""]
    return "\n".join(lines)

"""One neuron, explained: what it tells, what it is like, and what it gains by."""

from dataclasses import dataclass, field

import numpy as np

from infosim.markup import bar, element, image, number, percent, share, table

#: Atoms of which a table tells: those of three sources, and H_res; and inputs with names.
_MOST_ATOMS, _MOST_INPUTS = 19, 12


@dataclass(frozen=True, eq=False)
class Explanation:
    """What is known of one neuron; information in bits, of what is not known None or nothing.

    layer : its name, or that of a group; neuron : its number there; size : of how many
    names : what it is called (`analysis.neurons.KINDS`)
    firing : mean firing probability; entropy : H(Y); noise : H(Y | θ)
    by_class : class -> mean firing probability
    information : I(Y;T) about the class; about : class -> I(Y;[T=c]), about it as yes or no
    similar : the most similar others, by their numbers in the layer -> correlation of θ
    parts : I(T; Y, Y'), Y' of the most similar: which part (`analysis.neurons.PARTS`) -> bits
    damage : how much the network's error rises without it, fraction
    atoms : label -> the last atoms and H_res; gammas : label -> γ of its goal, the same labels
    fields : compartment -> weights (d,) that read images of `image_shape`, or inputs that are
        called `features`
    missing : what would tell more, in words; "" if nothing
    """

    layer: str
    neuron: int
    size: int
    names: tuple[str, ...] = ()
    firing: float | None = None
    entropy: float | None = None
    noise: float | None = None
    by_class: dict = field(default_factory=dict)
    information: float | None = None
    about: dict = field(default_factory=dict)
    similar: dict = field(default_factory=dict)
    parts: dict = field(default_factory=dict)
    damage: float | None = None
    atoms: dict = field(default_factory=dict)
    gammas: dict = field(default_factory=dict)
    fields: dict = field(default_factory=dict, repr=False)
    image_shape: tuple[int, ...] | None = None
    features: tuple[str, ...] | None = field(default=None, repr=False)
    missing: str = ""

    @property
    def gains(self):
        """Label -> γ_a Π_a, what each term of its goal adds to it."""
        return {a: self.gammas[a] * bits for a, bits in self.atoms.items() if a in self.gammas}

    @property
    def sentences(self):
        """What is most to say about it, a line each."""
        return tuple(self._sentences())

    def _sentences(self):
        for place, weights in self._named().items():
            most = [f"{name} {number(w, 2)}" for name, w in list(weights.items())[:3]]
            yield f"reads most{f' in {place}' if place else ''} {', '.join(most)}"
        if self.firing is not None:
            yield f"fires in {percent(self.firing)} of samples{self._by_class()}"
            yield f"H(Y) {number(self.entropy)} bits, {number(self.noise)} of them noise"
        if self.information is not None:
            best = max(self.about, key=self.about.get)
            yield (
                f"tells {number(self.information)} bits of the class, most of class {best} "
                f"({number(self.about[best])} bits)"
            )
        if self.similar:
            other, r = next(iter(self.similar.items()))
            parts = [f"{name} {number(bits)}" for name, bits in self.parts.items()]
            with_it = f"; of both about the class: {', '.join(parts)} bits" if parts else ""
            yield f"most similar to {other} (r {number(r, 2)}){with_it}"
        if self.damage is not None:
            change = number(100 * self.damage, 2)
            yield f"without it the error changes by {'+' * (self.damage > 0)}{change} % points"
        gains = sorted(self.gains.items(), key=lambda one: one[1])
        if gains:
            total = number(sum(self.gains.values()))
            most, least = (f"{a} {number(bits)}" for a, bits in (gains[-1], gains[0]))
            yield f"its goal is at {total} bits; the best term is {most}, the worst {least}"
        if self.missing:
            yield self.missing

    def _by_class(self):
        known = {c: p for c, p in self.by_class.items() if np.isfinite(p)}
        if len(known) < 2:
            return ""
        most, least = max(known, key=known.get), min(known, key=known.get)
        return (
            f", {percent(known[most])} of class {most} and {percent(known[least])} of class {least}"
        )

    @property
    def title(self):
        """Its place and what it is called."""
        called = f": {', '.join(self.names)}" if self.names else ""
        return f"{self.layer} {self.neuron}{called}"

    def __str__(self):
        head = f"{self.title} ({self.size} neurons)" if self.size > 1 else self.title
        return "\n".join((head, *(f"  {line}" for line in self.sentences)))

    def body(self, other=str):
        """All of it but title and receptive field, as HTML.

        other : of the number of another neuron, what is written for it
        """
        lines = element("ul", *(element("li", line) for line in self.sentences))
        return lines + element("div", *map(_scrolled, self._tables(other)), class_="tables")

    def _named(self):
        """Compartment -> name of an input -> weight, the largest in magnitude first."""
        found = {}
        for place, weights in self.fields.items() if self.features else ():
            if len(weights) == len(self.features):
                order = np.argsort(-np.abs(weights), kind="stable")[:_MOST_INPUTS]
                found[place] = {self.features[i]: float(weights[i]) for i in order}
        return found

    def _tables(self, other):
        if self.by_class:
            most = max(self.about.values())
            rows = [
                (c, percent(p), share(p, 1), self.about[c], share(self.about[c], most))
                for c, p in self.by_class.items()
            ]
            head = ("class", "fires", "", "bits about it", "")
            yield "What it tells of each class", table(rows, head)
        for place, weights in self._named().items():
            most = max(map(abs, weights.values()))
            rows = [(name, number(w, 2), bar(w, most)) for name, w in weights.items()]
            n = len(self.features)
            of = f", the {len(rows)} largest weights of {n}" if len(rows) < n else ""
            title = f"What it reads{f' in {place}' if place else ''}{of}"
            yield title, table(rows, ("input", "weight", ""))
        if self.atoms:
            gains, most = self.gains, max(map(abs, self.atoms.values()))
            top = max(map(abs, gains.values()))
            rows = [
                (a, bits, bar(bits, most), self.gammas[a], gains[a], bar(gains[a], top))
                for a, bits in self._largest().items()
            ]
            head = ("atom", "Π in bits", "", "γ", "γ Π", "")
            of = f", the {len(rows)} largest of {len(gains)}" if len(rows) < len(gains) else ""
            yield f"What it knows of what it reads, and gains by{of}", table(rows, head)
        if self.similar:
            rows = [(other(n), number(r, 2), bar(r, 1)) for n, r in self.similar.items()]
            yield "Most similar neurons of the layer", table(rows, ("neuron", "r", ""))

    def _largest(self):
        """The atoms that are shown: all, or those of the largest magnitude."""
        known = sorted(self.atoms, key=lambda a: -abs(self.atoms[a]))[:_MOST_ATOMS]
        return {a: bits for a, bits in self.atoms.items() if a in known}

    def _repr_html_(self):
        shown = []
        for place, weights in self.fields.items() if self.image_shape else ():
            from infosim.plotting.sprite import is_image, sprite

            if not is_image(len(weights), self.image_shape):
                continue
            alt = f"receptive field {place}".strip()
            look = "image-rendering:pixelated;border:1px solid #ccc"
            picture = sprite([weights], self.image_shape).png
            shown.append(image(picture, "png", alt, height=140, style=look))
        return element("div", element("p", element("strong", self.title)), *shown, self.body())


def _scrolled(titled):
    """A table under its title, wide ones to be scrolled, also by keyboard."""
    title, made = titled
    look = {"class_": "scroll", "tabindex": 0, "role": "region", "aria_label": title}
    return element("div", element("p", element("strong", title)), element("div", made, **look))

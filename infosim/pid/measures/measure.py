"""What a measure of redundancy is: sums of marginals, and which of them an antichain takes."""

import numpy as np


def take_own(information, candidates, weight, chosen):
    """An antichain's weight goes to its one term: what `Measure.select` does where it is None."""
    for y in range(chosen.shape[1]):
        chosen[candidates[0], y] += weight


class Measure:
    """A measure of redundancy, and the base of those of your own.

    All are made of J_t(y) = Σ_b p(b,y) log2 [p(U_t(b),y) / (p(U_t(b)) p(y))] in bits, U_t a sum of
    marginals: I_∩(α) is the J of the term that α takes, summed over the target's values y.
    Subclasses say which terms there are, and, if α is to choose between some, which and how.
    """

    #: What it is asked for by.
    name = ""
    #: None where every antichain has one term. Else (information, candidates, weight, chosen) ->
    #: None, which adds an antichain's weight to chosen[t, y], (T, n_y), of one of its candidates t
    #: for each y, given J, (T, n_y); values y are in ascending order, those of a neuron silence and
    #: firing. Backends compile it as it stands, so that it is made of loops, indices and numbers.
    #: It chooses: weights that followed J smoothly would have a slope of their own, which no
    #: gradient here has.
    select = None

    def terms(self, lattice):
        """U_t as sums of marginals, int (T, 2**K - 1), column m - 1 for the set of bitmask m."""
        raise NotImplementedError

    def candidates(self, lattice):
        """The numbers of the terms that each antichain has or chooses from, in canonical order."""
        return [(a,) for a in range(len(lattice))]

    @property
    def choice(self):
        """`select`, or what stands for it where each antichain has one term."""
        return self.select or take_own

    @property
    def pointwise(self):
        """Whether there is a redundancy of each event, whose expectation is the measure."""
        return self.select is None

    def evaluation(self, codes):
        """The `Evaluation` of this measure on events, codes (K + 1, M)."""
        from infosim.pid.evaluation import Evaluation  # which asks for measures

        return Evaluation(codes, self)

    def __repr__(self):
        return self.name

    def __eq__(self, other):
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self):
        return hash(type(self))


class OfSingleSets(Measure):
    """A measure that chooses, for each antichain, between the informations of its sets."""

    def terms(self, lattice):
        """One for each set of sources, its marginal."""
        return np.eye(2**lattice.n_sources - 1, dtype=int)

    def candidates(self, lattice):
        """The sets of each antichain."""
        return [tuple(mask - 1 for mask in sets) for sets in lattice.antichains]

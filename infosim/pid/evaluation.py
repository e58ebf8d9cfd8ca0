"""Redundancies of many distributions over the same events, a stream of lattice terms at a time.

J_t = Σ p(s, y) log2 [P(U_t(s), y) / (P(U_t(s)) p(y))], U_t a sum of marginals. Only events that
have a probability are visited, some thousands at once: no table of all terms of all events is made.
"""

import numpy as np

from infosim.pid.events import Margins
from infosim.pid.lattice import lattice
from infosim.pid.measures import parts_of

#: Events whose terms are computed at once: what they need stays in the processor's cache.
_AT_ONCE = 4096


class Evaluation:
    """A measure of redundancy on the events of `codes` (K + 1, M), the target last.

    What depends on codes alone is done once, for however many distributions.
    """

    def __init__(self, codes, measure):
        self.measure, self.lattice = measure, lattice(len(codes) - 1)
        self.n_events = codes.shape[1]
        #: Distributions that fill `_AT_ONCE`.
        self.at_once = max(1, _AT_ONCE // self.n_events)
        self._margins = Margins(codes)
        terms, candidates = parts_of(measure, self.lattice)
        if measure.pointwise:
            terms = terms[[t for (t,) in candidates]]
        self._terms, self._candidates = [_signed(row) for row in terms], candidates

    def redundancies(self, masses):
        """I_∩ of all antichains, (R, A), of R distributions `masses` (R, M), in bits."""
        if self.measure.pointwise:
            exclusions, wrong, _ = self.parts(masses)
            return exclusions - wrong
        events = _Flat(self._margins, masses, self._terms)
        chosen = [self._chosen(information) for information in events.by_target()]
        return np.array(chosen)

    def parts(self, masses):
        """What terms exclude, Σ -p log2 P(U_t), and exclude wrongly, (R, T) each, and H(Y), (R,).

        Their difference is J_t. In bits; masses : (R, M), each summing to 1
        """
        events = _Flat(self._margins, masses, self._terms)
        return *events.sums(), events.entropy()

    def pointwise(self, mass):
        """-log2 P(U_t) and log2 [p(y) / P(U_t, y)], (T, M) each, of all events of one distribution.

        mass : (M,), of which none is 0
        """
        return _Flat(self._margins, mass[None], self._terms).each()

    def _chosen(self, information):
        """I_∩ of each antichain, (A,), from J_t(y), (T, n_y), in bits, by the terms it chooses."""
        result = []
        for own in self._candidates:
            chosen = np.zeros_like(information)
            self.measure.select(information, own, 1.0, chosen)
            result.append((chosen * information).sum())
        return result


class _Flat:
    """R distributions as one list of the events that have a probability in them, in order.

    Attributes
    ----------
    mass : float64 (F,); replica : (F,), the distribution; event : (F,)
    """

    def __init__(self, margins, masses, terms):
        self._margins, self._terms = margins, terms
        self.n_replicas, n_events = masses.shape
        at = np.flatnonzero(masses)
        self.mass, m = masses.ravel()[at], margins
        self.replica, self.event = np.divmod(at, n_events)
        self._target = self._of(m.target, m.n_targets, self.event, self.replica)
        with np.errstate(divide="ignore"):
            self._log_target = np.log2(self._table(self._target, m.n_targets, self.mass))
        source = self._of(m.source, m.n_source, self.event, self.replica)
        of_source = self._table(source, m.n_source, self.mass)
        at = np.flatnonzero(of_source)
        self._source_mass = of_source[at]
        self._source_replica, self._source_value = np.divmod(at, m.n_source)
        self._place = np.cumsum(of_source > 0)[source] - 1  # of each event among those of sources
        # a product of two small probabilities is 0 below 1e-323, the sum of their logarithms is not
        self._sets = [
            self._table(
                self._of(ids, n, self._source_value, self._source_replica), n, self._source_mass
            )
            for ids, n in m.sets
        ]
        self._joints = [
            self._table(self._of(ids, n, self.event, self.replica), n, self.mass)
            for ids, n in m.joints
        ]

    def entropy(self):
        """H(Y) of each distribution, (R,)."""
        return -np.bincount(
            self.replica, self.mass * self._log_target[self._target], self.n_replicas
        )

    def sums(self):
        """Σ -p log2 P(U_t) and Σ p log2 [p(y) / P(U_t, y)], (R, T) each."""
        exclusions = np.zeros((len(self._terms), self.n_replicas))
        wrong = np.zeros_like(exclusions)
        for part in _pieces(self._source_mass.size):
            logs = self._source_logs(part)
            logs *= -self._source_mass[part]
            _add_up(logs, self._source_replica[part], exclusions)
        for part in _pieces(self.mass.size):
            logs = self._joint_logs(part)
            np.subtract(self._log_target[self._target[part]], logs, out=logs)
            logs *= self.mass[part]
            _add_up(logs, self.replica[part], wrong)
        return exclusions.T, wrong.T

    def each(self):
        """-log2 P(U_t) and log2 [p(y) / P(U_t, y)] of each event, (T, F) each."""
        exclusions = np.empty((len(self._terms), self.mass.size))
        wrong = np.empty_like(exclusions)
        alone = self._all_source_logs()
        np.negative(alone[:, self._place], out=exclusions)
        for part in _pieces(self.mass.size):
            wrong[:, part] = self._log_target[self._target[part]] - self._joint_logs(part)
        return exclusions, wrong

    def by_target(self):
        """J_t(y), (R, T, n_y): the sums over the events of each value of the target."""
        n_y = self._margins.n_targets
        found = np.zeros((len(self._terms), self.n_replicas * n_y))
        alone = self._all_source_logs()
        for part in _pieces(self.mass.size):
            target = self._target[part]
            told = self._joint_logs(part) - self._log_target[target] - alone[:, self._place[part]]
            told *= self.mass[part]
            for t, row in enumerate(told):
                found[t] += np.bincount(target, row, found.shape[1])
        return found.reshape(len(found), self.n_replicas, n_y).transpose(1, 0, 2)

    def _source_logs(self, part):
        """log2 P(U_t), (T, n), of a part of the sources' joint values."""
        value, replica = self._source_value[part], self._source_replica[part]
        return self._logs(self._margins.sets, self._sets, value, replica)

    def _all_source_logs(self):
        parts = [self._source_logs(part) for part in _pieces(self._source_mass.size)]
        return np.concatenate(parts, axis=1)

    def _joint_logs(self, part):
        """log2 P(U_t, y), (T, n), of a part of the events."""
        return self._logs(self._margins.joints, self._joints, self.event[part], self.replica[part])

    def _logs(self, margins, tables, which, replica):
        known = [
            table.take(self._of(ids, n, which, replica))
            for (ids, n), table in zip(margins, tables, strict=True)
        ]
        logs = np.empty((len(self._terms), which.size))
        for row, (first, *others) in zip(logs, self._terms, strict=True):
            # No marginal in the sum exceeds the union: adding and subtracting costs next to no
            # digits.
            np.multiply(known[first[0]], first[1], out=row)
            for m, times in others:
                if times == 1:
                    row += known[m]
                elif times == -1:
                    row -= known[m]
                else:
                    row += times * known[m]
        return np.log2(logs, out=logs)

    def _of(self, ids, n, which, replica):
        """Numbers of values, those of each distribution after the last one's."""
        found = ids.take(which)
        if self.n_replicas > 1:
            found = found + n * replica
        return found

    def _table(self, ids, n, mass):
        return np.bincount(ids, mass, n * self.n_replicas)


def _signed(row):
    """What a sum of marginals is made of, ((marginal, how often), ...), what is added first."""
    some = [(int(m), int(row[m])) for m in np.flatnonzero(row)]
    return sorted(some, key=lambda one: -one[1])


def _pieces(size):
    return [slice(start, start + _AT_ONCE) for start in range(0, size, _AT_ONCE)]


def _add_up(values, replica, sums):
    """Add values (T, n) of replicas in ascending order (n,) to their sums (T, R)."""
    starts = np.flatnonzero(np.diff(replica, prepend=-1))
    sums[:, replica[starts]] += np.add.reduceat(values, starts, axis=1)

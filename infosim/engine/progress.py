"""How far a training is, as a bar with its errors and goals."""

#: Columns that are left to the bar itself, if need be at the cost of words.
_BAR = 12
#: Columns of percentage, times and what stands between.
_TIMES = 24


class Progress:
    """A progress bar over all batches, on a terminal or in a notebook (there with ipywidgets).

    To be given as `report` to `Simulator.fit` or `train`: it is called with the Training and its
    last epoch after every batch, or after several epochs that are carried out at once.
    """

    may_skip = True

    def __init__(self):
        self._bar = None

    def __call__(self, training, epochs):
        from tqdm.auto import tqdm

        done = training.epoch * training.n_batches + training.position
        if self._bar is None:
            self._bar = tqdm(
                total=(epochs + 1) * training.n_batches,
                initial=done,
                unit="batch",
                dynamic_ncols=True,
                leave=True,
                bar_format="{desc} {percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}",
            )
        self._bar.update(done - self._bar.n)
        history = training.history
        if training.position == 0 and len(history):
            epoch = f"epoch {len(history) - 1}/{epochs}"
            columns = self._bar.format_dict["ncols"] or 1000  # a notebook does not say
            room = columns - len(epoch) - _TIMES - _BAR
            self._bar.set_description_str(epoch, refresh=False)
            self._bar.set_postfix_str(_fitting(described(training, len(history) - 1), room))
        if len(history) > epochs:
            self.close()

    def close(self):
        """Leave the bar as it is; the next call begins another."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def may_skip(report):
    """Whether a `report` of training, or None, need not be called after every batch."""
    return report is None or getattr(report, "may_skip", False) is True


def described(training, epoch):
    """An epoch's errors and goals in words: a list of parts, what matters most first."""
    history, names = training.history, training.error_names
    errors = [
        f"{names.get(attribute, name)} {100 * values[epoch]:.2f}%"
        for attribute, name, values in (
            ("train_error", "train", history.train_error),
            ("val_error", "val", history.val_error),
            ("test_error", "test", history.test_error),
        )
        if values[epoch] == values[epoch]  # nan: not measured
    ]
    last = {
        name: next((goal for goal in values[epoch::-1] if goal == goal), None)
        for name, values in history.mean_goal.items()
    }  # nan: not recorded
    goals = [f"{name} {goal:.3f}" for name, goal in last.items() if goal is not None]
    parts = (
        (f"error: {', '.join(errors)}" if errors else ""),
        (f"goal in bits: {', '.join(goals)}" if goals else ""),
    )
    return [part for part in parts if part]


def _fitting(parts, room):
    """As many of the parts as there is room for, and of the first as many words."""
    while len(parts) > 1 and len("; ".join(parts)) > room:
        parts = parts[:-1]
    text = "; ".join(parts)
    while len(text) > room and ", " in text:  # of errors the last one is the one to keep
        text = text.partition(", ")[2]
    return text

"""What layers do in a presentation, firing by firing."""

import numpy as np

from infosim.machine.events import Fire


def firings(simulator, inputs, **options):
    """(step, layer) -> θ and y of each firing of a presentation."""
    start, found = simulator.time, {}
    simulator.present(inputs, **options)
    while simulator.events:
        event = simulator.advance()
        if isinstance(event, Fire):
            layer = simulator[event.layer]
            fired = np.array(layer.probabilities), np.array(layer.output)
            found[event.time - start, event.layer] = fired
    return found

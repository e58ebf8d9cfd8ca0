"""A task of one's own, as in docs/tasks.md: what a linear reader makes of the neurons' outputs."""

import numpy as np

from infosim.analysis.factors import outputs
from infosim.tasks import Task


class Reconstruction(Task):
    """Measured by the fraction of the images' variance that is lost."""

    name = "reconstruction"

    @classmethod
    def fits(cls, settings, dataset):
        return settings["data"]["name"] == "patches" and not settings["network"]["readout"]

    def measure(self, simulator, samples, **moment):
        return self.look(simulator, samples, **moment).mean(axis=1)

    def record(self, simulator, samples, **moment):
        shape = np.array(self.dataset.image_shape)
        return [{"lost": one, "shape": shape} for one in self.look(simulator, samples, **moment)]

    def look(self, simulator, samples, *, purpose, epoch, batch):
        """The fraction that is lost of each pixel, (R, pixels)."""
        pixels, lost = samples.arrays["image"][samples.index], []
        pixels = pixels - pixels.mean(axis=0)
        for shown in outputs(simulator, "hidden", samples, purpose, epoch):
            x = np.column_stack([shown.T, np.ones(len(samples))])
            left = pixels - x @ np.linalg.lstsq(x, pixels)[0]
            lost.append((left**2).sum(axis=0) / (pixels**2).sum(axis=0))
        return np.array(lost)

    @staticmethod
    def panels(recorded):
        def draw(ax):
            ax.imshow(recorded["lost"].reshape(recorded["shape"]), vmin=0, vmax=1)
            ax.set_title("lost of each pixel")

        return [draw]

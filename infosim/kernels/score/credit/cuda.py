"""Each sample is credited with what it can change, on a GPU."""

from functools import cache

from infosim.kernels.device import cuda
from infosim.kernels.score.estimate.cuda import cell_of, parts_of


@cache
def credit(split, width_of, share_of, real):
    """The function that leaves ∂G/∂θ in `slope`, and if samples are split ∂G/∂u in `direct`."""
    count, share = parts_of(width_of, share_of, real)

    @cuda.jit(device=True)
    def whole(
        bins, n, n_bins, binning, theta, n_grid, table, numbers, slots, n_cells, sums, slope, direct
    ):  # fmt: skip
        samples = real(bins.shape[2])
        for s in range(cuda.threadIdx.x, bins.shape[2], cuda.blockDim.x):
            slope[n, s] = sums[cell_of(bins, n, s, n_bins, n_grid, table, numbers, slots)] / samples

    @cuda.jit(device=True)
    def parted(
        bins, n, n_bins, binning, theta, n_grid, table, numbers, slots, n_cells, sums, slope, direct
    ):  # fmt: skip
        samples = real(bins.shape[2])
        for s in range(cuda.threadIdx.x, bins.shape[2], cuda.blockDim.x):
            own, fires = real(0), theta[0, n, s]
            for i in range(count(binning, bins, n, s)):
                c, part = share(binning, bins, n, s, i, n_bins, -1)
                own += part * sums[c]
            slope[n, s] = own / samples
            for k in range(bins.shape[0]):
                moved = real(0)
                for i in range(count(binning, bins, n, s)):
                    c, part = share(binning, bins, n, s, i, n_bins, k)
                    moved += part * (sums[n_cells + c] + fires * sums[c])
                direct[k, n, s] = moved / samples

    return parted if split else whole

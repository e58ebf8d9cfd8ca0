"""All figures of ICLR 2025 and the page that compares them: python -m scripts.iclr2025."""

from scripts.command import all_figures

main = all_figures(
    "iclr2025",
    (
        "concepts",
        "performance",
        "comparison",
        "sensitivity",
        "cumulative",
        "atoms",
        "readings",
        "inversion",
        "steps",
        "bins_batch",
        "deeper",
        "cifar10",
        "goals",
    ),
)

if __name__ == "__main__":
    main()

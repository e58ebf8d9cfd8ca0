"""All figures of Memory 2025 and the page about them: python -m scripts.memory2025."""

from scripts.command import all_figures

main = all_figures(
    "memory2025",
    (
        "hebbian", "recall", "classical", "comparison", "ablation", "bins", "sizes",
        "correlations", "beyond", "landscape",
    ),
)  # fmt: skip

if __name__ == "__main__":
    main()

"""All figures of PNAS 2025 and the page about them: python -m scripts.pnas2025."""

from scripts.command import all_figures

main = all_figures("pnas2025", ("concepts", "supervised", "unsupervised", "memory"))

if __name__ == "__main__":
    main()

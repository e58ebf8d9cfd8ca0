"""All figures of Memory 2025 and the page about them: python -m scripts.memory2025."""

from scripts.command import all_figures

main = all_figures("memory2025", ("hebbian",))

if __name__ == "__main__":
    main()

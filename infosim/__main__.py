"""`python -m infosim` is the command `infosim`."""

from infosim.cli import main

if __name__ == "__main__":
    main()

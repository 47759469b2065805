"""`python -m gyropilot.cli`."""

from gyropilot.cli import main

if __name__ == "__main__":
    main()

"""`python -m gyropilot.server`."""

from gyropilot.server.program import main

if __name__ == "__main__":
    raise SystemExit(main())

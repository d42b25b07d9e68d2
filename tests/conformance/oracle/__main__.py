"""`python3.13 tests/conformance/oracle`: see cli.py."""

import platform
import sys

OLDEST = (3, 11)


def start():
    if sys.version_info < OLDEST or platform.python_implementation() != "CPython":
        here = platform.python_implementation() + " " + platform.python_version()
        print("oracle: CPython 3.11 or later is required, preferably 3.13; this is " + here, file=sys.stderr)
        sys.exit(2)
    # Older versions cannot compile the rest.
    from cli import main

    sys.exit(main())


if __name__ == "__main__":
    start()

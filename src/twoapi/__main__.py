"""`python -m twoapi`: the same as the command `twoapi`."""

from twoapi.cli import main

if __name__ == "__main__":
    main()

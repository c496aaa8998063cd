"""`python -m lettafs`: the same as the `lettafs` command."""

from lettafs.cli.main import main

if __name__ == "__main__":
    main()

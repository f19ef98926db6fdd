"""`python -m mtlearn`: the command line where its script is not on the path."""

from mtlearn.cli import main

if __name__ == "__main__":  # not where a tool only imports it
    main("python -m mtlearn")

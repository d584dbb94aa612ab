"""`python -m securemail`: the command."""

from securemail.cli import main

if __name__ == "__main__":
    main()

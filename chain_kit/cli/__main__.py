"""`python -m chain_kit.cli`: the command line without its installed name."""

from chain_kit.cli.app import main

main()

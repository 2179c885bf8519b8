"""One module for each command. They declare options and call what does the work."""

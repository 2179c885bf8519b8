"""The command line: the roof that knows every part. Nothing imports it."""

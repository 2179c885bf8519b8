"""The contracts against programs that share nothing with them, ten thousand random cases at a time."""

"""The tests, by kind. A package, so that none of that name among the dependencies can take its place."""

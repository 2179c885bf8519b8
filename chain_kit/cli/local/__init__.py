"""A whole local system: anvil, a deployment, keepers and an indexer; what stands behind `demo` and `up`."""

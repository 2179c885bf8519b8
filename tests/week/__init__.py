"""A week in minutes: the keepers on an accelerated chain, with faults all the way, judged by the chain."""

"""How far the index is proven: what headers, blooms, receipts and the contracts themselves say of it.

`levels` names how far that can be, `headers` recomputes a header's hash, `bloom` tells what a header rules
out, and `ranges` keeps which blocks are proven how far.
"""

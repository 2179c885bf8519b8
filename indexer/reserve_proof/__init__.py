"""What the contracts hold and owe, proven by a block's hash alone.

    document   the file: one way to write it, and to read it
    tries      accounts and storage out of Merkle-Patricia proofs, by py-trie
    layout     where our contracts and their tokens keep what counts
    reserves   the reserves of a deployment: what is to be proven, and what it says
    shares     one account's part: its balance and positions in the hub, its leaf in the vault
    fetching   proofs asked of a node

Checking needs none of the index: `document`, `tries`, `layout`, `reserves` and `shares` import chain_kit's
units and Merkle tree, `rlp` and `trie`, and nothing else of this project.
"""

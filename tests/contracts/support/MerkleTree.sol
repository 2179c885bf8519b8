// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Merkle tree
/// @notice A tree of sorted pairs over a list of leaves; a node without a sibling moves up as it is.
library MerkleTree {
    function rootOf(bytes32[] memory leaves) internal pure returns (bytes32) {
        bytes32[] memory level = leaves;
        while (level.length > 1) {
            level = _above(level);
        }
        return level[0];
    }

    function proofOf(bytes32[] memory leaves, uint256 index) internal pure returns (bytes32[] memory proof) {
        bytes32[] memory level = leaves;
        while (level.length > 1) {
            uint256 sibling = index ^ 1;
            if (sibling < level.length) proof = _append(proof, level[sibling]);
            level = _above(level);
            index /= 2;
        }
    }

    function pair(bytes32 left, bytes32 right) internal pure returns (bytes32) {
        return left < right ? keccak256(abi.encode(left, right)) : keccak256(abi.encode(right, left));
    }

    function _above(bytes32[] memory level) private pure returns (bytes32[] memory above) {
        above = new bytes32[]((level.length + 1) / 2);
        for (uint256 i; i < above.length; ++i) {
            bool single = 2 * i + 1 == level.length;
            above[i] = single ? level[2 * i] : pair(level[2 * i], level[2 * i + 1]);
        }
    }

    function _append(bytes32[] memory list, bytes32 item) private pure returns (bytes32[] memory longer) {
        longer = new bytes32[](list.length + 1);
        for (uint256 i; i < list.length; ++i) {
            longer[i] = list[i];
        }
        longer[list.length] = item;
    }
}

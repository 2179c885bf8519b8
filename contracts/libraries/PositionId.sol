// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Side} from "../interfaces/IEpochHub.sol";

/// @title Position ids
/// @notice An ERC-6909 id is `marketId << 64 | epoch << 8 | side`; without the side it is the key of the epoch.
/// @dev `marketId` is below 2^64 and `epoch` below 2^40, which the hub sees to.
library PositionId {
    function epochKey(uint256 marketId, uint256 epoch) internal pure returns (uint256) {
        return (marketId << 56) | epoch;
    }

    function idOf(uint256 key, Side side) internal pure returns (uint256) {
        return (key << 8) | uint256(side);
    }

    function keyOf(uint256 id) internal pure returns (uint256) {
        return id >> 8;
    }

    /// @notice Whether `id` names a side at all: its last byte is 0 (YES) or 1 (NO).
    function isNo(uint256 id) internal pure returns (bool) {
        return id & 1 == 1;
    }

    function isPosition(uint256 id) internal pure returns (bool) {
        return id & 0xff <= 1;
    }
}

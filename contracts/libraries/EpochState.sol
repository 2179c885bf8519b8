// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IEpochHub} from "../interfaces/IEpochHub.sol";

/// @notice An epoch's complete sets, the house's shares of them and whether the house has settled, in one slot.
/// @dev From the highest bit: settled (1), sets (87), houseYes (84), houseNo (84). 2^84 base units of an 18-decimal token
/// are 19 million tokens, 2^87 are 154 million: the most that one epoch takes. Checked where it is packed.
type EpochState is uint256;

using EpochStateLib for EpochState global;

/// @title Epoch state
library EpochStateLib {
    uint256 internal constant HOUSE_BITS = 84;
    uint256 internal constant SETS_BITS = 87;
    uint256 internal constant HOUSE_MAX = (1 << HOUSE_BITS) - 1;
    uint256 internal constant SETS_MAX = (1 << SETS_BITS) - 1;

    function pack(uint256 sets_, uint256 houseYes_, uint256 houseNo_, bool settled_)
        internal
        pure
        returns (EpochState)
    {
        if (sets_ > SETS_MAX) revert IEpochHub.EpochFull(sets_, SETS_MAX);
        if (houseYes_ > HOUSE_MAX) revert IEpochHub.EpochFull(houseYes_, HOUSE_MAX);
        if (houseNo_ > HOUSE_MAX) revert IEpochHub.EpochFull(houseNo_, HOUSE_MAX);
        return
            EpochState.wrap(
                (settled_ ? 1 << 255 : 0) | (sets_ << (2 * HOUSE_BITS)) | (houseYes_ << HOUSE_BITS) | houseNo_
            );
    }

    /// @notice The same state with `sets_` instead.
    function withSets(EpochState state, uint256 sets_) internal pure returns (EpochState) {
        return pack(sets_, state.houseYes(), state.houseNo(), state.settled());
    }

    function sets(EpochState state) internal pure returns (uint256) {
        return (EpochState.unwrap(state) >> (2 * HOUSE_BITS)) & SETS_MAX;
    }

    function houseYes(EpochState state) internal pure returns (uint256) {
        return (EpochState.unwrap(state) >> HOUSE_BITS) & HOUSE_MAX;
    }

    function houseNo(EpochState state) internal pure returns (uint256) {
        return EpochState.unwrap(state) & HOUSE_MAX;
    }

    function settled(EpochState state) internal pure returns (bool) {
        return EpochState.unwrap(state) >> 255 == 1;
    }

    /// @notice Whether the house trades in this epoch: it has opened it and not settled it.
    function isOpen(EpochState state) internal pure returns (bool) {
        return state.houseYes() != 0 && !state.settled();
    }
}

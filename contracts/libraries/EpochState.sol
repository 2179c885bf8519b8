// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICompleteSets} from "../interfaces/ICompleteSets.sol";

/// @notice An epoch's complete sets, the house's shares that it quotes on, the step at which it last retired some and
/// whether it has settled, in one slot.
/// @dev From the highest bit: settled (1), step (4), sets (85), quotedYes (83), quotedNo (83). 2^83 base units of an
/// 18-decimal token are 9 million tokens, 2^85 are 38 million: the most that one epoch takes. Checked where it is packed.
type EpochState is uint256;

using EpochStateLib for EpochState global;

/// @title Epoch state
library EpochStateLib {
    uint256 internal constant HOUSE_BITS = 83;
    uint256 internal constant SETS_BITS = 85;
    uint256 internal constant HOUSE_MAX = (1 << HOUSE_BITS) - 1;
    uint256 internal constant SETS_MAX = (1 << SETS_BITS) - 1;
    uint256 internal constant STEP_MAX = 15;
    uint256 private constant STEP_SHIFT = 2 * HOUSE_BITS + SETS_BITS;

    /// @param step_ At most `STEP_MAX`.
    function pack(uint256 sets_, uint256 quotedYes_, uint256 quotedNo_, uint256 step_, bool settled_)
        internal
        pure
        returns (EpochState)
    {
        if (sets_ > SETS_MAX) revert ICompleteSets.EpochFull(sets_, SETS_MAX);
        if (quotedYes_ > HOUSE_MAX) revert ICompleteSets.EpochFull(quotedYes_, HOUSE_MAX);
        if (quotedNo_ > HOUSE_MAX) revert ICompleteSets.EpochFull(quotedNo_, HOUSE_MAX);
        return EpochState.wrap(
            (settled_ ? 1 << 255 : 0) | (step_ << STEP_SHIFT) | (sets_ << (2 * HOUSE_BITS)) | (quotedYes_ << HOUSE_BITS)
                | quotedNo_
        );
    }

    /// @notice The same state with `sets_` instead.
    function withSets(EpochState state, uint256 sets_) internal pure returns (EpochState) {
        return pack(sets_, state.quotedYes(), state.quotedNo(), state.step(), state.settled());
    }

    function sets(EpochState state) internal pure returns (uint256) {
        return (EpochState.unwrap(state) >> (2 * HOUSE_BITS)) & SETS_MAX;
    }

    function quotedYes(EpochState state) internal pure returns (uint256) {
        return (EpochState.unwrap(state) >> HOUSE_BITS) & HOUSE_MAX;
    }

    function quotedNo(EpochState state) internal pure returns (uint256) {
        return EpochState.unwrap(state) & HOUSE_MAX;
    }

    function step(EpochState state) internal pure returns (uint256) {
        return (EpochState.unwrap(state) >> STEP_SHIFT) & STEP_MAX;
    }

    function settled(EpochState state) internal pure returns (bool) {
        return EpochState.unwrap(state) >> 255 == 1;
    }

    /// @notice Whether the house trades in this epoch: it has opened it and not settled it.
    function isOpen(EpochState state) internal pure returns (bool) {
        return state.quotedYes() != 0 && !state.settled();
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Epoch clock
/// @notice Epoch `e` of a market covers `[genesis + (e-1)·EPOCH, genesis + e·EPOCH)`. Times are UNIX seconds.
/// @dev A genesis is at most a year ahead and an epoch at most `EPOCH_MAX`, which callers see to: nothing overflows.
library EpochClock {
    /// Length of an epoch.
    uint256 internal constant EPOCH = 300;

    /// House trades are taken in the first part of an epoch only.
    uint256 internal constant TRADING_WINDOW = 270;

    /// The largest epoch number; 2^40 epochs are ten million years.
    uint256 internal constant EPOCH_MAX = (1 << 40) - 1;

    /// @notice The epoch that runs at `instant`; 0 before genesis.
    function epochAt(uint256 genesis, uint256 instant) internal pure returns (uint256) {
        unchecked {
            return instant < genesis ? 0 : (instant - genesis) / EPOCH + 1;
        }
    }

    /// @notice Seconds of the running epoch that have passed; `instant` is not before genesis.
    function elapsedAt(uint256 genesis, uint256 instant) internal pure returns (uint256) {
        unchecked {
            return (instant - genesis) % EPOCH;
        }
    }

    function startOf(uint256 genesis, uint256 epoch) internal pure returns (uint256) {
        unchecked {
            return genesis + (epoch - 1) * EPOCH;
        }
    }

    function endOf(uint256 genesis, uint256 epoch) internal pure returns (uint256) {
        unchecked {
            return genesis + epoch * EPOCH;
        }
    }
}

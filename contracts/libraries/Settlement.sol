// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BoundaryStatus} from "../interfaces/IBoundaryOracle.sol";
import {Outcome} from "../interfaces/IEpochHub.sol";

/// @title Settlement
/// @notice The outcome of an epoch as a pure function of what is known of its two ends, and what shares are worth by it.
library Settlement {
    function outcome(BoundaryStatus startStatus, uint256 startPrice, BoundaryStatus endStatus, uint256 endPrice)
        internal
        pure
        returns (Outcome)
    {
        if (startStatus == BoundaryStatus.VOID || endStatus == BoundaryStatus.VOID) return Outcome.VOID;
        if (startStatus != BoundaryStatus.POSTED || endStatus != BoundaryStatus.POSTED) return Outcome.OPEN;
        if (endPrice > startPrice) return Outcome.YES;
        if (endPrice < startPrice) return Outcome.NO;
        return Outcome.VOID;
    }

    /// @notice What the shares pay: one for each winning share, one half for each share of a void epoch, rounded down.
    function payoutDown(Outcome result, uint256 yesShares, uint256 noShares) internal pure returns (uint256) {
        if (result == Outcome.YES) return yesShares;
        if (result == Outcome.NO) return noShares;
        if (result == Outcome.VOID) return (yesShares + noShares) / 2;
        return 0;
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BoundaryStatus} from "../../../contracts/interfaces/IBoundaryOracle.sol";
import {Outcome, Side} from "../../../contracts/interfaces/IEpochHub.sol";
import {EpochClock} from "../../../contracts/libraries/EpochClock.sol";
import {EpochState, EpochStateLib} from "../../../contracts/libraries/EpochState.sol";
import {PositionId} from "../../../contracts/libraries/PositionId.sol";
import {Settlement} from "../../../contracts/libraries/Settlement.sol";

/// @title Library harness
/// @notice The functions of the small libraries as calls.
contract LibraryHarness {
    function epochAt(uint256 genesis, uint256 instant) external pure returns (uint256) {
        return EpochClock.epochAt(genesis, instant);
    }

    function elapsedAt(uint256 genesis, uint256 instant) external pure returns (uint256) {
        return EpochClock.elapsedAt(genesis, instant);
    }

    function epochMax() external pure returns (uint256) {
        return EpochClock.EPOCH_MAX;
    }

    function tradingWindow() external pure returns (uint256) {
        return EpochClock.TRADING_WINDOW;
    }

    function startOf(uint256 genesis, uint256 epoch) external pure returns (uint256) {
        return EpochClock.startOf(genesis, epoch);
    }

    function endOf(uint256 genesis, uint256 epoch) external pure returns (uint256) {
        return EpochClock.endOf(genesis, epoch);
    }

    function pack(uint256 sets, uint256 quotedYes, uint256 quotedNo, uint256 step, bool settled)
        external
        pure
        returns (uint256)
    {
        return EpochState.unwrap(EpochStateLib.pack(sets, quotedYes, quotedNo, step, settled));
    }

    function withSets(uint256 state, uint256 sets) external pure returns (uint256) {
        return EpochState.unwrap(EpochState.wrap(state).withSets(sets));
    }

    function unpack(uint256 state)
        external
        pure
        returns (uint256 sets, uint256 quotedYes, uint256 quotedNo, uint256 step, bool settled, bool open)
    {
        EpochState packed = EpochState.wrap(state);
        return (packed.sets(), packed.quotedYes(), packed.quotedNo(), packed.step(), packed.settled(), packed.isOpen());
    }

    function epochKey(uint256 marketId, uint256 epoch) external pure returns (uint256) {
        return PositionId.epochKey(marketId, epoch);
    }

    function idOf(uint256 key, Side side) external pure returns (uint256) {
        return PositionId.idOf(key, side);
    }

    function keyOf(uint256 id) external pure returns (uint256) {
        return PositionId.keyOf(id);
    }

    function isNo(uint256 id) external pure returns (bool) {
        return PositionId.isNo(id);
    }

    function isPosition(uint256 id) external pure returns (bool) {
        return PositionId.isPosition(id);
    }

    function outcome(BoundaryStatus startStatus, uint256 startPrice, BoundaryStatus endStatus, uint256 endPrice)
        external
        pure
        returns (Outcome)
    {
        return Settlement.outcome(startStatus, startPrice, endStatus, endPrice);
    }

    function payoutDown(Outcome result, uint256 yesShares, uint256 noShares) external pure returns (uint256) {
        return Settlement.payoutDown(result, yesShares, noShares);
    }
}

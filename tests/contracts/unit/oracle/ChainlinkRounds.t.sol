// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IChainlinkAdapter} from "../../../../contracts/interfaces/IChainlinkAdapter.sol";
import {StrictAggregator} from "../../doubles/StrictAggregator.sol";
import {ChainlinkFixture} from "../../support/ChainlinkFixture.sol";

/// @notice Which of the rounds of one phase or of several is a boundary's.
contract ChainlinkRoundsTest is ChainlinkFixture {
    /// @notice The last round at or before the boundary is its price, proven by the next one.
    function test_Verify() public {
        _addRound(first, ANSWER - 1, BOUNDARY - 700);
        _addRound(first, ANSWER, BOUNDARY - 100);
        _addRound(first, ANSWER + 1, BOUNDARY + 50);
        _addRound(first, ANSWER + 2, BOUNDARY + 350);
        _assertPrice(PRICE, _id(1, 2));
        _assertRefused(_id(1, 1), _notLast(_id(1, 1), _id(1, 2), BOUNDARY - 100));
        for (uint80 number = 3; number <= 4; ++number) {
            uint256 updatedAt = BOUNDARY + 300 * number - 850;
            _assertRefused(
                _id(1, number),
                abi.encodeWithSelector(
                    IChainlinkAdapter.RoundAfterBoundary.selector, BTC, BOUNDARY, _id(1, number), updatedAt
                )
            );
        }
    }

    /// @notice A round of the boundary's own second counts, and of two in that second the later one.
    function test_VerifyAtTheBoundarysSecond() public {
        _addRound(first, ANSWER - 1, BOUNDARY);
        _addRound(first, ANSWER, BOUNDARY);
        _addRound(first, ANSWER + 1, BOUNDARY + 1);
        _assertPrice(PRICE, _id(1, 2));
        _assertRefused(_id(1, 1), _notLast(_id(1, 1), _id(1, 2), BOUNDARY));
    }

    /// @notice As long as a round is the latest, it may not be the last one at the boundary: wait.
    function test_RevertWhen_SuccessorIsMissing() public {
        _addRound(first, ANSWER, BOUNDARY - 100);
        _assertRefused(_id(1, 1), _successorMissing(_id(1, 1)));
        _addRound(first, ANSWER + 1, BOUNDARY + 1);
        _assertPrice(PRICE, _id(1, 1));
    }

    /// @notice No round is proven for a boundary that has not come.
    function test_RevertWhen_BoundaryIsInTheFuture() public {
        _addRound(first, ANSWER, block.timestamp);
        uint256 boundary = block.timestamp + 300;
        vm.expectRevert(abi.encodeWithSelector(IChainlinkAdapter.SuccessorMissing.selector, BTC, boundary, _id(1, 1)));
        adapter.verify(_report(BTC, boundary, _id(1, 1)));
    }

    /// @notice A round may be as old as its feed allows, and no older.
    function test_RevertWhen_RoundIsTooOld() public {
        _addRound(first, ANSWER, BOUNDARY - MAX_AGE);
        _addRound(first, ANSWER, BOUNDARY + 300);
        _assertPrice(PRICE, _id(1, 1));
        bytes memory expected = abi.encodeWithSelector(
            IChainlinkAdapter.RoundTooOld.selector, BTC, BOUNDARY + 1, _id(1, 1), BOUNDARY - MAX_AGE, MAX_AGE
        );
        vm.expectRevert(expected);
        adapter.verify(_report(BTC, BOUNDARY + 1, _id(1, 1)));
        vm.expectPartialRevert(IChainlinkAdapter.RoundTooOld.selector);
        adapter.verify(_report(BTC, type(uint256).max, _id(1, 1)));
    }

    /// @notice A round that is not there is refused, whether the aggregator returns zeros or reverts.
    function test_RevertWhen_RoundIsMissing() public {
        _addRound(first, ANSWER, BOUNDARY);
        _useStrict(8);
        strict.add(ANSWER, BOUNDARY + 1, 1);
        uint80[6] memory ids = [_id(1, 0), _id(1, 2), _id(2, 0), _id(2, 2), _id(3, 1), _id(0, 1)];
        for (uint256 i; i < ids.length; ++i) {
            _assertRefused(ids[i], abi.encodeWithSelector(IChainlinkAdapter.RoundMissing.selector, BTC, ids[i]));
        }
    }

    /// @notice A round in progress is not there yet: neither as the last one nor as its successor.
    function test_RevertWhen_RoundIsInProgress() public {
        _useStrict(8);
        strict.add(ANSWER, BOUNDARY, 1);
        strict.add(0, 0, 0);
        _assertRefused(_id(2, 2), abi.encodeWithSelector(IChainlinkAdapter.RoundMissing.selector, BTC, _id(2, 2)));
        _assertRefused(_id(2, 1), _successorMissing(_id(2, 1)));
    }

    /// @notice A round that carries over an earlier answer decides nothing, and hides the one before it all the same.
    function test_RevertWhen_RoundIsIncomplete() public {
        _useStrict(8);
        strict.add(ANSWER, BOUNDARY - 2, 1);
        strict.add(ANSWER, BOUNDARY - 1, 1);
        strict.add(ANSWER, BOUNDARY + 1, 1);
        _assertRefused(
            _id(2, 2), abi.encodeWithSelector(IChainlinkAdapter.RoundIncomplete.selector, BTC, _id(2, 2), _id(2, 1))
        );
        _assertRefused(_id(2, 1), _notLast(_id(2, 1), _id(2, 2), BOUNDARY - 1));
    }

    /// @notice A round without an answer of its own proves by its time that the one before it was the last.
    function test_SuccessorNeedsNoAnswer() public {
        _useStrict(8);
        strict.add(ANSWER, BOUNDARY - 1, 1);
        strict.add(-1, BOUNDARY + 1, 1);
        _assertPrice(PRICE, _id(2, 1));
    }

    /// @notice Where a phase ends, the first round of the next one is the successor.
    function test_SuccessorIsInTheNextPhase() public {
        _addRound(first, ANSWER, BOUNDARY - 1);
        _changeAggregator();
        _assertRefused(_id(1, 1), _successorMissing(_id(1, 1)));
        _addRound(_changeAggregator(), ANSWER + 1, BOUNDARY + 1);
        // The second phase has no round, so it was the first of the third.
        _assertPrice(PRICE, _id(1, 1));
        _assertRefused(
            _id(3, 1),
            abi.encodeWithSelector(
                IChainlinkAdapter.RoundAfterBoundary.selector, BTC, BOUNDARY, _id(3, 1), BOUNDARY + 1
            )
        );
    }

    /// @notice A new aggregator's rounds from before the change count: its phase is the later one.
    function test_RevertWhen_ALaterPhaseHasARound() public {
        _addRound(first, ANSWER + 1, BOUNDARY);
        _addRound(first, ANSWER + 2, BOUNDARY + 2);
        _assertPrice(PRICE + 1e10, _id(1, 1));
        strict = new StrictAggregator(8);
        strict.add(ANSWER, BOUNDARY - 60, 1);
        strict.add(ANSWER + 3, BOUNDARY + 60, 2);
        proxy.change(strict);
        _assertRefused(_id(1, 1), _notLast(_id(1, 1), _id(2, 1), BOUNDARY - 60));
        _assertPrice(PRICE, _id(2, 1));
    }

    /// @notice Where an aggregator goes on after the change, its own next round is a successor too.
    function test_OldPhaseGoesOn() public {
        _addRound(first, ANSWER, BOUNDARY - 1);
        _addRound(first, ANSWER + 1, BOUNDARY + 5);
        _addRound(_changeAggregator(), ANSWER + 2, BOUNDARY + 3);
        _assertPrice(PRICE, _id(1, 1));
    }

    /// @notice While the proxy's new aggregator has no round at all, and says so by reverting, there is nothing to read.
    function test_RevertWhen_TheLatestPhaseReverts() public {
        _addRound(first, ANSWER, BOUNDARY);
        _addRound(first, ANSWER + 1, BOUNDARY + 1);
        _useStrict(8);
        _assertRefused(_id(1, 1), abi.encodeWithSignature("Error(string)", "No data present"));
        strict.add(ANSWER + 2, BOUNDARY + 2, 1);
        _assertPrice(PRICE, _id(1, 1));
    }
}

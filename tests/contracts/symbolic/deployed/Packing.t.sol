// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {ICompleteSets, Side} from "../../../../contracts/interfaces/ICompleteSets.sol";
import {EpochClock} from "../../../../contracts/libraries/EpochClock.sol";
import {EpochState, EpochStateLib} from "../../../../contracts/libraries/EpochState.sol";
import {PositionId} from "../../../../contracts/libraries/PositionId.sol";
import {LibraryHarness} from "../../support/LibraryHarness.sol";

/// @notice What is proven of what is packed into a word.
contract PackingProof is Test {
    uint256 internal constant MARKETS = 1 << 64;

    LibraryHarness internal harness;

    function setUp() public {
        harness = new LibraryHarness();
    }

    /// @notice What fits comes back as it went in; what does not fit is refused.
    function check_EpochStateRoundTrip(uint256 sets, uint256 yes, uint256 no, uint256 step, bool settled) public view {
        vm.assume(step <= EpochStateLib.STEP_MAX);
        bool fits = sets <= EpochStateLib.SETS_MAX && yes <= EpochStateLib.HOUSE_MAX && no <= EpochStateLib.HOUSE_MAX;
        (bool taken, bytes memory answer) =
            address(harness).staticcall(abi.encodeCall(LibraryHarness.pack, (sets, yes, no, step, settled)));
        assert(taken == fits);
        if (!taken) {
            assert(bytes4(answer) == ICompleteSets.EpochFull.selector);
            return;
        }
        EpochState state = EpochState.wrap(abi.decode(answer, (uint256)));
        assert(state.sets() == sets);
        assert(state.quotedYes() == yes);
        assert(state.quotedNo() == no);
        assert(state.step() == step);
        assert(state.settled() == settled);
        assert(state.isOpen() == (yes != 0 && !settled));
    }

    /// @notice New sets leave the house's shares, its step and the settlement as they are.
    function check_EpochStateWithSets(uint256[2] memory sets, uint256 yes, uint256 no, uint256 step, bool settled)
        public
        pure
    {
        vm.assume(sets[0] <= EpochStateLib.SETS_MAX && sets[1] <= EpochStateLib.SETS_MAX);
        vm.assume(yes <= EpochStateLib.HOUSE_MAX && no <= EpochStateLib.HOUSE_MAX && step <= EpochStateLib.STEP_MAX);
        EpochState state = EpochStateLib.pack(sets[0], yes, no, step, settled).withSets(sets[1]);
        EpochState expected = EpochStateLib.pack(sets[1], yes, no, step, settled);
        assert(EpochState.unwrap(state) == EpochState.unwrap(expected));
    }

    /// @notice Two ids are the same only if market, epoch and side are.
    function check_PositionIdsAreApart(uint256[2] memory markets, uint256[2] memory epochs, bool[2] memory nos)
        public
        pure
    {
        vm.assume(markets[0] < MARKETS && markets[1] < MARKETS);
        vm.assume(epochs[0] <= EpochClock.EPOCH_MAX && epochs[1] <= EpochClock.EPOCH_MAX);
        uint256 first = _id(markets[0], epochs[0], nos[0]);
        uint256 second = _id(markets[1], epochs[1], nos[1]);
        bool same = markets[0] == markets[1] && epochs[0] == epochs[1] && nos[0] == nos[1];
        assert((first == second) == same);
    }

    /// @notice An id tells its key and its side, and is a position.
    function check_PositionIdTellsItsKey(uint256 market, uint256 epoch, bool no) public pure {
        vm.assume(market < MARKETS && epoch <= EpochClock.EPOCH_MAX);
        uint256 id = _id(market, epoch, no);
        assert(PositionId.keyOf(id) == PositionId.epochKey(market, epoch));
        assert(PositionId.isNo(id) == no);
        assert(PositionId.isPosition(id));
    }

    function _id(uint256 market, uint256 epoch, bool no) private pure returns (uint256) {
        return PositionId.idOf(PositionId.epochKey(market, epoch), no ? Side.NO : Side.YES);
    }
}

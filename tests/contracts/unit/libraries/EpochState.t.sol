// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {ICompleteSets} from "../../../../contracts/interfaces/ICompleteSets.sol";
import {LibraryHarness} from "../../support/LibraryHarness.sol";

contract EpochStateTest is Test {
    uint256 internal constant SETS_MAX = (1 << 85) - 1;
    uint256 internal constant HOUSE_MAX = (1 << 83) - 1;
    uint256 internal constant STEP_MAX = 15;

    struct State {
        uint256 sets;
        uint256 quotedYes;
        uint256 quotedNo;
        uint256 step;
        bool settled;
    }

    LibraryHarness internal states;

    function setUp() public {
        states = new LibraryHarness();
    }

    /// @notice What is packed comes out again.
    function testFuzz_PackAndUnpack(State memory state) public view {
        _assertState(_pack(_bounded(state)), state);
    }

    /// @notice Sets change alone.
    function testFuzz_WithSets(State memory state, uint256 other) public view {
        uint256 packed = _pack(_bounded(state));
        state.sets = bound(other, 0, SETS_MAX);
        _assertState(states.withSets(packed, state.sets), state);
    }

    /// @notice The largest values fill the slot and leave each other alone.
    function test_PackTheLargest() public view {
        assertEq(type(uint256).max, _pack(State(SETS_MAX, HOUSE_MAX, HOUSE_MAX, STEP_MAX, true)));
        State memory alternate = State(SETS_MAX, 0, HOUSE_MAX, 0, true);
        _assertState(_pack(alternate), alternate);
        alternate = State(0, HOUSE_MAX, 0, STEP_MAX, false);
        _assertState(_pack(alternate), alternate);
    }

    /// @notice What does not fit is refused by name, never cut off.
    function test_RevertWhen_ItDoesNotFit() public {
        vm.expectRevert(abi.encodeWithSelector(ICompleteSets.EpochFull.selector, SETS_MAX + 1, SETS_MAX));
        states.pack(SETS_MAX + 1, 0, 0, 0, false);
        vm.expectRevert(abi.encodeWithSelector(ICompleteSets.EpochFull.selector, HOUSE_MAX + 1, HOUSE_MAX));
        states.pack(0, HOUSE_MAX + 1, 0, 0, false);
        vm.expectRevert(abi.encodeWithSelector(ICompleteSets.EpochFull.selector, HOUSE_MAX + 1, HOUSE_MAX));
        states.pack(0, 0, HOUSE_MAX + 1, 0, false);
        vm.expectRevert(abi.encodeWithSelector(ICompleteSets.EpochFull.selector, type(uint256).max, SETS_MAX));
        states.withSets(0, type(uint256).max);
    }

    /// @dev Within its bits, in place.
    function _bounded(State memory state) private pure returns (State memory) {
        state.sets = bound(state.sets, 0, SETS_MAX);
        state.quotedYes = bound(state.quotedYes, 0, HOUSE_MAX);
        state.quotedNo = bound(state.quotedNo, 0, HOUSE_MAX);
        state.step = bound(state.step, 0, STEP_MAX);
        return state;
    }

    function _pack(State memory state) private view returns (uint256) {
        return states.pack(state.sets, state.quotedYes, state.quotedNo, state.step, state.settled);
    }

    function _assertState(uint256 packed, State memory expected) private view {
        State memory actual;
        bool open;
        (actual.sets, actual.quotedYes, actual.quotedNo, actual.step, actual.settled, open) = states.unpack(packed);
        assertEq(abi.encode(expected), abi.encode(actual));
        assertEq(expected.quotedYes != 0 && !expected.settled, open);
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {IEpochHub} from "../../../../contracts/interfaces/IEpochHub.sol";
import {LibraryHarness} from "../../support/LibraryHarness.sol";

contract EpochStateTest is Test {
    uint256 internal constant SETS_MAX = (1 << 87) - 1;
    uint256 internal constant HOUSE_MAX = (1 << 84) - 1;

    LibraryHarness internal states;

    function setUp() public {
        states = new LibraryHarness();
    }

    /// @notice What is packed comes out again.
    function testFuzz_PackAndUnpack(uint256 sets, uint256 houseYes, uint256 houseNo, bool settled) public view {
        sets = bound(sets, 0, SETS_MAX);
        houseYes = bound(houseYes, 0, HOUSE_MAX);
        houseNo = bound(houseNo, 0, HOUSE_MAX);
        _assertState(states.pack(sets, houseYes, houseNo, settled), sets, houseYes, houseNo, settled);
    }

    /// @notice Sets change alone.
    function testFuzz_WithSets(uint256 sets, uint256 houseYes, uint256 houseNo, bool settled, uint256 other)
        public
        view
    {
        sets = bound(sets, 0, SETS_MAX);
        houseYes = bound(houseYes, 0, HOUSE_MAX);
        houseNo = bound(houseNo, 0, HOUSE_MAX);
        other = bound(other, 0, SETS_MAX);
        uint256 state = states.withSets(states.pack(sets, houseYes, houseNo, settled), other);
        _assertState(state, other, houseYes, houseNo, settled);
    }

    /// @notice The largest values fill the slot and leave each other alone.
    function test_PackTheLargest() public view {
        assertEq(type(uint256).max, states.pack(SETS_MAX, HOUSE_MAX, HOUSE_MAX, true));
        _assertState(states.pack(SETS_MAX, 0, HOUSE_MAX, false), SETS_MAX, 0, HOUSE_MAX, false);
    }

    /// @notice What does not fit is refused by name, never cut off.
    function test_RevertWhen_ItDoesNotFit() public {
        vm.expectRevert(abi.encodeWithSelector(IEpochHub.EpochFull.selector, SETS_MAX + 1, SETS_MAX));
        states.pack(SETS_MAX + 1, 0, 0, false);
        vm.expectRevert(abi.encodeWithSelector(IEpochHub.EpochFull.selector, HOUSE_MAX + 1, HOUSE_MAX));
        states.pack(0, HOUSE_MAX + 1, 0, false);
        vm.expectRevert(abi.encodeWithSelector(IEpochHub.EpochFull.selector, HOUSE_MAX + 1, HOUSE_MAX));
        states.pack(0, 0, HOUSE_MAX + 1, false);
        vm.expectRevert(abi.encodeWithSelector(IEpochHub.EpochFull.selector, type(uint256).max, SETS_MAX));
        states.withSets(0, type(uint256).max);
    }

    function _assertState(uint256 state, uint256 sets, uint256 houseYes, uint256 houseNo, bool settled) private view {
        (uint256 actualSets, uint256 actualYes, uint256 actualNo, bool actualSettled, bool open) = states.unpack(state);
        assertEq(sets, actualSets);
        assertEq(houseYes, actualYes);
        assertEq(houseNo, actualNo);
        assertEq(settled, actualSettled);
        assertEq(houseYes != 0 && !settled, open);
    }
}

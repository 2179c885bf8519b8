// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {Side} from "../../../../contracts/interfaces/IEpochHub.sol";
import {LibraryHarness} from "../../support/LibraryHarness.sol";

contract PositionIdTest is Test {
    LibraryHarness internal ids;

    function setUp() public {
        ids = new LibraryHarness();
    }

    /// @notice An id is the market, the epoch and the side, in fixed places.
    function test_IdOf() public view {
        assertEq(7 * 2 ** 64 + 12 * 2 ** 8, ids.idOf(ids.epochKey(7, 12), Side.YES));
        assertEq(7 * 2 ** 64 + 12 * 2 ** 8 + 1, ids.idOf(ids.epochKey(7, 12), Side.NO));
    }

    /// @notice An id tells its epoch's key and its side.
    function testFuzz_IdTellsKeyAndSide(uint64 marketId, uint40 epoch, bool no) public view {
        uint256 key = ids.epochKey(marketId, epoch);
        uint256 id = ids.idOf(key, no ? Side.NO : Side.YES);
        assertEq(key, ids.keyOf(id));
        assertEq(no, ids.isNo(id));
        assertTrue(ids.isPosition(id));
        assertEq(marketId, id >> 64);
        assertEq(epoch, (id >> 8) & type(uint40).max);
    }

    /// @notice Two epochs never have the same id.
    function testFuzz_IdsAreApart(uint64[2] memory markets, uint40[2] memory epochs, bool[2] memory nos) public view {
        uint256 first = ids.idOf(ids.epochKey(markets[0], epochs[0]), nos[0] ? Side.NO : Side.YES);
        uint256 second = ids.idOf(ids.epochKey(markets[1], epochs[1]), nos[1] ? Side.NO : Side.YES);
        bool same = markets[0] == markets[1] && epochs[0] == epochs[1] && nos[0] == nos[1];
        assertEq(same, first == second);
    }

    /// @notice A last byte that is no side makes an id that is no position.
    function testFuzz_OtherIdsAreNoPositions(uint256 id) public view {
        assertEq(id % 256 < 2, ids.isPosition(id));
    }
}

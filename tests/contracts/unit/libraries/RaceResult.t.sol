// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {RaceStatus} from "../../../../contracts/interfaces/IRaceMarket.sol";
import {RaceHarness} from "../../support/RaceHarness.sol";

contract RaceResultTest is Test {
    RaceHarness internal lib;

    function setUp() public {
        lib = new RaceHarness();
    }

    /// @notice The layout, written out: who is better in the high bits of a byte, who is equal in the low ones.
    function test_Layout() public view {
        uint256[] memory runs = new uint256[](4);
        (runs[0], runs[1], runs[2], runs[3]) = (_run(10, 11), _run(10, 12), _run(20, 22), _run(7, 1));
        assertEq(1 << 128 | 0x30 << 24 | 0x11 << 16 | 0x00 << 8 | 0x11, lib.finished(runs));
        assertEq(2 << 128 | 0x020202, lib.voided(3));
    }

    /// @notice Sixteen equal runs, and sixteen different ones, fill their bytes and no more.
    function test_SixteenRuns() public view {
        uint256[] memory runs = new uint256[](16);
        uint256 expected = 1;
        for (uint256 i; i < 16; ++i) {
            runs[i] = _run(i + 1, i + 1);
            expected = expected << 8 | 0x0f;
        }
        assertEq(expected, lib.finished(runs));
        expected = 1;
        for (uint256 i; i < 16; ++i) {
            runs[i] = _run(1, i + 1);
            expected = expected << 8 | i << 4;
        }
        assertEq(expected, lib.finished(runs));
    }

    /// @notice The extremes of what prices can be do not overflow.
    function test_ExtremePrices() public view {
        uint256 most = type(uint128).max - 1;
        uint256[] memory runs = new uint256[](3);
        (runs[0], runs[1], runs[2]) = (_run(most, 1), _run(1, most), _run(most, most));
        assertEq(1 << 128 | 0x10 << 16 | 0x00 << 8 | 0x20, lib.finished(runs));
        (uint256 better, uint256 tied) = lib.placeOf(runs, 0);
        assertEq(2, better);
        assertEq(1, tied);
    }

    /// @notice An open result is the word 0.
    function test_Status() public view {
        assertEq(uint256(RaceStatus.OPEN), uint256(lib.statusOf(0)));
        assertEq(uint256(RaceStatus.FINISHED), uint256(lib.statusOf(1 << 128)));
        assertEq(uint256(RaceStatus.VOID), uint256(lib.statusOf(2 << 128 | 0x0101)));
    }

    /// @notice An asset takes its part of the places that it covers, and nothing of those beside them.
    function test_PartOf() public view {
        for (uint256 position = 1; position <= 16; ++position) {
            (uint256 numerator, uint256 denominator) = lib.partOf(2, 3, position);
            assertEq(position >= 3 && position <= 5 ? 1 : 0, numerator);
            assertEq(3, denominator);
        }
    }

    function _run(uint256 startPrice, uint256 endPrice) private pure returns (uint256) {
        return endPrice << 128 | startPrice;
    }
}

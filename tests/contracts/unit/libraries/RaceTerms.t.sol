// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {RaceHarness} from "../../support/RaceHarness.sol";

contract RaceTermsTest is Test {
    RaceHarness internal lib;

    function setUp() public {
        lib = new RaceHarness();
    }

    /// @notice What is packed comes out again, of two to sixteen feeds.
    function testFuzz_PackAndUnpack(uint32 index, uint8 positions, uint24[16] memory numbers, uint256 count)
        public
        view
    {
        count = bound(count, 2, 16);
        uint256[] memory feeds = new uint256[](count);
        for (uint256 i; i < count; ++i) {
            feeds[i] = numbers[i];
        }
        (uint256 terms, uint256 laterFeeds) = lib.pack(uint256(index) * 300, positions, feeds);
        (uint256 genesisOut, uint256 assetsOut, uint256 positionsOut) = lib.unpack(terms);
        assertEq(uint256(index) * 300, genesisOut);
        assertEq(count, assetsOut);
        assertEq(positions, positionsOut);
        for (uint256 i; i < count; ++i) {
            assertEq(numbers[i], lib.feedAt(terms, laterFeeds, i));
        }
        if (count <= 8) assertEq(0, laterFeeds);
    }

    /// @notice The layout, written out.
    function test_Layout() public view {
        uint256[] memory feeds = new uint256[](9);
        feeds[0] = 0xaaaaaa;
        feeds[7] = 0xbbbbbb;
        feeds[8] = 0xcccccc;
        (uint256 terms, uint256 laterFeeds) = lib.pack(0x12345678 * 300, 5, feeds);
        assertEq(0xbbbbbb << 216 | 0xaaaaaa << 48 | 5 << 40 | 9 << 32 | 0x12345678, terms);
        assertEq(0xcccccc, laterFeeds);
    }
}

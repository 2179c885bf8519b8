// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {TermsHarness} from "../../support/TermsHarness.sol";

contract MarketTermsTest is Test {
    uint256 internal constant LAST_STEP = 8;
    uint256 internal constant WINDOW = 270;

    TermsHarness internal harness;

    function setUp() public {
        harness = new TermsHarness();
    }

    /// @notice What is packed comes out again.
    function testFuzz_PackAndUnpack(TermsHarness.Fields memory fields) public view {
        fields.genesis = bound(fields.genesis, 0, type(uint32).max) * 300;
        fields.liquidity = bound(fields.liquidity, 0, type(uint80).max);
        fields.feedIndex = bound(fields.feedIndex, 0, type(uint24).max);
        fields.feeBps = bound(fields.feeBps, 0, type(uint16).max);
        fields.closingFeeBps = bound(fields.closingFeeBps, 0, type(uint16).max);
        fields.closingLiquidityBps = bound(fields.closingLiquidityBps, 0, type(uint16).max);
        assertEq(abi.encode(fields), abi.encode(harness.unpack(harness.pack(fields))));
    }

    /// @notice The largest values leave each other alone, and the top bits free.
    function test_PackTheLargest() public view {
        TermsHarness.Fields memory fields =
            TermsHarness.Fields(uint256(type(uint32).max) * 300, 0, type(uint24).max, 0, type(uint16).max, 0);
        assertEq(abi.encode(fields), abi.encode(harness.unpack(harness.pack(fields))));
        fields = TermsHarness.Fields(0, type(uint80).max, 0, type(uint16).max, 0, type(uint16).max);
        assertEq(abi.encode(fields), abi.encode(harness.unpack(harness.pack(fields))));
        assertEq(0, harness.pack(fields) >> 184);
    }

    /// @notice The window of 270 s has nine steps of 30 s; after it the last one stays.
    function test_StepAt() public view {
        for (uint256 elapsed; elapsed < WINDOW; ++elapsed) {
            assertEq(elapsed / 30, harness.stepAt(elapsed));
        }
        assertEq(LAST_STEP, harness.stepAt(WINDOW));
        assertEq(LAST_STEP, harness.stepAt(299));
        assertEq(LAST_STEP, harness.stepAt(type(uint256).max));
    }

    /// @notice From all of it in the first step to the closing share in the last, evenly.
    function test_LiquidityDown() public view {
        uint256 terms = _terms(800e18, 0, 0, 2000);
        uint256[9] memory tokens = [uint256(800), 720, 640, 560, 480, 400, 320, 240, 160];
        for (uint256 step; step <= LAST_STEP; ++step) {
            assertEq(tokens[step] * 1e18, harness.liquidityDown(terms, step));
        }
    }

    /// @notice The liquidity never rises, is what was promised at both ends, and is rounded down between them.
    function testFuzz_LiquidityNeverRises(uint256 liquidity, uint256 closing) public view {
        liquidity = bound(liquidity, 1, type(uint80).max);
        closing = bound(closing, 0, 10_000);
        uint256 terms = _terms(liquidity, 0, 0, closing);
        assertEq(liquidity, harness.liquidityDown(terms, 0));
        assertEq(liquidity * closing / 10_000, harness.liquidityDown(terms, LAST_STEP));
        for (uint256 step = 1; step <= LAST_STEP; ++step) {
            uint256 left = harness.liquidityDown(terms, step);
            assertLe(left, harness.liquidityDown(terms, step - 1));
            // On the line between the ends, in units of 1/80,000.
            uint256 line = liquidity * (10_000 * (LAST_STEP - step) + closing * step);
            assertLe(left * 80_000, line);
            assertGt((left + 1) * 80_000, line);
        }
    }

    /// @notice The fee rises second by second from one rate to the other, and what is no whole unit is rounded up.
    function test_FeeUp() public view {
        uint256 terms = _terms(1e18, 100, 370, 10_000);
        assertEq(1e6, harness.feeUp(terms, 100e6, 0));
        // A hundredth of a per cent every second.
        assertEq(1.01e6, harness.feeUp(terms, 100e6, 1));
        assertEq(2.35e6, harness.feeUp(terms, 100e6, 135));
        assertEq(3.69e6, harness.feeUp(terms, 100e6, 269));
        assertEq(3.7e6, harness.feeUp(terms, 100e6, WINDOW));
        assertEq(3.7e6, harness.feeUp(terms, 100e6, 299));
        assertEq(1, harness.feeUp(terms, 1, 0));
        assertEq(2, harness.feeUp(terms, 101, 0));
        assertEq(0, harness.feeUp(terms, 0, WINDOW));
        assertEq(0, harness.feeUp(_terms(1e18, 0, 0, 10_000), 100e6, WINDOW));
    }

    /// @notice No fee falls as time passes, leaves its two rates, or is less than the exact one or a unit more.
    function testFuzz_FeeUp(uint256 amount, uint256 first, uint256 last, uint256 elapsed) public view {
        amount = bound(amount, 0, type(uint112).max);
        last = bound(last, 0, 1000);
        first = bound(first, 0, last);
        elapsed = bound(elapsed, 0, 299);
        uint256 terms = _terms(1e18, first, last, 10_000);
        uint256 fee = harness.feeUp(terms, amount, elapsed);
        uint256 passed = elapsed < WINDOW ? elapsed : WINDOW;
        uint256 exact = amount * (first * (WINDOW - passed) + last * passed);
        assertGe(fee * 2_700_000, exact);
        assertLt(fee * 2_700_000, exact + 2_700_000);
        assertLe(fee, harness.feeUp(terms, amount, elapsed + 1));
        assertLe(fee, amount);
    }

    function _terms(uint256 liquidity, uint256 feeBps, uint256 closingFeeBps, uint256 closingLiquidityBps)
        private
        view
        returns (uint256)
    {
        return harness.pack(TermsHarness.Fields(300, liquidity, 1, feeBps, closingFeeBps, closingLiquidityBps));
    }
}

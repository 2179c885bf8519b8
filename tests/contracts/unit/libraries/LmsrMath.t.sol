// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {ExpReference} from "../../support/ExpReference.sol";
import {LmsrHarness} from "../../support/LmsrHarness.sol";

contract LmsrMathTest is Test {
    uint256 internal constant B = 1000e18;
    uint256 internal constant OPENING = 693147180559945309418;

    LmsrHarness internal lmsr;

    function setUp() public {
        lmsr = new LmsrHarness();
    }

    /// @notice The house opens with b·ln 2, rounded up.
    function test_OpeningSharesUp() public view {
        assertEq(693147180559945310, lmsr.openingSharesUp(1e18));
        assertEq(693148, lmsr.openingSharesUp(1e6));
        assertEq(1, lmsr.openingSharesUp(1));
        assertEq(0, lmsr.openingSharesUp(0));
    }

    /// @notice A figure of another program for a fresh house, and nothing for nothing.
    function test_SharesDown() public view {
        assertApproxEqAbs(189075860970206572536, lmsr.sharesDown(B, OPENING, OPENING, 99e18), 1e4);
        assertEq(0, lmsr.sharesDown(B, OPENING, OPENING, 0));
    }

    /// @notice Figures of another program: a fresh house, and one that has sold YES for 100 with a fee of 1, for YES and
    /// for NO.
    function test_AmountDown() public view {
        assertApproxEqAbs(48750520486374414587, lmsr.amountDown(B, OPENING, OPENING, 100e18), 1e4);
        uint256 own = 604071319589738736881;
        uint256 other = 793147180559945309417;
        assertApproxEqAbs(48235567754040731406, lmsr.amountDown(B, own, other, 90e18), 1e4);
        assertApproxEqAbs(39758082201153029095, lmsr.amountDown(B, other, own, 90e18), 1e4);
        assertEq(0, lmsr.amountDown(B, OPENING, OPENING, 0));
    }

    /// @notice Figures of another program, and one half where both holdings are the same, however large.
    function test_Price() public view {
        assertApproxEqAbs(547128645988225751, lmsr.price(B, 604071319589738736881, 793147180559945309417), 10);
        assertEq(0.5e18, lmsr.price(B, OPENING, OPENING));
        assertEq(0.5e18, lmsr.price(1e6, 1 << 83, 1 << 83));
    }

    /// @notice Where one side is all but certain its price is one and the other's zero.
    function test_PriceAtTheEnds() public view {
        assertEq(1e18, lmsr.price(1e6, 1, 50e6));
        assertEq(0, lmsr.price(1e6, 50e6, 1));
    }

    /// @notice At the ends, a buyer gets less than it pays for, and a seller less than it gives.
    function test_TradesAtTheEnds() public view {
        assertLt(lmsr.sharesDown(B, 1, 60 * B, 1000e18), 1000e18);
        assertGe(lmsr.sharesDown(B, 1, 60 * B, 1000e18), 1000e18 - 10_000);
        assertEq(0, lmsr.amountDown(B, 60 * B, 1, 1000e18));
        assertLt(lmsr.amountDown(B, 1, 60 * B, 1e18), 1e18);
        // A price of e^-60 is below what can be told from nothing: no shares, rather than too many.
        assertEq(0, lmsr.sharesDown(B, 60 * B, 1, 1));
    }

    /// @notice One unit buys two shares at the most, which is the price of one half, and one share fetches nothing.
    function test_OneUnit() public view {
        for (uint256 b = 1e6; b <= 1 << 79; b *= 10) {
            uint256 opening = lmsr.openingSharesUp(b);
            assertLe(lmsr.sharesDown(b, opening, opening, 1), 2);
            assertEq(0, lmsr.amountDown(b, opening, opening, 1));
        }
    }

    /// @notice The reference that the fuzz tests compare with is right itself: figures of another program.
    function test_Reference() public pure {
        assertEq(1e38, ExpReference.expOf(0, 7));
        assertApproxEqAbs(36787944117144232159552377016146086745, ExpReference.expOf(7, 7), ExpReference.ERROR);
        assertApproxEqAbs(71653131057378925042560409692537966745, ExpReference.expOf(1, 3), ExpReference.ERROR);
        assertApproxEqAbs(3981672112679586919, ExpReference.expOf(4467, 100), ExpReference.ERROR);
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {CurveFixture} from "../support/CurveFixture.sol";
import {CurveHandler} from "./CurveHandler.sol";

/// @notice What holds of a bonding curve after anything that anybody does.
contract CurveInvariantTest is CurveFixture {
    CurveHandler internal handler;
    address[] internal people;

    function setUp() public override {
        super.setUp();
        for (uint256 i; i < 4; ++i) {
            people.push(address(uint160(0x1000 + i)));
        }
        handler = new CurveHandler(curve, usdc, people);
        usdc.transferOwnership(address(handler));
        bytes4[] memory selectors = new bytes4[](9);
        // Buys twice: the curve should fill up.
        selectors[0] = CurveHandler.buy.selector;
        selectors[1] = CurveHandler.buy.selector;
        selectors[2] = CurveHandler.sell.selector;
        selectors[3] = CurveHandler.transfer.selector;
        selectors[4] = CurveHandler.claimFees.selector;
        selectors[5] = CurveHandler.donate.selector;
        selectors[6] = CurveHandler.donateToPool.selector;
        selectors[7] = CurveHandler.pushIntoPool.selector;
        selectors[8] = CurveHandler.graduate.selector;
        targetContract(address(handler));
        targetSelector(FuzzSelector({addr: address(handler), selectors: selectors}));
    }

    /// @notice The curve covers what it owes, its tokens add up, and no trade lowers the product of its reserves.
    function invariant_CurveIsSound() public view {
        _assertSound();
        (uint256 reserve, uint256 liabilities,) = curve.reserveStatus();
        assertEq(liabilities + handler.donated(), reserve, "reserve");
        uint256 graduated = curve.graduated() ? TARGET : 0;
        assertEq(
            handler.spent(), handler.received() + liabilities + handler.claimed() + graduated, "what came and went"
        );
        assertEq(handler.donatedToPool() + graduated, usdc.balanceOf(address(pool)), "quote in the pool");
        uint256 held;
        for (uint256 i; i < people.length; ++i) {
            held += mrt.balanceOf(people[i]);
        }
        assertEq(curve.sold(), held, "tokens sold");
        uint256 pooled = mrt.balanceOf(address(pool));
        assertEq(mrt.totalSupply(), held + mrt.balanceOf(address(curve)) + pooled, "tokens in all");
        assertEq(graduated == 0, pooled == 0, "tokens come to the pool by graduation");
        assertEq(pool.totalSupply(), graduated == 0 ? 0 : lock.locked() + 1000, "shares of the pool");
        assertFalse(handler.productFell(), "product of the reserves");
    }

    /// @notice In the end everybody can sell, and what is left of the raised quote is rounding; or the curve is complete
    /// and can be graduated.
    function afterInvariant() public {
        handler.everybodySells();
        handler.graduate(0);
        assertTrue(curve.graduated() || curve.raised() <= 1000, "raised when all is sold back");
        _assertSound();
    }
}

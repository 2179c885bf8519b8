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
        bytes4[] memory selectors = new bytes4[](6);
        // Buys twice: the curve should fill up.
        selectors[0] = CurveHandler.buy.selector;
        selectors[1] = CurveHandler.buy.selector;
        selectors[2] = CurveHandler.sell.selector;
        selectors[3] = CurveHandler.transfer.selector;
        selectors[4] = CurveHandler.claimFees.selector;
        selectors[5] = CurveHandler.donate.selector;
        targetContract(address(handler));
        targetSelector(FuzzSelector({addr: address(handler), selectors: selectors}));
    }

    /// @notice The curve covers what it owes, its tokens add up, and no trade lowers the product of its reserves.
    function invariant_CurveIsSound() public view {
        _assertSound();
        (uint256 reserve, uint256 liabilities,) = curve.reserveStatus();
        assertEq(liabilities + handler.donated(), reserve, "reserve");
        assertEq(handler.spent(), handler.received() + liabilities + handler.claimed(), "what came and went");
        uint256 held;
        for (uint256 i; i < people.length; ++i) {
            held += mrt.balanceOf(people[i]);
        }
        assertEq(curve.sold(), held, "tokens sold");
        assertFalse(handler.productFell(), "product of the reserves");
    }

    /// @notice In the end everybody can sell; what is left of the raised quote is rounding.
    function afterInvariant() public {
        handler.everybodySells();
        assertLe(curve.raised(), 1000, "raised when all is sold back");
        _assertSound();
    }
}

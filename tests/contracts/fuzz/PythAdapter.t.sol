// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPythAdapter} from "../../../contracts/interfaces/IPythAdapter.sol";
import {PriceScale} from "../../../contracts/libraries/PriceScale.sol";
import {PythFixture} from "../support/PythFixture.sol";

/// @notice Which of Pyth's updates the adapter takes, and what it makes of them.
contract PythAdapterFuzzTest is PythFixture {
    /// @notice The price at 1e18 is what comes of moving the point one digit at a time; by name if a digit would be lost.
    function testFuzz_Scale(int64 value, int256 exponent, uint256 zeros) public {
        exponent = bound(exponent, -36, 18);
        value = int64(bound(value, 1, type(int64).max));
        // Round numbers, or nothing would ever be exact.
        value -= value % int64(uint64(10 ** bound(zeros, 0, 18)));
        vm.assume(value > 0);
        (uint256 expected, bool lost) = (uint64(value), false);
        for (int256 digit = -18; digit < exponent; ++digit) {
            expected *= 10;
        }
        for (int256 digit = exponent; digit < -18; ++digit) {
            lost = lost || expected % 10 != 0;
            expected /= 10;
        }
        bytes memory report = _report(_update(BTC_ID, value, 0, int32(exponent), BOUNDARY, BOUNDARY - 1));
        if (lost) {
            vm.expectRevert(abi.encodeWithSelector(PriceScale.PrecisionLost.selector, uint256(uint64(value)), exponent));
            adapter.verify{value: FEE}(report);
        } else {
            assertEq(expected, adapter.verify{value: FEE}(report)[0].price);
        }
    }

    /// @notice Exponents within what prices can be are scaled, others refused.
    function testFuzz_ExponentRange(int32 exponent) public {
        bytes memory report = _report(_update(BTC_ID, 1e18, 0, exponent, BOUNDARY, BOUNDARY - 1));
        if (exponent < -36 || exponent > 18) vm.expectPartialRevert(PriceScale.ExponentOutOfRange.selector);
        adapter.verify{value: FEE}(report);
    }

    /// @notice A price is certain enough if its interval is within the limit's share of it, to the last unit.
    function testFuzz_Confidence(int64 value, uint64 confidence, uint256 limitBps) public {
        limitBps = bound(limitBps, 1, 10_000);
        value = int64(bound(value, 1, type(int64).max));
        adapter = _deployAdapter(address(pyth), GAP, limitBps);
        uint256 widest = uint256(uint64(value)) * limitBps / 10_000;
        if (confidence % 4 == 0) confidence = uint64(widest);
        if (confidence % 4 == 1) confidence = uint64(widest + 1);
        bytes memory report = _report(_update(BTC_ID, value, confidence, EXPONENT, BOUNDARY, BOUNDARY - 1));
        if (confidence > widest) vm.expectPartialRevert(IPythAdapter.PriceTooUncertain.selector);
        adapter.verify{value: FEE}(report);
    }

    /// @notice Of any history of updates only the first at or after the boundary is taken, and only within the gap.
    function testFuzz_OneUpdateAtMost(uint256[8] memory waits, uint256 lead) public {
        uint256 time = BOUNDARY - bound(lead, 0, 2 * GAP);
        vm.warp(BOUNDARY + 1 days);
        bool passed = false;
        for (uint256 i; i < waits.length; ++i) {
            // Several updates may be of the same second; the first of them is the first.
            uint256 previous = time;
            time += waits[i] % (GAP / 2);
            bool first = !passed && previous < BOUNDARY && time >= BOUNDARY;
            bool expected = first && time <= BOUNDARY + GAP;
            passed = passed || first;
            try adapter.verify{value: FEE}(_report(_update(time, previous))) {
                assertTrue(expected, "another update than the first was taken");
            } catch {
                assertFalse(expected, "the first update was refused");
            }
        }
    }

    /// @notice No ether but the exact fee is taken, however many updates there are.
    function testFuzz_Fee(uint256 given, uint256 count) public {
        count = bound(count, 1, 8);
        given = bound(given, 0, 10 * FEE);
        bytes[] memory updates = new bytes[](count);
        for (uint256 i; i < count; ++i) {
            updates[i] = _update(BOUNDARY, BOUNDARY - 1);
        }
        bytes memory report = _report(updates, _list(BTC), BOUNDARY);
        assertEq(count * FEE, adapter.feeOf(report));
        if (given != count * FEE) {
            vm.expectRevert(abi.encodeWithSelector(IPythAdapter.WrongFee.selector, given, count * FEE));
        }
        adapter.verify{value: given}(report);
        assertEq(0, address(adapter).balance);
    }
}

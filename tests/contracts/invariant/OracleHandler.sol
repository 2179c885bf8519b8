// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {BoundaryPrice, BoundaryStatus} from "../../../contracts/interfaces/IBoundaryOracle.sol";
import {IOracle} from "../support/Kit.sol";

/// @title Oracle handler
/// @notice Everything that people do with a feed of three adapters: time passes, each adapter vouches for some price of
/// some boundary at any time, boundaries are stamped. Whether the oracle takes it is foretold from the rule alone.
contract OracleHandler is Test {
    error Taken();

    bytes32 internal constant FEED = "BTC/USD";
    uint256 internal constant BOUNDARIES = 4;

    IOracle internal oracle;
    uint256 internal start;
    address[] internal adapters;
    uint256[] internal deadlines;

    /// What was posted first.
    mapping(uint256 boundary => uint256 price) public postedPrice;
    /// Whether the boundary was void once, stamped or not.
    mapping(uint256 boundary => bool) public wasVoid;

    constructor(IOracle oracle_, uint256 start_, address[] memory adapters_, uint256[] memory deadlines_) {
        (oracle, start, adapters, deadlines) = (oracle_, start_, adapters_, deadlines_);
    }

    function warp(uint256 time) external {
        vm.warp(block.timestamp + bound(time, 1, 150));
        for (uint256 i; i < BOUNDARIES; ++i) {
            _note(start + i * 300);
        }
    }

    /// @notice Any of the adapters vouches for a price; there are few prices, so that some are the same.
    function post(uint256 seed, uint256 rank, uint256 price) external {
        (uint256 boundary, address adapter) = (_boundary(seed), adapters[rank % adapters.length]);
        price = bound(price, 1, 3);
        (BoundaryStatus status, uint256 stored) = oracle.boundaryOf(FEED, boundary);
        bool due = status == BoundaryStatus.NONE && _isDue(boundary, rank % adapters.length);
        bool repeated = status == BoundaryStatus.POSTED && stored == price;
        try oracle.post(adapter, _report(boundary, price)) returns (uint256 posted) {
            assertTrue(due || repeated, "a price was taken that was not due");
            assertEq(due ? 1 : 0, posted, "prices that were new");
            if (due) postedPrice[boundary] = price;
        } catch {
            assertFalse(due || repeated, "a price that was due was refused");
        }
    }

    function voidBoundary(uint256 seed) external {
        uint256 boundary = _boundary(seed);
        bool due = block.timestamp > boundary + deadlines[deadlines.length - 1] && postedPrice[boundary] == 0;
        try oracle.voidBoundary(FEED, boundary) {
            assertTrue(due, "a boundary was stamped too early");
        } catch {
            assertFalse(due && !wasVoid[boundary], "a void boundary was not stamped");
        }
        _note(boundary);
    }

    /// @notice How many of the adapters could post a new price for the boundary now.
    function ableToPost(uint256 boundary) external returns (uint256 able) {
        for (uint256 rank; rank < adapters.length; ++rank) {
            try this.tryPost(boundary, adapters[rank]) {}
            catch (bytes memory reason) {
                if (bytes4(reason) == Taken.selector) ++able;
            }
        }
    }

    /// @notice Reverts, with `Taken` if the price is taken. No other price is as high, so none that stands is the same.
    function tryPost(uint256 boundary, address adapter) external {
        oracle.post(adapter, _report(boundary, 4));
        revert Taken();
    }

    function boundaryAt(uint256 index) external view returns (uint256) {
        return start + index * 300;
    }

    function _note(uint256 boundary) private {
        (BoundaryStatus status,) = oracle.boundaryOf(FEED, boundary);
        if (status == BoundaryStatus.VOID) wasVoid[boundary] = true;
    }

    function _boundary(uint256 seed) private view returns (uint256) {
        return start + seed % BOUNDARIES * 300;
    }

    function _isDue(uint256 boundary, uint256 rank) private view returns (bool) {
        if (block.timestamp < boundary || block.timestamp > boundary + deadlines[rank]) return false;
        return rank == 0 || block.timestamp > boundary + deadlines[rank - 1];
    }

    function _report(uint256 boundary, uint256 price) private pure returns (bytes memory) {
        BoundaryPrice[] memory prices = new BoundaryPrice[](1);
        prices[0] = BoundaryPrice(FEED, boundary, price);
        return abi.encode(prices);
    }
}

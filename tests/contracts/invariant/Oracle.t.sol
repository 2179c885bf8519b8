// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BoundaryStatus} from "../../../contracts/interfaces/IBoundaryOracle.sol";
import {PlainAdapter} from "../doubles/PlainAdapter.sol";
import {Deployer} from "../support/Deployer.sol";
import {IOracle} from "../support/Kit.sol";
import {OracleHandler} from "./OracleHandler.sol";

/// @notice What holds of a feed with three adapters after anything that anybody does.
contract OracleInvariantTest is Deployer {
    bytes32 internal constant FEED = "BTC/USD";
    uint256 internal constant START = 1_800_000_000;
    uint256 internal constant LAST = 1500;

    IOracle internal oracle;
    OracleHandler internal handler;
    address[] internal adapters;
    uint256[] internal deadlines = [300, 900, LAST];

    function setUp() public {
        vm.warp(START);
        oracle = IOracle(deploy("BoundaryOracle.sol:BoundaryOracle", abi.encode(address(this))));
        for (uint256 i; i < 3; ++i) {
            adapters.push(address(new PlainAdapter()));
        }
        oracle.registerFeed(FEED, adapters, deadlines);
        handler = new OracleHandler(oracle, START, adapters, deadlines);
        bytes4[] memory selectors = new bytes4[](3);
        (selectors[0], selectors[1]) = (OracleHandler.warp.selector, OracleHandler.post.selector);
        selectors[2] = OracleHandler.voidBoundary.selector;
        targetContract(address(handler));
        targetSelector(FuzzSelector({addr: address(handler), selectors: selectors}));
    }

    /// @notice All that follows holds after every call. One campaign for all of it: each sequence is checked for everything.
    function invariant_FeedIsSound() public {
        for (uint256 i; i < 4; ++i) {
            uint256 boundary = handler.boundaryAt(i);
            (BoundaryStatus status, uint256 price) = oracle.boundaryOf(FEED, boundary);
            _checkFinal(boundary, status, price);
            uint256 able = handler.ableToPost(boundary);
            assertLe(able, 1, "one adapter at most can post");
            bool open = block.timestamp >= boundary && status == BoundaryStatus.NONE;
            assertEq(open ? 1 : 0, able, "one can as long as the boundary is open");
        }
    }

    /// @dev A price that was posted never changes, and void stays void.
    function _checkFinal(uint256 boundary, BoundaryStatus status, uint256 price) private view {
        uint256 posted = handler.postedPrice(boundary);
        if (posted != 0) {
            assertEq(uint256(BoundaryStatus.POSTED), uint256(status), "posted stays posted");
            assertEq(posted, price, "the first price stands");
        }
        if (handler.wasVoid(boundary)) assertEq(uint256(BoundaryStatus.VOID), uint256(status), "void is final");
        if (block.timestamp > boundary + LAST) assertTrue(status != BoundaryStatus.NONE, "decided after the deadline");
    }
}

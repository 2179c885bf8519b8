// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BoundaryPrice, BoundaryStatus, IBoundaryOracle} from "../../../contracts/interfaces/IBoundaryOracle.sol";
import {PlainAdapter} from "../doubles/PlainAdapter.sol";
import {Deployer} from "../support/Deployer.sol";
import {IOracle} from "../support/Kit.sol";

/// @notice The oracle's grid: which boundaries take a price, and that none touches another.
contract BoundaryOracleFuzzTest is Deployer {
    uint256 internal constant START = 1_800_000_000;
    uint256 internal constant DEADLINE = 3600;

    IOracle internal oracle;
    PlainAdapter internal adapter;
    bytes32[2] internal feeds = [bytes32("BTC/USD"), bytes32("ETH/USD")];

    function setUp() public {
        vm.warp(START);
        oracle = IOracle(deploy("BoundaryOracle.sol:BoundaryOracle", abi.encode(address(this))));
        adapter = new PlainAdapter();
        oracle.registerFeed(feeds[0], address(adapter), DEADLINE);
        oracle.registerFeed(feeds[1], address(adapter), 2 * DEADLINE);
    }

    /// @notice A price is taken if its boundary is on the grid, has come, and is within its deadline; by name if not.
    function testFuzz_PostAnything(uint256 boundary, uint256 price, uint8 kind) public {
        if (kind % 4 != 0) boundary = bound(boundary, START - 2 * DEADLINE, START + DEADLINE);
        if (kind % 4 > 1) boundary -= boundary % 300;
        if (kind % 4 == 3) price = bound(price, 1, type(uint128).max - 1);
        bytes32 feed = feeds[0];
        bool taken = false;
        if (boundary % 300 != 0) {
            vm.expectRevert(abi.encodeWithSelector(IBoundaryOracle.BoundaryOffGrid.selector, boundary, 300));
        } else if (boundary > START) {
            vm.expectRevert(abi.encodeWithSelector(IBoundaryOracle.BoundaryInFuture.selector, boundary, START));
        } else if (price == 0 || price >= type(uint128).max) {
            vm.expectRevert(abi.encodeWithSelector(IBoundaryOracle.PriceOutOfRange.selector, feed, boundary, price));
        } else if (START > boundary + DEADLINE) {
            vm.expectRevert(
                abi.encodeWithSelector(
                    IBoundaryOracle.BoundaryDeadlinePassed.selector, feed, boundary, boundary + DEADLINE
                )
            );
        } else {
            taken = true;
        }
        _post(feed, boundary, price);
        if (taken) _assertBoundary(feed, boundary, BoundaryStatus.POSTED, price);
    }

    /// @notice Prices on the grid that are in time are taken.
    function testFuzz_PostOnTheGrid(uint256 steps, uint128 price, uint256 wait) public {
        price = uint128(bound(price, 1, type(uint128).max - 1));
        uint256 boundary = START + 300 * bound(steps, 0, 1e9);
        vm.warp(boundary + bound(wait, 0, DEADLINE));
        _post(feeds[0], boundary, price);
        _assertBoundary(feeds[0], boundary, BoundaryStatus.POSTED, price);
        _assertUntouched(feeds[0], boundary + 300);
        if (boundary != START) _assertUntouched(feeds[0], boundary - 300);
        (BoundaryStatus other,) = oracle.boundaryOf(feeds[1], boundary);
        assertEq(uint256(BoundaryStatus.NONE), uint256(other));
    }

    /// @notice Any mixture of posts and stamps over two feeds reads back as it was written.
    function testFuzz_BoundariesAreApart(uint256[12] memory actions) public {
        vm.warp(START + 12 * 300 + 3 * DEADLINE);
        uint256 first = START + 12 * 300;
        // Of the grid's last boundaries, the older are for stamps and the newer for prices.
        uint256[2][24] memory expected;
        for (uint256 i; i < 12; ++i) {
            for (uint256 f; f < 2; ++f) {
                uint256 kind = (actions[i] >> f) % 2;
                uint256 boundary = kind == 0 ? first - i * 300 : first + 2 * DEADLINE + i * 300;
                if (kind == 0) oracle.voidBoundary(feeds[f], boundary);
                else _post(feeds[f], boundary, 1 + uint128(actions[i] >> 2) / 2);
                expected[2 * i + f] = [boundary, kind == 0 ? 0 : 1 + uint128(actions[i] >> 2) / 2];
            }
        }
        for (uint256 i; i < 24; ++i) {
            BoundaryStatus status = expected[i][1] == 0 ? BoundaryStatus.VOID : BoundaryStatus.POSTED;
            _assertBoundary(feeds[i % 2], expected[i][0], status, expected[i][1]);
        }
    }

    /// @notice What is known of a boundary goes from nothing to a price or to void, once.
    function testFuzz_StatusIsFinal(uint256[6] memory waits, uint128[6] memory prices) public {
        BoundaryStatus known;
        uint256 knownPrice;
        for (uint256 i; i < 6; ++i) {
            vm.warp(block.timestamp + waits[i] % DEADLINE);
            if (waits[i] % 3 == 0) {
                try this.postForFuzz(prices[i]) {} catch {}
            } else if (waits[i] % 3 == 1) {
                try oracle.voidBoundary(feeds[0], START) {} catch {}
            }
            (BoundaryStatus status, uint256 price) = oracle.boundaryOf(feeds[0], START);
            if (known != BoundaryStatus.NONE) {
                assertEq(uint256(known), uint256(status));
                assertEq(knownPrice, price);
            }
            (known, knownPrice) = (status, price);
        }
    }

    /// @notice Whatever the deadlines: of all adapters the first one whose deadline has not passed can post, and no other.
    function testFuzz_OneAdapterAtEveryInstant(uint256[4] memory waits, uint256 count, uint256 age) public {
        count = bound(count, 1, 4);
        (address[] memory adapters, uint256[] memory deadlines) = (new address[](count), new uint256[](count));
        uint256 last = 299;
        for (uint256 i; i < count; ++i) {
            last += 1 + waits[i] % 1 days;
            (adapters[i], deadlines[i]) = (address(new PlainAdapter()), last);
        }
        oracle.registerFeed("SOL/USD", adapters, deadlines);
        // At one of the deadlines, a second later, or anywhere.
        age = age % 3 == 2 ? age % (last + 10) : deadlines[age % count] + age % 3;
        vm.warp(START + age);
        bool found = false;
        for (uint256 i; i < count; ++i) {
            bool due = !found && age <= deadlines[i];
            found = found || due;
            uint256 snapshot = vm.snapshotState();
            try this.postBy(adapters[i]) {
                assertTrue(due, "an adapter posted that was not due");
            } catch {
                assertFalse(due, "the adapter that was due could not post");
            }
            vm.revertToState(snapshot);
        }
        (BoundaryStatus status,) = oracle.boundaryOf("SOL/USD", START);
        assertEq(uint256(found ? BoundaryStatus.NONE : BoundaryStatus.VOID), uint256(status));
    }

    /// @notice For `try`, which takes external calls only.
    function postBy(address by) external {
        BoundaryPrice[] memory prices = new BoundaryPrice[](1);
        prices[0] = BoundaryPrice("SOL/USD", START, 1);
        oracle.post(by, abi.encode(prices));
    }

    /// @notice For `try`, which takes external calls only.
    function postForFuzz(uint256 price) external {
        _post(feeds[0], START, price);
    }

    function _post(bytes32 feed, uint256 boundary, uint256 price) private {
        BoundaryPrice[] memory prices = new BoundaryPrice[](1);
        prices[0] = BoundaryPrice(feed, boundary, price);
        oracle.post(address(adapter), abi.encode(prices));
    }

    function _assertUntouched(bytes32 feed, uint256 boundary) private view {
        (BoundaryStatus status, uint256 price) = oracle.boundaryOf(feed, boundary);
        assertNotEq(uint256(BoundaryStatus.POSTED), uint256(status));
        assertEq(0, price);
    }

    function _assertBoundary(bytes32 feed, uint256 boundary, BoundaryStatus expected, uint256 priceExpected)
        private
        view
    {
        (BoundaryStatus status, uint256 price) = oracle.boundaryOf(feed, boundary);
        assertEq(uint256(expected), uint256(status));
        assertEq(priceExpected, price);
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

import {BoundaryPrice, BoundaryStatus, IBoundaryOracle} from "../../../../contracts/interfaces/IBoundaryOracle.sol";
import {PlainAdapter} from "../../doubles/PlainAdapter.sol";
import {Deployer} from "../../support/Deployer.sol";
import {IOracle} from "../../support/Kit.sol";

contract BoundaryOracleTest is Deployer {
    bytes32 internal constant BTC = "BTC/USD";
    bytes32 internal constant ETH = "ETH/USD";
    uint256 internal constant START = 1_800_000_000;
    uint256 internal constant DEADLINE = 900;
    uint256 internal constant PRICE = 60_000e18;

    address internal owner = makeAddr("owner");
    IOracle internal oracle;
    PlainAdapter internal adapter;

    function setUp() public {
        vm.warp(START);
        oracle = IOracle(deploy("BoundaryOracle.sol:BoundaryOracle", abi.encode(owner)));
        adapter = new PlainAdapter();
        vm.prank(owner);
        oracle.registerFeed(BTC, address(adapter), DEADLINE);
    }

    /// @notice The owner adds feeds; each gets the next number and keeps its adapter and its deadline.
    function test_RegisterFeed() public {
        vm.expectEmit(address(oracle));
        emit IBoundaryOracle.FeedRegistered(ETH, 2, address(this), 300);
        vm.prank(owner);
        oracle.registerFeed(ETH, address(this), 300);
        assertEq(2, oracle.feedCount());
        assertEq(2, oracle.feedIndex(ETH));
        assertTrue(oracle.isFeed(ETH));
        (address known, uint256 deadline) = oracle.feedOf(ETH);
        assertEq(address(this), known);
        assertEq(300, deadline);
        assertFalse(oracle.isFeed("SOL/USD"));
    }

    /// @notice Nobody but the owner adds feeds.
    function test_RevertWhen_FeedIsRegisteredByAnother() public {
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, address(this)));
        oracle.registerFeed(ETH, address(adapter), DEADLINE);
    }

    /// @notice A feed stays as it is.
    function test_RevertWhen_FeedExists() public {
        vm.expectRevert(abi.encodeWithSelector(IBoundaryOracle.FeedExists.selector, BTC));
        vm.prank(owner);
        oracle.registerFeed(BTC, address(this), DEADLINE);
    }

    /// @notice A feed needs an adapter.
    function test_RevertWhen_AdapterIsZero() public {
        vm.expectRevert(IBoundaryOracle.ZeroAddress.selector);
        vm.prank(owner);
        oracle.registerFeed(ETH, address(0), DEADLINE);
    }

    /// @notice A deadline is between one epoch and a week.
    function test_RevertWhen_DeadlineIsOutOfRange() public {
        vm.startPrank(owner);
        vm.expectRevert(abi.encodeWithSelector(IBoundaryOracle.DeadlineOutOfRange.selector, 299, 300, 7 days));
        oracle.registerFeed(ETH, address(adapter), 299);
        uint256 beyond = 7 days + 1;
        vm.expectRevert(abi.encodeWithSelector(IBoundaryOracle.DeadlineOutOfRange.selector, beyond, 300, 7 days));
        oracle.registerFeed(ETH, address(adapter), beyond);
        oracle.registerFeed(ETH, address(adapter), 7 days);
    }

    /// @notice Feed numbers have 24 bits.
    function test_RevertWhen_ThereAreTooManyFeeds() public {
        uint256 most = type(uint24).max;
        // The count is stored where its getter reads.
        vm.record();
        oracle.feedCount();
        (bytes32[] memory reads,) = vm.accesses(address(oracle));
        vm.store(address(oracle), reads[0], bytes32(most));
        vm.expectRevert(abi.encodeWithSelector(IBoundaryOracle.TooManyFeeds.selector, most + 1, most));
        vm.prank(owner);
        oracle.registerFeed(ETH, address(adapter), DEADLINE);
    }

    /// @notice What a feed is not known by is asked in vain.
    function test_RevertWhen_FeedIsUnknown() public {
        bytes memory expected = abi.encodeWithSelector(IBoundaryOracle.UnknownFeed.selector, ETH);
        vm.expectRevert(expected);
        oracle.feedIndex(ETH);
        vm.expectRevert(expected);
        oracle.feedOf(ETH);
        vm.expectRevert(expected);
        oracle.boundaryOf(ETH, START);
        vm.expectRevert(expected);
        oracle.voidBoundary(ETH, START);
        vm.expectRevert(expected);
        _post(ETH, START, PRICE);
    }

    /// @notice Anyone posts what the adapter vouches for.
    function test_Post() public {
        _assertBoundary(BTC, START, BoundaryStatus.NONE, 0);
        vm.expectEmit(address(oracle));
        emit IBoundaryOracle.BoundaryPosted(BTC, START, PRICE);
        vm.prank(makeAddr("anyone"));
        assertEq(1, _post(BTC, START, PRICE));
        _assertBoundary(BTC, START, BoundaryStatus.POSTED, PRICE);
        _assertBoundary(BTC, START - 300, BoundaryStatus.NONE, 0);
        _assertBoundary(BTC, START + 300, BoundaryStatus.NONE, 0);
    }

    /// @notice One report may cover many feeds and boundaries; prices that stand already are passed over.
    function test_PostBatch() public {
        vm.prank(owner);
        oracle.registerFeed(ETH, address(adapter), DEADLINE);
        _post(BTC, START, PRICE);
        BoundaryPrice[] memory prices = new BoundaryPrice[](4);
        prices[0] = BoundaryPrice(BTC, START - 300, PRICE - 1);
        prices[1] = BoundaryPrice(BTC, START, PRICE);
        prices[2] = BoundaryPrice(ETH, START, 3000e18);
        prices[3] = BoundaryPrice(ETH, START, 3000e18);
        assertEq(2, oracle.post(address(adapter), abi.encode(prices)));
        _assertBoundary(BTC, START - 300, BoundaryStatus.POSTED, PRICE - 1);
        _assertBoundary(BTC, START, BoundaryStatus.POSTED, PRICE);
        _assertBoundary(ETH, START, BoundaryStatus.POSTED, 3000e18);
    }

    /// @notice A price counts until the second of its deadline.
    function test_PostAtTheDeadline() public {
        vm.warp(START + DEADLINE);
        _assertBoundary(BTC, START, BoundaryStatus.NONE, 0);
        _post(BTC, START, PRICE);
        vm.warp(START + 365 days);
        _assertBoundary(BTC, START, BoundaryStatus.POSTED, PRICE);
    }

    /// @notice A report that proves nothing is refused.
    function test_RevertWhen_ReportIsEmpty() public {
        vm.expectRevert(IBoundaryOracle.EmptyReport.selector);
        oracle.post(address(adapter), abi.encode(new BoundaryPrice[](0)));
    }

    /// @notice A feed believes its own adapter and no other.
    function test_RevertWhen_AdapterIsAnother() public {
        PlainAdapter other = new PlainAdapter();
        vm.expectRevert(
            abi.encodeWithSelector(IBoundaryOracle.WrongAdapter.selector, BTC, address(other), address(adapter))
        );
        oracle.post(address(other), _report(BTC, START, PRICE));
    }

    /// @notice Boundaries are multiples of 300.
    function test_RevertWhen_BoundaryIsOffGrid() public {
        bytes memory expected = abi.encodeWithSelector(IBoundaryOracle.BoundaryOffGrid.selector, START - 1, 300);
        vm.expectRevert(expected);
        _post(BTC, START - 1, PRICE);
        vm.expectRevert(expected);
        oracle.voidBoundary(BTC, START - 1);
        vm.expectRevert(expected);
        oracle.boundaryOf(BTC, START - 1);
    }

    /// @notice Boundaries that no clock will reach are asked for in vain, and not mixed up with those of other feeds.
    function test_RevertWhen_BoundaryIsBeyondTime() public {
        uint256 beyond = START + 600 * 2 ** 65;
        vm.expectRevert(abi.encodeWithSelector(IBoundaryOracle.BoundaryOffGrid.selector, beyond, 300));
        oracle.boundaryOf(BTC, beyond);
        uint256 last = type(uint256).max / 300 * 300;
        vm.expectRevert(
            abi.encodeWithSelector(IBoundaryOracle.BoundaryDeadlineNotPassed.selector, BTC, last, type(uint256).max)
        );
        oracle.voidBoundary(BTC, last);
    }

    /// @notice No price before its time.
    function test_RevertWhen_BoundaryIsInTheFuture() public {
        vm.warp(START + 299);
        vm.expectRevert(abi.encodeWithSelector(IBoundaryOracle.BoundaryInFuture.selector, START + 300, START + 299));
        _post(BTC, START + 300, PRICE);
    }

    /// @notice A price is above zero and fits in its half of a slot.
    function test_RevertWhen_PriceIsOutOfRange() public {
        uint256 most = type(uint128).max - 1;
        vm.expectRevert(abi.encodeWithSelector(IBoundaryOracle.PriceOutOfRange.selector, BTC, START, 0));
        _post(BTC, START, 0);
        vm.expectRevert(abi.encodeWithSelector(IBoundaryOracle.PriceOutOfRange.selector, BTC, START, most + 1));
        _post(BTC, START, most + 1);
        _post(BTC, START, most);
        _assertBoundary(BTC, START, BoundaryStatus.POSTED, most);
    }

    /// @notice The first price stands.
    function test_RevertWhen_PriceDiffers() public {
        _post(BTC, START, PRICE);
        vm.expectRevert(abi.encodeWithSelector(IBoundaryOracle.DifferentPrice.selector, BTC, START, PRICE, PRICE + 1));
        _post(BTC, START, PRICE + 1);
    }

    /// @notice After its deadline a price comes too late, whether or not the boundary is stamped.
    function test_RevertWhen_DeadlineHasPassed() public {
        vm.warp(START + DEADLINE + 1);
        vm.expectRevert(
            abi.encodeWithSelector(IBoundaryOracle.BoundaryDeadlinePassed.selector, BTC, START, START + DEADLINE)
        );
        _post(BTC, START, PRICE);
        oracle.voidBoundary(BTC, START);
        vm.expectRevert(abi.encodeWithSelector(IBoundaryOracle.BoundaryAlreadyVoid.selector, BTC, START));
        _post(BTC, START, PRICE);
    }

    /// @notice A stamp says what was so without it.
    function test_VoidBoundary() public {
        vm.warp(START + DEADLINE + 1);
        _assertBoundary(BTC, START, BoundaryStatus.VOID, 0);
        vm.expectEmit(address(oracle));
        emit IBoundaryOracle.BoundaryVoided(BTC, START);
        vm.prank(makeAddr("anyone"));
        oracle.voidBoundary(BTC, START);
        _assertBoundary(BTC, START, BoundaryStatus.VOID, 0);
        _assertBoundary(BTC, START + 300, BoundaryStatus.NONE, 0);
    }

    /// @notice No stamp while a price can still come.
    function test_RevertWhen_VoidingTooEarly() public {
        vm.warp(START + DEADLINE);
        vm.expectRevert(
            abi.encodeWithSelector(IBoundaryOracle.BoundaryDeadlineNotPassed.selector, BTC, START, START + DEADLINE)
        );
        oracle.voidBoundary(BTC, START);
    }

    /// @notice No stamp over a price, and no second stamp.
    function test_RevertWhen_VoidingWhatIsKnown() public {
        _post(BTC, START, PRICE);
        vm.warp(START + 300 + DEADLINE + 1);
        vm.expectRevert(abi.encodeWithSelector(IBoundaryOracle.BoundaryAlreadyPosted.selector, BTC, START, PRICE));
        oracle.voidBoundary(BTC, START);
        oracle.voidBoundary(BTC, START + 300);
        vm.expectRevert(abi.encodeWithSelector(IBoundaryOracle.BoundaryAlreadyVoid.selector, BTC, START + 300));
        oracle.voidBoundary(BTC, START + 300);
    }

    /// @notice Both ends of an epoch in one answer, by the feed's number.
    function test_EndsOf() public {
        _post(BTC, START, PRICE);
        vm.warp(START + 300);
        (BoundaryStatus startStatus, uint256 startPrice, BoundaryStatus endStatus, uint256 endPrice) =
            oracle.endsOf(oracle.feedIndex(BTC), START, START + 300);
        assertEq(uint256(BoundaryStatus.POSTED), uint256(startStatus));
        assertEq(PRICE, startPrice);
        assertEq(uint256(BoundaryStatus.NONE), uint256(endStatus));
        assertEq(0, endPrice);
    }

    /// @notice Ownership passes when the new owner takes it, not before.
    function test_OwnershipMovesInTwoSteps() public {
        address next = makeAddr("next");
        vm.prank(owner);
        oracle.transferOwnership(next);
        assertEq(owner, oracle.owner());
        vm.prank(next);
        oracle.acceptOwnership();
        assertEq(next, oracle.owner());
    }

    function _report(bytes32 feed, uint256 boundary, uint256 price) private pure returns (bytes memory) {
        BoundaryPrice[] memory prices = new BoundaryPrice[](1);
        prices[0] = BoundaryPrice(feed, boundary, price);
        return abi.encode(prices);
    }

    function _post(bytes32 feed, uint256 boundary, uint256 price) private returns (uint256) {
        return oracle.post(address(adapter), _report(feed, boundary, price));
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

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

import {BoundaryPrice, BoundaryStatus, IBoundaryOracle} from "../../../../contracts/interfaces/IBoundaryOracle.sol";
import {PlainAdapter} from "../../doubles/PlainAdapter.sol";
import {Deployer} from "../../support/Deployer.sol";
import {IOracle} from "../../support/Kit.sol";

contract BoundaryOracleFallbackTest is Deployer {
    bytes32 internal constant BTC = "BTC/USD";
    bytes32 internal constant ETH = "ETH/USD";
    uint256 internal constant START = 1_800_000_000;
    uint256 internal constant PRICE = 60_000e18;

    IOracle internal oracle;
    /// In the order in which they are due for BTC, and until when.
    address[] internal adapters;
    uint256[] internal deadlines = [300, 900, 3600];

    function setUp() public {
        vm.warp(START);
        oracle = IOracle(deploy("BoundaryOracle.sol:BoundaryOracle", abi.encode(address(this))));
        for (uint256 i; i < 3; ++i) {
            adapters.push(address(new PlainAdapter()));
        }
        oracle.registerFeed(BTC, adapters, deadlines);
    }

    /// @notice Each adapter keeps its rank and its deadline; the short answer tells the first adapter and the last deadline.
    function test_RegisterFeed() public {
        vm.expectEmit(address(oracle));
        emit IBoundaryOracle.FeedRegistered(ETH, 2, adapters[0], 3600);
        for (uint256 rank; rank < 3; ++rank) {
            vm.expectEmit(address(oracle));
            emit IBoundaryOracle.FallbackRegistered(ETH, rank, adapters[rank], deadlines[rank]);
        }
        oracle.registerFeed(ETH, adapters, deadlines);
        _assertFeed(ETH);
        assertEq(2, oracle.feedIndex(ETH));
    }

    /// @notice With one adapter both forms do the same, and there is no word of fallbacks.
    function test_RegisterOneAdapter() public {
        _shorten(1);
        vm.recordLogs();
        oracle.registerFeed(ETH, adapters, deadlines);
        oracle.registerFeed("SOL/USD", adapters[0], deadlines[0]);
        assertEq(2, vm.getRecordedLogs().length);
        _assertFeed(ETH);
        _assertFeed("SOL/USD");
    }

    /// @notice Four adapters are the most.
    function test_RevertWhen_ThereAreTooManyAdapters() public {
        adapters.push(address(new PlainAdapter()));
        deadlines.push(7 days);
        oracle.registerFeed(ETH, adapters, deadlines);
        _assertFeed(ETH);
        adapters.push(address(new PlainAdapter()));
        deadlines.push(7 days);
        _assertRefused(abi.encodeWithSelector(IBoundaryOracle.TooManyAdapters.selector, 5, 4));
    }

    /// @notice One adapter is the least.
    function test_RevertWhen_ThereAreNoAdapters() public {
        _shorten(0);
        _assertRefused(abi.encodeWithSelector(IBoundaryOracle.NoAdapters.selector));
    }

    /// @notice Every adapter has its deadline.
    function test_RevertWhen_AdaptersAndDeadlinesDiffer() public {
        adapters.pop();
        _assertRefused(abi.encodeWithSelector(IBoundaryOracle.AdaptersAndDeadlinesDiffer.selector, 2, 3));
    }

    /// @notice An adapter has one time and not two.
    function test_RevertWhen_AnAdapterIsNamedTwice() public {
        adapters[2] = adapters[0];
        _assertRefused(abi.encodeWithSelector(IBoundaryOracle.DuplicateAdapter.selector, adapters[0]));
    }

    /// @notice Every rank needs an adapter.
    function test_RevertWhen_AnAdapterIsZero() public {
        adapters[1] = address(0);
        _assertRefused(abi.encodeWithSelector(IBoundaryOracle.ZeroAddress.selector));
    }

    /// @notice Each deadline is later than the one before.
    function test_RevertWhen_DeadlinesAreNotAscending() public {
        deadlines[2] = 900;
        _assertRefused(abi.encodeWithSelector(IBoundaryOracle.DeadlinesNotAscending.selector, 900, 900));
        deadlines[2] = 899;
        _assertRefused(abi.encodeWithSelector(IBoundaryOracle.DeadlinesNotAscending.selector, 900, 899));
    }

    /// @notice Every deadline is between one epoch and a week.
    function test_RevertWhen_ADeadlineIsOutOfRange() public {
        deadlines[0] = 299;
        _assertRefused(abi.encodeWithSelector(IBoundaryOracle.DeadlineOutOfRange.selector, 299, 300, 7 days));
        (deadlines[0], deadlines[2]) = (300, 7 days + 1);
        _assertRefused(abi.encodeWithSelector(IBoundaryOracle.DeadlineOutOfRange.selector, 7 days + 1, 300, 7 days));
    }

    /// @notice A feed stays as it is, and only the owner adds one.
    function test_RevertWhen_FeedIsRegisteredAgainOrByAnother() public {
        vm.expectRevert(abi.encodeWithSelector(IBoundaryOracle.FeedExists.selector, BTC));
        oracle.registerFeed(BTC, adapters, deadlines);
        address anyone = makeAddr("anyone");
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, anyone));
        vm.prank(anyone);
        oracle.registerFeed(ETH, adapters, deadlines);
    }

    /// @notice What a feed is not known by has no adapters.
    function test_RevertWhen_FeedIsUnknown() public {
        vm.expectRevert(abi.encodeWithSelector(IBoundaryOracle.UnknownFeed.selector, ETH));
        oracle.adaptersOf(ETH);
    }

    /// @notice From the first to the last second of its time an adapter's price is taken, and nobody else's.
    function test_EachAdapterInItsTime() public {
        uint256[6] memory ages = [uint256(0), 300, 301, 900, 901, 3600];
        for (uint256 i; i < ages.length; ++i) {
            uint256 boundary = START + i * 1 days / 300 * 300;
            vm.warp(boundary + ages[i]);
            for (uint256 rank; rank < 3; ++rank) {
                if (rank == i / 2) continue;
                vm.expectRevert(_notDue(boundary, rank));
                _post(adapters[rank], BTC, boundary, PRICE);
            }
            assertEq(1, _post(adapters[i / 2], BTC, boundary, PRICE));
            _assertBoundary(boundary, BoundaryStatus.POSTED, PRICE);
        }
    }

    /// @notice After the last deadline nobody's price is taken.
    function test_RevertWhen_TheLastDeadlineHasPassed() public {
        vm.warp(START + 3601);
        for (uint256 rank; rank < 3; ++rank) {
            vm.expectRevert(
                abi.encodeWithSelector(IBoundaryOracle.BoundaryDeadlinePassed.selector, BTC, START, START + 3600)
            );
            _post(adapters[rank], BTC, START, PRICE);
        }
    }

    /// @notice A boundary is void after the last deadline and not after an earlier one, for whoever asks.
    function test_VoidAfterTheLastDeadlineOnly() public {
        uint256 index = oracle.feedIndex(BTC);
        vm.warp(START + 3600);
        _assertBoundary(START, BoundaryStatus.NONE, 0);
        (BoundaryStatus status,,,) = oracle.endsOf(index, START, START + 300);
        assertEq(uint256(BoundaryStatus.NONE), uint256(status));
        vm.expectRevert(
            abi.encodeWithSelector(IBoundaryOracle.BoundaryDeadlineNotPassed.selector, BTC, START, START + 3600)
        );
        oracle.voidBoundary(BTC, START);

        vm.warp(START + 3601);
        _assertBoundary(START, BoundaryStatus.VOID, 0);
        (status,,,) = oracle.endsOf(index, START, START + 300);
        assertEq(uint256(BoundaryStatus.VOID), uint256(status));
        oracle.voidBoundary(BTC, START);
        vm.expectRevert(abi.encodeWithSelector(IBoundaryOracle.BoundaryAlreadyVoid.selector, BTC, START));
        _post(adapters[2], BTC, START, PRICE);
    }

    /// @notice A price stands against those whose time comes later: the same one is passed over, another one refused.
    function test_PriceOfAnEarlierAdapterStands() public {
        _post(adapters[0], BTC, START, PRICE);
        vm.warp(START + 301);
        assertEq(0, _post(adapters[1], BTC, START, PRICE));
        vm.expectRevert(abi.encodeWithSelector(IBoundaryOracle.DifferentPrice.selector, BTC, START, PRICE, PRICE + 1));
        _post(adapters[1], BTC, START, PRICE + 1);
        _assertBoundary(START, BoundaryStatus.POSTED, PRICE);
    }

    /// @notice Who is none of the feed's adapters is never due; the error names the first one.
    function test_RevertWhen_AdapterIsAnother() public {
        address other = address(new PlainAdapter());
        vm.expectRevert(abi.encodeWithSelector(IBoundaryOracle.WrongAdapter.selector, BTC, other, adapters[0]));
        _post(other, BTC, START, PRICE);
    }

    /// @notice An adapter of many feeds has its own rank with each of them.
    function test_RankIsTheFeeds() public {
        (adapters[0], adapters[1]) = (adapters[1], adapters[0]);
        oracle.registerFeed(ETH, adapters, deadlines);
        vm.warp(START + 600);
        BoundaryPrice[] memory prices = new BoundaryPrice[](3);
        prices[0] = BoundaryPrice(BTC, START, PRICE);
        prices[1] = BoundaryPrice(ETH, START + 300, 3000e18);
        prices[2] = BoundaryPrice(BTC, START - 300, PRICE);
        assertEq(3, oracle.post(adapters[0], abi.encode(prices)));
    }

    /// @notice One price that is not due takes the whole report with it.
    function test_RevertWhen_OnePriceOfAReportIsNotDue() public {
        vm.warp(START + 600);
        BoundaryPrice[] memory prices = new BoundaryPrice[](2);
        prices[0] = BoundaryPrice(BTC, START, PRICE);
        prices[1] = BoundaryPrice(BTC, START + 300, PRICE);
        vm.expectRevert(_notDue(START + 300, 1));
        oracle.post(adapters[1], abi.encode(prices));
        _assertBoundary(START, BoundaryStatus.NONE, 0);
    }

    /// @dev What the oracle answers to the adapter of that rank when it is another one's time.
    function _notDue(uint256 boundary, uint256 rank) private view returns (bytes memory) {
        uint256 from = boundary + (rank == 0 ? 0 : deadlines[rank - 1] + 1);
        uint256 to = boundary + deadlines[rank];
        return abi.encodeWithSelector(IBoundaryOracle.AdapterNotDue.selector, BTC, boundary, adapters[rank], from, to);
    }

    function _shorten(uint256 count) private {
        while (adapters.length > count) {
            adapters.pop();
            deadlines.pop();
        }
    }

    function _post(address adapter, bytes32 feed, uint256 boundary, uint256 price) private returns (uint256) {
        BoundaryPrice[] memory prices = new BoundaryPrice[](1);
        prices[0] = BoundaryPrice(feed, boundary, price);
        return oracle.post(adapter, abi.encode(prices));
    }

    function _assertRefused(bytes memory expected) private {
        vm.expectRevert(expected);
        oracle.registerFeed("SOL/USD", adapters, deadlines);
        assertFalse(oracle.isFeed("SOL/USD"));
    }

    function _assertFeed(bytes32 feed) private view {
        (address[] memory known, uint256[] memory until) = oracle.adaptersOf(feed);
        assertEq(adapters, known);
        assertEq(deadlines, until);
        (address first, uint256 last) = oracle.feedOf(feed);
        assertEq(adapters[0], first);
        assertEq(deadlines[deadlines.length - 1], last);
    }

    function _assertBoundary(uint256 boundary, BoundaryStatus expected, uint256 priceExpected) private view {
        (BoundaryStatus status, uint256 price) = oracle.boundaryOf(BTC, boundary);
        assertEq(uint256(expected), uint256(status));
        assertEq(priceExpected, price);
    }
}

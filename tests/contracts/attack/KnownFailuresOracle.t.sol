// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BoundaryPrice, BoundaryStatus, IBoundaryOracle} from "../../../contracts/interfaces/IBoundaryOracle.sol";
import {ISignedReportAdapter} from "../../../contracts/interfaces/ISignedReportAdapter.sol";
import {IOracle} from "../support/Kit.sol";
import {ReportSigning} from "../support/ReportSigning.sol";

/// @notice How the price oracles of other systems have failed, tried on ours with signatures of a real quorum.
contract KnownFailuresOracleTest is ReportSigning {
    bytes32 internal constant FEED = "BTC/USD";
    uint256 internal constant START = 1_800_000_000;
    uint256 internal constant DEADLINE = 3600;
    uint256 internal constant PRICE = 60_000e18;

    uint256[] internal keys;
    ISignedReportAdapter internal adapter;
    IOracle internal oracle;

    function setUp() public {
        vm.warp(START);
        keys = _signerKeys(3);
        adapter = _deployAdapter();
        oracle = _deployOracle(adapter);
    }

    /// @notice A signed price that comes after its deadline no longer decides anything.
    function test_StaleReportIsNotAccepted() public {
        bytes memory report = _report(START, PRICE);
        vm.warp(START + DEADLINE + 1);
        vm.expectRevert(
            abi.encodeWithSelector(IBoundaryOracle.BoundaryDeadlinePassed.selector, FEED, START, START + DEADLINE)
        );
        oracle.post(address(adapter), report);
    }

    /// @notice A price of one instant is never taken for another one's, however recent.
    function test_StalePriceIsNotTakenForALaterBoundary() public {
        oracle.post(address(adapter), _report(START, PRICE));
        vm.warp(START + 300);
        (BoundaryStatus status,) = oracle.boundaryOf(FEED, START + 300);
        assertEq(uint256(BoundaryStatus.NONE), uint256(status));
    }

    /// @notice A price of the future is refused, the quorum's signatures notwithstanding.
    function test_FutureDatedReportIsNotAccepted() public {
        vm.expectRevert(abi.encodeWithSelector(IBoundaryOracle.BoundaryInFuture.selector, START + 300, START));
        oracle.post(address(adapter), _report(START + 300, PRICE));
    }

    /// @notice Of two validly signed prices the first one stands: nobody picks among them afterwards.
    function test_ResolverDoesNotPickAmongValidPrices() public {
        bytes memory first = _report(START, PRICE);
        bytes memory second = _report(START, PRICE + 1);
        oracle.post(address(adapter), first);
        vm.expectRevert(abi.encodeWithSelector(IBoundaryOracle.DifferentPrice.selector, FEED, START, PRICE, PRICE + 1));
        oracle.post(address(adapter), second);
        vm.warp(START + 30 days);
        (, uint256 price) = oracle.boundaryOf(FEED, START);
        assertEq(PRICE, price);
    }

    /// @notice One report does not hold two prices for the same instant either.
    function test_ResolverDoesNotPickWithinAReport() public {
        BoundaryPrice[] memory prices = new BoundaryPrice[](2);
        prices[0] = BoundaryPrice(FEED, START, PRICE);
        prices[1] = BoundaryPrice(FEED, START, PRICE + 1);
        bytes memory report = _signedReport(address(adapter), prices, keys);
        vm.expectRevert(abi.encodeWithSelector(IBoundaryOracle.DifferentPrice.selector, FEED, START, PRICE, PRICE + 1));
        oracle.post(address(adapter), report);
    }

    /// @notice Nobody voids a boundary to be rid of a price that can still come, or that has come.
    function test_ResolverDoesNotVoidAtWill() public {
        vm.warp(START + DEADLINE);
        vm.expectRevert(
            abi.encodeWithSelector(IBoundaryOracle.BoundaryDeadlineNotPassed.selector, FEED, START, START + DEADLINE)
        );
        oracle.voidBoundary(FEED, START);
        oracle.post(address(adapter), _report(START, PRICE));
        vm.warp(START + 30 days);
        vm.expectRevert(abi.encodeWithSelector(IBoundaryOracle.BoundaryAlreadyPosted.selector, FEED, START, PRICE));
        oracle.voidBoundary(FEED, START);
    }

    /// @notice A report posted again changes nothing and tells nobody anything.
    function test_ReplayedReportChangesNothing() public {
        bytes memory report = _report(START, PRICE);
        assertEq(1, oracle.post(address(adapter), report));
        vm.warp(START + DEADLINE + 1);
        vm.recordLogs();
        assertEq(0, oracle.post(address(adapter), report));
        assertEq(0, vm.getRecordedLogs().length);
        (, uint256 price) = oracle.boundaryOf(FEED, START);
        assertEq(PRICE, price);
    }

    /// @notice Signatures for one chain are worthless on another, with the chain id in the report altered too.
    function test_ReportOfAnotherChainIsNotAccepted() public {
        bytes memory report = _report(START, PRICE);
        BoundaryPrice[] memory prices = _price(FEED, START, PRICE);
        bytes memory signatures = _signatures(_digest(block.chainid, address(adapter), prices), keys);
        uint256 here = abi.decode(report, (uint256));
        vm.chainId(84532);
        vm.expectRevert(abi.encodeWithSelector(ISignedReportAdapter.WrongChain.selector, here, 84532));
        oracle.post(address(adapter), report);
        vm.expectPartialRevert(ISignedReportAdapter.UnknownSigner.selector);
        oracle.post(address(adapter), abi.encode(84532, prices, signatures));
    }

    /// @notice Signatures for one adapter are worthless at another with the same signers.
    function test_ReportOfAnotherAdapterIsNotAccepted() public {
        ISignedReportAdapter other = _deployAdapter();
        IOracle second = _deployOracle(other);
        bytes memory report = _report(START, PRICE);
        vm.expectPartialRevert(ISignedReportAdapter.UnknownSigner.selector);
        second.post(address(other), report);
        // By way of the first adapter the signatures are good, but that is not the feed's.
        vm.expectRevert(
            abi.encodeWithSelector(IBoundaryOracle.WrongAdapter.selector, FEED, address(adapter), address(other))
        );
        second.post(address(adapter), report);
    }

    /// @notice Who owns the oracle has no power over feeds that are there, nor over prices.
    function test_OwnerCannotTouchAFeed() public {
        oracle.post(address(adapter), _report(START, PRICE));
        vm.expectRevert(abi.encodeWithSelector(IBoundaryOracle.FeedExists.selector, FEED));
        oracle.registerFeed(FEED, address(this), 300);
        // A feed of the owner's own, with an adapter of its own, does not reach this one.
        oracle.registerFeed("BTC/EVIL", address(this), 300);
        vm.expectRevert(
            abi.encodeWithSelector(IBoundaryOracle.WrongAdapter.selector, FEED, address(this), address(adapter))
        );
        oracle.post(address(this), abi.encode(_price(FEED, START + 300, 1)));
    }

    /// @notice This contract as an adapter that says whatever it is given.
    function verify(bytes calldata report) external payable returns (BoundaryPrice[] memory) {
        return abi.decode(report, (BoundaryPrice[]));
    }

    function _report(uint256 boundary, uint256 price) private view returns (bytes memory) {
        return _signedReport(address(adapter), _price(FEED, boundary, price), _pick(keys, 0, 2));
    }

    function _deployAdapter() private returns (ISignedReportAdapter) {
        return
            ISignedReportAdapter(
                deploy("SignedReportAdapter.sol:SignedReportAdapter", abi.encode(_addressesOf(keys), 2))
            );
    }

    function _deployOracle(ISignedReportAdapter adapter_) private returns (IOracle created) {
        created = IOracle(deploy("BoundaryOracle.sol:BoundaryOracle", abi.encode(address(this))));
        created.registerFeed(FEED, address(adapter_), DEADLINE);
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {BoundaryPrice, BoundaryStatus, IBoundaryOracle} from "../../../contracts/interfaces/IBoundaryOracle.sol";
import {IOracle} from "../support/Kit.sol";
import {PythFixture} from "../support/PythFixture.sol";
import {ReportSigning} from "../support/ReportSigning.sol";

/// @notice What a second and a third source of prices have been misused for elsewhere, tried on a feed that is signed for
/// first, read from Pyth next, and left to this contract, which says whatever it is given, in the end.
contract KnownFailuresFallbackTest is PythFixture, ReportSigning {
    uint256[] internal keys;
    address internal signers;
    IOracle internal oracle;
    address[] internal adapters;
    uint256[] internal deadlines = [600, 1800, 3600];

    /// What `verify` calls before it answers, and what came of it.
    bytes internal reentrantCall;
    bool internal reentered;
    bytes internal reason;

    function setUp() public override {
        super.setUp();
        keys = _signerKeys(3);
        signers = deploy("SignedReportAdapter.sol:SignedReportAdapter", abi.encode(_addressesOf(keys), 2));
        oracle = IOracle(deploy("BoundaryOracle.sol:BoundaryOracle", abi.encode(address(this))));
        adapters.push(signers);
        adapters.push(address(adapter));
        adapters.push(address(this));
        oracle.registerFeed(BTC, adapters, deadlines);
    }

    /// @notice While three sources have three prices, everyone who wants to choose finds one of them to be had.
    function test_ResolverDoesNotPickBetweenSources() public {
        uint256[6] memory ages = [uint256(60), 600, 601, 1800, 1801, 3600];
        for (uint256 i; i < ages.length; ++i) {
            vm.warp(BOUNDARY + ages[i]);
            for (uint256 rank; rank < 3; ++rank) {
                bool taken = this.isTaken(rank);
                assertEq(rank == i / 2, taken);
            }
        }
        vm.warp(BOUNDARY + 3601);
        for (uint256 rank; rank < 3; ++rank) {
            assertFalse(this.isTaken(rank));
        }
    }

    /// @notice Whose time is over does not come back, though no other source has spoken.
    function test_ResolverDoesNotComeBackToAnEarlierSource() public {
        vm.warp(BOUNDARY + 601);
        vm.expectRevert(
            abi.encodeWithSelector(
                IBoundaryOracle.AdapterNotDue.selector, BTC, BOUNDARY, signers, BOUNDARY, BOUNDARY + 600
            )
        );
        _postFrom(0);
    }

    /// @notice A price that was posted in time is not replaced when the next source's time has come.
    function test_ResolverDoesNotReplaceAPrice() public {
        _postFrom(0);
        for (uint256 rank = 1; rank < 3; ++rank) {
            vm.warp(BOUNDARY + deadlines[rank]);
            bytes memory report = _reportOf(rank);
            vm.expectRevert(
                abi.encodeWithSelector(
                    IBoundaryOracle.DifferentPrice.selector, BTC, BOUNDARY, PRICE, PRICE + rank * 1e10
                )
            );
            oracle.post{value: rank == 1 ? FEE : 0}(adapters[rank], report);
        }
        vm.warp(BOUNDARY + 30 days);
        _assertPosted(PRICE);
    }

    /// @notice A resolver that waits for another source is overtaken by anyone.
    function test_ResolverDoesNotWaitForABetterPrice() public {
        vm.warp(BOUNDARY + 600);
        vm.prank(makeAddr("anyone"));
        _postFrom(0);
        vm.warp(BOUNDARY + 601);
        assertFalse(this.isTaken(1));
        _assertPosted(PRICE);
    }

    /// @notice A report held back until its source's time is over is stale.
    function test_StaleReportIsNotAccepted() public {
        for (uint256 rank; rank < 3; ++rank) {
            vm.warp(BOUNDARY + deadlines[rank] + 1);
            assertFalse(this.isTaken(rank));
        }
    }

    /// @notice No source has its time before the boundary has come.
    function test_FutureDatedReportIsNotAccepted() public {
        vm.warp(BOUNDARY - 1);
        for (uint256 rank; rank < 3; ++rank) {
            assertFalse(this.isTaken(rank));
        }
    }

    /// @notice A report posted again in another source's time changes nothing.
    function test_ReplayedReportChangesNothing() public {
        _postFrom(0);
        for (uint256 rank = 1; rank < 3; ++rank) {
            vm.warp(BOUNDARY + deadlines[rank]);
            assertEq(0, _postFrom(0));
        }
        vm.warp(BOUNDARY + 3601);
        assertEq(0, _postFrom(0));
        _assertPosted(PRICE);
    }

    /// @notice The owner adds no source to a feed that is there, and takes none away.
    function test_OwnerCannotChangeTheOrder() public {
        address[] memory own = new address[](1);
        own[0] = address(this);
        vm.expectRevert(abi.encodeWithSelector(IBoundaryOracle.FeedExists.selector, BTC));
        oracle.registerFeed(BTC, own, _one(300));
        vm.expectRevert(abi.encodeWithSelector(IBoundaryOracle.FeedExists.selector, BTC));
        oracle.registerFeed(BTC, address(this), 300);
        (address[] memory known,) = oracle.adaptersOf(BTC);
        assertEq(adapters, known);
    }

    /// @notice An adapter that posts while it is asked is refused, and what it is asked goes on as if it had not.
    function test_ReentrantAdapterDoesNotPost() public {
        vm.warp(BOUNDARY + 3600);
        reentrantCall = abi.encodeCall(oracle.post, (address(this), _reportOf(2)));
        assertEq(1, _postFrom(2));
        assertFalse(reentered);
        assertEq(abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector), reason);
        _assertPosted(PRICE + 2e10);
    }

    /// @notice An adapter that stamps the boundary while it is asked does so no earlier than others, and posts nothing.
    function test_ReentrantAdapterDoesNotVoid() public {
        reentrantCall = abi.encodeCall(oracle.voidBoundary, (BTC, BOUNDARY));
        vm.warp(BOUNDARY + 3600);
        assertTrue(this.isTaken(2));
        vm.warp(BOUNDARY + 3601);
        vm.expectRevert(abi.encodeWithSelector(IBoundaryOracle.BoundaryAlreadyVoid.selector, BTC, BOUNDARY));
        _postFrom(2);
        (BoundaryStatus status,) = oracle.boundaryOf(BTC, BOUNDARY);
        assertEq(uint256(BoundaryStatus.VOID), uint256(status));
    }

    /// @notice This contract as an adapter.
    function verify(bytes calldata report) external payable returns (BoundaryPrice[] memory) {
        if (reentrantCall.length != 0) (reentered, reason) = address(oracle).call(reentrantCall);
        return abi.decode(report, (BoundaryPrice[]));
    }

    /// @notice Whether the source of that rank can post its price now; nothing is kept.
    function isTaken(uint256 rank) external returns (bool taken) {
        uint256 snapshot = vm.snapshotState();
        try this.postFrom(rank) {
            taken = true;
        } catch {}
        vm.revertToState(snapshot);
    }

    /// @notice For `try`, which takes external calls only.
    function postFrom(uint256 rank) external {
        _postFrom(rank);
    }

    function _postFrom(uint256 rank) private returns (uint256) {
        bytes memory report = _reportOf(rank);
        return oracle.post{value: rank == 1 ? FEE : 0}(adapters[rank], report);
    }

    /// @dev A valid report of each source, each of another price.
    function _reportOf(uint256 rank) private view returns (bytes memory) {
        if (rank == 1) return _report(_update(BTC_ID, VALUE + 1, BOUNDARY, BOUNDARY - 1));
        BoundaryPrice[] memory prices = _price(BTC, BOUNDARY, PRICE + rank * 1e10);
        return rank == 0 ? _signedReport(signers, prices, keys) : abi.encode(prices);
    }

    function _assertPosted(uint256 expected) private view {
        (, uint256 price) = oracle.boundaryOf(BTC, BOUNDARY);
        assertEq(expected, price);
    }
}

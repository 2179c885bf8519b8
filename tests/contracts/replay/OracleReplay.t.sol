// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Vm} from "forge-std/Vm.sol";

import {BoundaryPrice, BoundaryStatus, IBoundaryOracle} from "../../../contracts/interfaces/IBoundaryOracle.sol";
import {PlainAdapter} from "../doubles/PlainAdapter.sol";
import {Deployer} from "../support/Deployer.sol";
import {IOracle, IOwned} from "../support/Kit.sol";
import {OracleReplayer} from "./OracleReplayer.sol";
import {Recorder} from "./Recorder.sol";

/// @notice Whoever has the logs has the oracle.
contract OracleReplayTest is Deployer, Recorder {
    uint256 private constant STEPS = 80;
    uint256 private constant START = 1_800_000_000;
    uint256 private constant GRID = 300;
    /// All that an oracle has.
    uint256 private constant EVENTS = 6;

    address private owner = makeAddr("owner");
    address private other = makeAddr("other");
    IOracle private oracle;
    address[2] private adapters;
    bytes32[] private feeds;
    mapping(bytes32 topic => bool) private happened;
    uint256 private kinds;

    /// @notice After a random history every slot that it wrote holds what the logs say, and so does every view.
    /// forge-config: default.fuzz.runs = 64
    function testFuzz_LogsTellEverything(uint256 seed) public {
        vm.startStateDiffRecording();
        _live(seed);
        Vm.AccountAccess[] memory accesses = vm.stopAndReturnStateDiff();
        OracleReplayer replayer = new OracleReplayer(address(oracle));
        Seen[] memory history = _history();
        for (uint256 i; i < history.length; ++i) {
            replayer.replay(history[i].logs);
        }
        assertGt(_assertExplained(accesses, address(oracle), replayer), 10, "a history writes");
        assertEq(oracle.feedCount(), replayer.feedCount());
        _assertBoundaries(replayer);
    }

    /// @notice The histories are no excuse: a long one makes every event that an oracle has.
    function test_AHistoryMakesEveryEvent() public {
        _live(2);
        for (uint256 i; i < 10 * STEPS; ++i) {
            _step();
        }
        Seen[] memory history = _history();
        for (uint256 i; i < history.length; ++i) {
            for (uint256 j; j < history[i].logs.length; ++j) {
                bytes32 topic = history[i].logs[j].topics[0];
                if (!happened[topic]) ++kinds;
                happened[topic] = true;
            }
        }
        assertEq(EVENTS, kinds);
    }

    function _live(uint256 seed) private {
        entropy = seed;
        vm.warp(START);
        vm.recordLogs();
        oracle = IOracle(deploy("BoundaryOracle.sol:BoundaryOracle", abi.encode(owner)));
        adapters = [address(new PlainAdapter()), address(new PlainAdapter())];
        _keep(vm.getRecordedLogs());
        _register();
        for (uint256 i; i < STEPS; ++i) {
            _step();
        }
    }

    function _step() private {
        uint256 kind = _random(8);
        if (kind == 0 && feeds.length < 6) _register();
        else if (kind < 5) _post();
        else if (kind == 5) _void();
        else if (kind == 6) vm.warp(block.timestamp + _random(1200));
        else if (_random(4) == 0) _own();
    }

    /// @dev A feed of one adapter, or of two with a deadline each.
    function _register() private {
        bytes32 feed = bytes32(feeds.length + 1);
        feeds.push(feed);
        if (_random(2) == 0) {
            bytes4 single = bytes4(keccak256("registerFeed(bytes32,address,uint256)"));
            _call(oracle.owner(), address(oracle), abi.encodeWithSelector(single, feed, adapters[0], 600));
            return;
        }
        (address[] memory both, uint256[] memory deadlines) = (new address[](2), new uint256[](2));
        (both[0], both[1], deadlines[0], deadlines[1]) = (adapters[0], adapters[1], 300, 900);
        bytes4 several = bytes4(keccak256("registerFeed(bytes32,address[],uint256[])"));
        _call(oracle.owner(), address(oracle), abi.encodeWithSelector(several, feed, both, deadlines));
    }

    function _post() private {
        BoundaryPrice[] memory prices = new BoundaryPrice[](1 + _random(3));
        for (uint256 i; i < prices.length; ++i) {
            prices[i] = BoundaryPrice(feeds[_random(feeds.length)], _boundary(), 1e18 + _random(2));
        }
        address adapter = adapters[_random(4) / 3];
        _call(other, address(oracle), abi.encodeCall(IBoundaryOracle.post, (adapter, abi.encode(prices))));
    }

    function _void() private {
        bytes32 feed = feeds[_random(feeds.length)];
        uint256 boundary = _boundary() - _random(2) * 900;
        _call(other, address(oracle), abi.encodeCall(IBoundaryOracle.voidBoundary, (feed, boundary)));
    }

    function _own() private {
        address next = oracle.owner() == owner ? other : owner;
        _call(oracle.owner(), address(oracle), abi.encodeCall(IOwned.transferOwnership, (next)));
        if (_random(2) == 0) _call(next, address(oracle), abi.encodeCall(IOwned.acceptOwnership, ()));
    }

    /// @dev One of the last few.
    function _boundary() private returns (uint256) {
        return (block.timestamp / GRID - _random(4)) * GRID;
    }

    /// @dev A boundary without a price and without a stamp is void by the clock alone, which the feed's event tells.
    function _assertBoundaries(OracleReplayer replayer) private view {
        for (uint256 i; i < feeds.length; ++i) {
            if (!oracle.isFeed(feeds[i])) continue;
            (, uint256 deadline) = oracle.feedOf(feeds[i]);
            assertEq(deadline, replayer.deadlineOf(feeds[i]));
            for (uint256 boundary = START - 10 * GRID; boundary <= block.timestamp; boundary += GRID) {
                (BoundaryStatus status, uint256 price) = oracle.boundaryOf(feeds[i], boundary);
                assertEq(price, replayer.priceOf(feeds[i], boundary));
                bool late = block.timestamp > boundary + replayer.deadlineOf(feeds[i]);
                assertEq(status == BoundaryStatus.VOID, price == 0 && late);
            }
        }
    }
}

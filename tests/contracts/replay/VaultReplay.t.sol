// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Vm} from "forge-std/Vm.sol";

import {IPayoutVault} from "../../../contracts/interfaces/IPayoutVault.sol";
import {IOwned, IVault} from "../support/Kit.sol";
import {VaultFixture} from "../support/VaultFixture.sol";
import {Recorder} from "./Recorder.sol";
import {VaultReplayer} from "./VaultReplayer.sol";

/// @notice Whoever has the logs has the vault.
contract VaultReplayTest is VaultFixture, Recorder {
    uint256 private constant STEPS = 60;
    /// Each event once, at the least, in the histories of the test below.
    uint256 private constant EVENTS = 11;

    address[3] private people = [makeAddr("one"), makeAddr("two"), makeAddr("three")];
    mapping(bytes32 topic => bool) private happened;
    uint256 private kinds;

    /// @dev The fixture is part of the history: it comes when that is recorded.
    function setUp() public override {}

    /// @notice After a random history every slot that it wrote holds what the logs say, and so does every view.
    /// forge-config: default.fuzz.runs = 64
    function testFuzz_LogsTellEverything(uint256 seed) public {
        vm.startStateDiffRecording();
        _live(seed);
        Vm.AccountAccess[] memory accesses = vm.stopAndReturnStateDiff();
        VaultReplayer replayer = new VaultReplayer(address(vault));
        Seen[] memory history = _history();
        for (uint256 i; i < history.length; ++i) {
            replayer.replay(history[i].logs);
        }
        assertGt(_assertExplained(accesses, address(vault), replayer), 10, "a history writes");
        _assertViews(replayer);
    }

    /// @notice The histories are no excuse: one long one makes every event that a vault has.
    function test_AHistoryMakesEveryEvent() public {
        _live(1);
        for (uint256 i; i < 20 * STEPS; ++i) {
            _step();
        }
        Seen[] memory history = _history();
        for (uint256 i; i < history.length; ++i) {
            for (uint256 j; j < history[i].logs.length; ++j) {
                Vm.Log memory log = history[i].logs[j];
                if (log.emitter != address(vault) || happened[log.topics[0]]) continue;
                happened[log.topics[0]] = true;
                ++kinds;
            }
        }
        assertEq(EVENTS, kinds);
    }

    function _live(uint256 seed) private {
        entropy = seed;
        vm.recordLogs();
        super.setUp();
        for (uint256 i; i < people.length; ++i) {
            _owe(people[i], 1e6);
        }
        _keep(vm.getRecordedLogs());
        for (uint256 i; i < STEPS; ++i) {
            _step();
        }
    }

    function _step() private {
        uint256 kind = _random(10);
        address person = people[_random(people.length)];
        if (kind < 2) {
            _owe(person, _totalOf(person) + _random(3e6));
            _do(vault.operator(), abi.encodeCall(IPayoutVault.proposeRoot, (_root(), _sum(), "ipfs://tree")));
        } else if (kind == 2) {
            _do(person, abi.encodeCall(IPayoutVault.activateRoot, ()));
        } else if (kind == 3 && _random(3) == 0) {
            _do(vault.guardian(), abi.encodeCall(IPayoutVault.vetoRoot, ()));
        } else if (kind < 6) {
            _do(person, abi.encodeCall(IPayoutVault.claim, (person, _totalOf(person), _proof(person))));
        } else if (kind == 6) {
            _do(vault.owner(), abi.encodeCall(IPayoutVault.requestSurplus, (person, 1 + _random(5e6))));
        } else if (kind == 7) {
            if (_random(3) == 0) _do(vault.guardian(), abi.encodeCall(IPayoutVault.cancelSurplus, ()));
            else _do(vault.owner(), abi.encodeCall(IPayoutVault.withdrawSurplus, ()));
        } else if (kind == 8) {
            _power(_random(3));
        } else {
            vm.warp(block.timestamp + _random(2 days));
        }
    }

    function _power(uint256 kind) private {
        address person = people[_random(people.length)];
        if (kind == 0) _do(vault.owner(), abi.encodeCall(IVault.setOperator, (person)));
        if (kind == 1) _do(vault.owner(), abi.encodeCall(IVault.setGuardian, (person)));
        if (kind == 2) {
            _do(vault.owner(), abi.encodeCall(IOwned.transferOwnership, (person)));
            if (_random(2) == 0) _do(person, abi.encodeCall(IOwned.acceptOwnership, ()));
        }
    }

    function _do(address sender, bytes memory data) private {
        _call(sender, address(vault), data);
    }

    function _assertViews(VaultReplayer replayer) private view {
        (bytes32 root, uint256 total, uint256 claimedTotal) = vault.activeRoot();
        assertEq(root, replayer.root());
        assertEq(total, replayer.total());
        assertEq(claimedTotal, replayer.claimedTotal());
        (bytes32 pending, uint256 pendingTotal, uint256 activeAt) = vault.pendingRoot();
        assertEq(pending, replayer.pendingRoot());
        assertEq(pendingTotal, replayer.pendingTotal());
        assertEq(activeAt, replayer.activeAt());
        for (uint256 i; i < people.length; ++i) {
            assertEq(vault.claimed(people[i]), replayer.claimed(people[i]));
        }
    }
}

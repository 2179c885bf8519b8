// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";

import {IRaceMarket} from "../../../contracts/interfaces/IRaceMarket.sol";
import {PlainAdapter} from "../doubles/PlainAdapter.sol";
import {Deployer} from "./Deployer.sol";
import {IHub, IOracle, IOwned, IToken, IVault} from "./Kit.sol";

interface ITimelockedRace is IRaceMarket, IOwned {}

/// @title Timelocked fixture
/// @notice Hub, races, oracle and vault as a deployment leaves them: a timelock owns all of them.
abstract contract TimelockedFixture is Deployer {
    uint256 internal constant NOW = 1_800_000_000;
    uint256 internal constant DELAY = 2 days;
    uint256 internal constant SURPLUS_DELAY = 1 days;
    bytes32 internal constant FEED = "BTC/USD";

    address internal proposer = makeAddr("proposer");
    address internal guardian = makeAddr("guardian");
    address internal operator = makeAddr("operator");
    address internal stranger = makeAddr("stranger");

    TimelockController internal timelock;
    IToken internal token;
    IOracle internal oracle;
    IHub internal hub;
    ITimelockedRace internal race;
    IVault internal vault;
    address internal adapter;

    function setUp() public virtual {
        vm.warp(NOW);
        timelock = TimelockController(payable(deploy("Timelock.sol:Timelock", abi.encode(DELAY, proposer, guardian))));
        address owner = address(timelock);
        token = IToken(deploy("TestToken.sol:TestToken", abi.encode("Collateral", "COL", uint8(18), address(this))));
        oracle = IOracle(deploy("BoundaryOracle.sol:BoundaryOracle", abi.encode(owner)));
        adapter = address(new PlainAdapter());
        hub = IHub(deploy("EpochHub.sol:EpochHub", abi.encode(owner, token, oracle, guardian)));
        race = ITimelockedRace(deploy("RaceMarket.sol:RaceMarket", abi.encode(owner, token, oracle, guardian)));
        bytes memory arguments = abi.encode(owner, token, operator, guardian, 1 hours, SURPLUS_DELAY);
        vault = IVault(deploy("PayoutVault.sol:PayoutVault", arguments));
    }

    /// @dev The proposer announces a call.
    function _announce(address target, bytes memory data) internal {
        vm.prank(proposer);
        timelock.schedule(target, 0, data, 0, 0, DELAY);
    }

    function _execute(address target, bytes memory data) internal {
        vm.prank(proposer);
        timelock.execute(target, 0, data, 0, 0);
    }

    /// @dev Announced, the call is refused a second before its time, and done at its time.
    function _happensAfterTheDelay(address target, bytes memory data) internal {
        uint256 dueAt = vm.getBlockTimestamp() + DELAY;
        vm.prank(proposer);
        (bool done,) = target.call(data);
        assertFalse(done, "the proposer has no power of its own");
        _announce(target, data);
        bytes32 id = timelock.hashOperation(target, 0, data, 0, 0);
        vm.warp(dueAt - 1);
        bytes32 ready = bytes32(1 << uint256(uint8(TimelockController.OperationState.Ready)));
        vm.expectRevert(abi.encodeWithSelector(TimelockController.TimelockUnexpectedOperationState.selector, id, ready));
        _execute(target, data);
        vm.warp(dueAt);
        _execute(target, data);
    }
}

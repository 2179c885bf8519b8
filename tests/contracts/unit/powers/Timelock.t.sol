// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

import {IBoundaryOracle} from "../../../../contracts/interfaces/IBoundaryOracle.sol";
import {Deployer} from "../../support/Deployer.sol";

interface ITimelock is IAccessControl {
    error ZeroAddress();
    error TimelockInsufficientDelay(uint256 delay, uint256 minDelay);
    error TimelockUnauthorizedCaller(address caller);
    error TimelockUnexpectedOperationState(bytes32 operationId, bytes32 expectedStates);

    function acceptOwnerships(address[] calldata offered) external;
    function schedule(
        address target,
        uint256 value,
        bytes calldata data,
        bytes32 predecessor,
        bytes32 salt,
        uint256 delay
    ) external;
    function execute(address target, uint256 value, bytes calldata data, bytes32 predecessor, bytes32 salt) external;
    function cancel(bytes32 id) external;
    function updateDelay(uint256 newDelay) external;
    function hashOperation(address target, uint256 value, bytes calldata data, bytes32 predecessor, bytes32 salt)
        external
        view
        returns (bytes32);
    function getMinDelay() external view returns (uint256);
}

interface IOwned is IBoundaryOracle {
    function owner() external view returns (address);
    function pendingOwner() external view returns (address);
    function transferOwnership(address newOwner) external;
}

contract TimelockTest is Deployer {
    uint256 internal constant DELAY = 2 days;
    bytes32 internal constant PROPOSER = keccak256("PROPOSER_ROLE");
    bytes32 internal constant EXECUTOR = keccak256("EXECUTOR_ROLE");
    bytes32 internal constant CANCELLER = keccak256("CANCELLER_ROLE");
    /// A step that waits, or is ready, as the timelock's errors have it.
    bytes32 internal constant READY = bytes32(uint256(1 << 2));

    address internal owner = makeAddr("owner");
    address internal guardian = makeAddr("guardian");
    address internal stranger = makeAddr("stranger");
    ITimelock internal timelock;
    IOwned internal owned;
    IOwned internal other;

    function setUp() public {
        timelock = ITimelock(deploy("Timelock.sol:Timelock", abi.encode(DELAY, owner, guardian)));
        owned = IOwned(deploy("BoundaryOracle.sol:BoundaryOracle", abi.encode(address(this))));
        other = IOwned(deploy("BoundaryOracle.sol:BoundaryOracle", abi.encode(address(this))));
    }

    /// @notice From the start the owner announces, executes and cancels, the guardian cancels, and whoever deployed it
    /// is nobody.
    function test_Constructor() public view {
        assertEq(DELAY, timelock.getMinDelay());
        assertTrue(timelock.hasRole(PROPOSER, owner) && timelock.hasRole(EXECUTOR, owner));
        assertTrue(timelock.hasRole(CANCELLER, owner) && timelock.hasRole(CANCELLER, guardian));
        assertFalse(timelock.hasRole(PROPOSER, guardian) || timelock.hasRole(EXECUTOR, guardian));
        assertTrue(timelock.hasRole(0, address(timelock)));
        address[3] memory nobodies = [address(this), stranger, address(0)];
        for (uint256 i; i < nobodies.length; ++i) {
            assertFalse(timelock.hasRole(PROPOSER, nobodies[i]) || timelock.hasRole(EXECUTOR, nobodies[i]));
            assertFalse(timelock.hasRole(CANCELLER, nobodies[i]) || timelock.hasRole(0, nobodies[i]));
        }
        assertFalse(timelock.hasRole(0, owner) || timelock.hasRole(0, guardian));
    }

    /// @notice Without an owner anyone could execute: refused. So is a guardian that is nobody.
    function test_RevertWhen_OwnerOrGuardianIsNobody() public {
        vm.expectRevert(ITimelock.ZeroAddress.selector);
        this.deploy("Timelock.sol:Timelock", abi.encode(DELAY, address(0), guardian));
        vm.expectRevert(ITimelock.ZeroAddress.selector);
        this.deploy("Timelock.sol:Timelock", abi.encode(DELAY, owner, address(0)));
    }

    /// @notice The owner may be its own guardian.
    function test_OwnerAsGuardian() public {
        timelock = ITimelock(deploy("Timelock.sol:Timelock", abi.encode(DELAY, owner, owner)));
        assertTrue(timelock.hasRole(PROPOSER, owner) && timelock.hasRole(CANCELLER, owner));
    }

    /// @notice Anyone makes it take what it is offered, all at once.
    function test_AcceptOwnerships() public {
        _handOver();
        assertEq(address(timelock), owned.owner());
        assertEq(address(timelock), other.owner());
        assertEq(address(0), owned.pendingOwner());
    }

    /// @notice What nobody offered is not taken, and nothing is if one of them is not.
    function test_RevertWhen_OwnershipIsNotOffered() public {
        owned.transferOwnership(address(timelock));
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, address(timelock)));
        timelock.acceptOwnerships(_both());
        assertEq(address(this), owned.owner());
    }

    /// @notice A step is done after its delay and no second sooner.
    function test_StepTakesTheDelay() public {
        _handOver();
        bytes memory data = _announce();
        vm.warp(block.timestamp + DELAY - 1);
        bytes32 id = _idOf(data);
        vm.expectRevert(abi.encodeWithSelector(ITimelock.TimelockUnexpectedOperationState.selector, id, READY));
        vm.prank(owner);
        timelock.execute(address(owned), 0, data, 0, 0);
        vm.warp(block.timestamp + 1);
        vm.prank(owner);
        timelock.execute(address(owned), 0, data, 0, 0);
        assertTrue(owned.isFeed("BTC/USD"));
    }

    /// @notice The guardian stops what is announced.
    function test_GuardianCancels() public {
        _handOver();
        bytes memory data = _announce();
        bytes32 id = _idOf(data);
        vm.prank(guardian);
        timelock.cancel(id);
        vm.warp(block.timestamp + DELAY);
        vm.expectRevert(abi.encodeWithSelector(ITimelock.TimelockUnexpectedOperationState.selector, id, READY));
        vm.prank(owner);
        timelock.execute(address(owned), 0, data, 0, 0);
    }

    /// @notice Neither who deployed it, nor the guardian, nor anybody else announces or executes.
    function test_RevertWhen_NotTheOwner() public {
        _handOver();
        bytes memory data = _announce();
        vm.warp(block.timestamp + DELAY);
        address[3] memory others = [address(this), guardian, stranger];
        for (uint256 i; i < others.length; ++i) {
            vm.startPrank(others[i]);
            vm.expectRevert(_unauthorized(others[i], PROPOSER));
            timelock.schedule(address(owned), 0, data, 0, bytes32(uint256(1)), DELAY);
            vm.expectRevert(_unauthorized(others[i], EXECUTOR));
            timelock.execute(address(owned), 0, data, 0, 0);
            vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, others[i]));
            owned.transferOwnership(others[i]);
            vm.stopPrank();
        }
    }

    /// @notice The owner neither shortens an announcement, nor the delay, nor gives roles, but by announcing it.
    function test_RevertWhen_TheOwnerIsInAHurry() public {
        vm.startPrank(owner);
        vm.expectRevert(abi.encodeWithSelector(ITimelock.TimelockInsufficientDelay.selector, DELAY - 1, DELAY));
        timelock.schedule(address(owned), 0, "", 0, 0, DELAY - 1);
        vm.expectRevert(abi.encodeWithSelector(ITimelock.TimelockUnauthorizedCaller.selector, owner));
        timelock.updateDelay(0);
        vm.expectRevert(_unauthorized(owner, 0));
        timelock.grantRole(EXECUTOR, stranger);
    }

    function _handOver() internal {
        owned.transferOwnership(address(timelock));
        other.transferOwnership(address(timelock));
        vm.prank(stranger);
        timelock.acceptOwnerships(_both());
    }

    function _announce() internal returns (bytes memory data) {
        data = abi.encodeWithSignature("registerFeed(bytes32,address,uint256)", bytes32("BTC/USD"), stranger, 300);
        vm.prank(owner);
        timelock.schedule(address(owned), 0, data, 0, 0, DELAY);
    }

    function _idOf(bytes memory data) internal view returns (bytes32) {
        return timelock.hashOperation(address(owned), 0, data, 0, 0);
    }

    function _both() internal view returns (address[] memory offered) {
        offered = new address[](2);
        (offered[0], offered[1]) = (address(owned), address(other));
    }

    function _unauthorized(address account, bytes32 role) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IAccessControl.AccessControlUnauthorizedAccount.selector, account, role);
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";

import {ICollateralLedger} from "../../../contracts/interfaces/ICollateralLedger.sol";
import {IOrderBook} from "../../../contracts/interfaces/IOrderBook.sol";
import {IPayoutVault} from "../../../contracts/interfaces/IPayoutVault.sol";
import {IOwned} from "../support/Kit.sol";
import {TimelockedFixture} from "../support/TimelockedFixture.sol";

/// @notice What the owner may do, and that all of it waits.
contract TimelockedTest is TimelockedFixture {
    /// @dev Hub and races get another guardian after the delay.
    function test_GuardianOfTradesChangesAfterTheDelay() public {
        bytes memory data = abi.encodeCall(ICollateralLedger.setGuardian, (stranger));
        _happensAfterTheDelay(address(hub), data);
        assertEq(stranger, hub.guardian());
        _happensAfterTheDelay(address(race), data);
        assertEq(stranger, race.guardian());
    }

    /// @dev Who settles orders is allowed, and forbidden, after the delay.
    function test_MatchOperatorChangesAfterTheDelay() public {
        _happensAfterTheDelay(address(hub), abi.encodeCall(IOrderBook.setMatchOperator, (operator, true)));
        assertTrue(hub.isMatchOperator(operator));
        _happensAfterTheDelay(address(race), abi.encodeCall(IOrderBook.setMatchOperator, (operator, true)));
        assertTrue(race.isMatchOperator(operator));
        _happensAfterTheDelay(address(hub), abi.encodeCall(IOrderBook.setMatchOperator, (operator, false)));
        assertFalse(hub.isMatchOperator(operator));
    }

    /// @dev A feed comes to the oracle after the delay.
    function test_FeedIsRegisteredAfterTheDelay() public {
        bytes memory data = abi.encodeWithSignature("registerFeed(bytes32,address,uint256)", FEED, adapter, 1 hours);
        _happensAfterTheDelay(address(oracle), data);
        assertTrue(oracle.isFeed(FEED));
    }

    /// @dev The vault gets another operator and another guardian after the delay.
    function test_PeopleOfTheVaultChangeAfterTheDelay() public {
        _happensAfterTheDelay(address(vault), abi.encodeCall(vault.setOperator, (stranger)));
        assertEq(stranger, vault.operator());
        _happensAfterTheDelay(address(vault), abi.encodeCall(vault.setGuardian, (stranger)));
        assertEq(stranger, vault.guardian());
    }

    /// @dev Surplus is asked for after the delay, and leaves after the vault's own delay, announced once more.
    function test_SurplusLeavesAfterBothDelays() public {
        token.mint(address(vault), 5e18);
        _happensAfterTheDelay(address(vault), abi.encodeCall(IPayoutVault.requestSurplus, (stranger, 5e18)));
        uint256 askedAt = vm.getBlockTimestamp();
        bytes memory data = abi.encodeCall(IPayoutVault.withdrawSurplus, ());
        _happensAfterTheDelay(address(vault), data);
        assertGe(block.timestamp, askedAt + SURPLUS_DELAY);
        assertEq(5e18, token.balanceOf(stranger));
    }

    /// @dev Ownership moves in two steps: the first after the delay, the second by the new owner alone.
    function test_OwnershipMovesAfterTheDelayAndByAcceptance() public {
        address[4] memory owned = [address(hub), address(race), address(oracle), address(vault)];
        for (uint256 i; i < owned.length; ++i) {
            _happensAfterTheDelay(owned[i], abi.encodeCall(IOwned.transferOwnership, (stranger)));
            assertEq(address(timelock), IOwned(owned[i]).owner());
            vm.prank(stranger);
            IOwned(owned[i]).acceptOwnership();
            assertEq(stranger, IOwned(owned[i]).owner());
        }
    }

    /// @dev The timelock's delay and roles change as everything does: after the delay.
    function test_TheTimelockItselfChangesAfterTheDelay() public {
        _happensAfterTheDelay(address(timelock), abi.encodeCall(timelock.updateDelay, (1 hours)));
        assertEq(1 hours, timelock.getMinDelay());
    }

    /// @dev Nobody holds the role that could give out roles without the delay.
    function test_NobodyAdministersTheTimelock() public view {
        address[5] memory people = [proposer, guardian, operator, stranger, address(this)];
        for (uint256 i; i < people.length; ++i) {
            assertFalse(timelock.hasRole(timelock.DEFAULT_ADMIN_ROLE(), people[i]));
        }
        assertTrue(timelock.hasRole(timelock.DEFAULT_ADMIN_ROLE(), address(timelock)));
    }

    /// @dev Nobody but the proposer announces, and nobody announces for sooner.
    function test_NobodyElseAnnounces() public {
        bytes memory data = abi.encodeCall(ICollateralLedger.setGuardian, (stranger));
        address[3] memory people = [guardian, operator, stranger];
        for (uint256 i; i < people.length; ++i) {
            bytes memory missing = abi.encodeWithSelector(
                IAccessControl.AccessControlUnauthorizedAccount.selector, people[i], timelock.PROPOSER_ROLE()
            );
            vm.expectRevert(missing);
            vm.prank(people[i]);
            timelock.schedule(address(hub), 0, data, 0, 0, DELAY);
        }
        vm.expectRevert(abi.encodeWithSelector(TimelockController.TimelockInsufficientDelay.selector, DELAY - 1, DELAY));
        vm.prank(proposer);
        timelock.schedule(address(hub), 0, data, 0, 0, DELAY - 1);
    }

    /// @dev The guardian, and the proposer, stop what was announced.
    function test_GuardianStopsWhatWasAnnounced() public {
        bytes memory data = abi.encodeCall(ICollateralLedger.setGuardian, (stranger));
        address[2] memory people = [guardian, proposer];
        bytes32 id = timelock.hashOperation(address(hub), 0, data, 0, 0);
        for (uint256 i; i < people.length; ++i) {
            _announce(address(hub), data);
            vm.prank(people[i]);
            timelock.cancel(id);
            assertFalse(timelock.isOperation(id));
        }
    }

    /// @dev A contract is taken over only from an owner who offers it.
    function test_OwnershipIsTakenOnlyWhereItIsOffered() public {
        address[] memory offered = new address[](1);
        offered[0] = deploy("BoundaryOracle.sol:BoundaryOracle", abi.encode(address(this)));
        (bool taken,) = address(timelock).call(abi.encodeWithSignature("acceptOwnerships(address[])", offered));
        assertFalse(taken);
        IOwned(offered[0]).transferOwnership(address(timelock));
        (taken,) = address(timelock).call(abi.encodeWithSignature("acceptOwnerships(address[])", offered));
        assertTrue(taken);
        assertEq(address(timelock), IOwned(offered[0]).owner());
    }
}

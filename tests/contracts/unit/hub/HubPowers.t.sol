// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

import {ICollateralLedger} from "../../../../contracts/interfaces/ICollateralLedger.sol";
import {Side} from "../../../../contracts/interfaces/IEpochHub.sol";
import {HubFixture} from "../../support/HubFixture.sol";

abstract contract HubPowersTest is HubFixture {
    /// @notice The guardian stops and resumes trades with the house.
    function test_SetTradingPaused() public {
        vm.startPrank(guardian);
        vm.expectEmit(address(hub));
        emit ICollateralLedger.TradingPaused(true);
        hub.setTradingPaused(true);
        vm.expectEmit(address(hub));
        emit ICollateralLedger.TradingPaused(false);
        hub.setTradingPaused(false);
        vm.stopPrank();
        assertGt(_buy(alice, Side.YES, ONE), 0);
    }

    /// @notice A pause is for every trade with the house, on every path.
    function test_RevertWhen_TradingIsPaused() public {
        _split(alice, 1, ONE);
        vm.prank(guardian);
        hub.setTradingPaused(true);
        vm.startPrank(alice);
        vm.expectRevert(ICollateralLedger.TradingIsPaused.selector);
        hub.buy(marketId, Side.YES, ONE, 0, 0, NEVER);
        vm.expectRevert(ICollateralLedger.TradingIsPaused.selector);
        hub.sell(marketId, Side.YES, ONE, 0, 0, NEVER);
        vm.expectRevert(ICollateralLedger.TradingIsPaused.selector);
        facade.buyNo(ONE);
        vm.expectRevert(ICollateralLedger.TradingIsPaused.selector);
        facade.sellNo(ONE, 0, 0, NEVER);
    }

    /// @notice Nobody but the guardian pauses, its owner neither.
    function test_RevertWhen_PausedByAnother() public {
        address[3] memory others = [alice, owner, creator];
        for (uint256 i; i < others.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(ICollateralLedger.NotGuardian.selector, others[i]));
            vm.prank(others[i]);
            hub.setTradingPaused(true);
        }
    }

    /// @notice The owner names the guardian; the former one has no power any more.
    function test_SetGuardian() public {
        vm.expectEmit(address(hub));
        emit ICollateralLedger.GuardianSet(bob);
        vm.prank(owner);
        hub.setGuardian(bob);
        assertEq(bob, hub.guardian());

        vm.expectRevert(abi.encodeWithSelector(ICollateralLedger.NotGuardian.selector, guardian));
        vm.prank(guardian);
        hub.setTradingPaused(true);
        vm.prank(bob);
        hub.setTradingPaused(true);
    }

    /// @notice Nobody but the owner names the guardian.
    function test_RevertWhen_GuardianIsSetByAnother() public {
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, guardian));
        vm.prank(guardian);
        hub.setGuardian(guardian);
    }

    /// @notice Ownership passes when the new owner takes it, not before.
    function test_OwnershipMovesInTwoSteps() public {
        vm.prank(owner);
        hub.transferOwnership(bob);
        assertEq(owner, hub.owner());
        assertEq(bob, hub.pendingOwner());
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, alice));
        vm.prank(alice);
        hub.acceptOwnership();
        vm.prank(bob);
        hub.acceptOwnership();
        assertEq(bob, hub.owner());
    }
}

contract HubPowers18Test is HubPowersTest {
    constructor() HubFixture(18) {}
}

contract HubPowers6Test is HubPowersTest {
    constructor() HubFixture(6) {}
}

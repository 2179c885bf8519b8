// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

import {IPayoutVault} from "../../../../contracts/interfaces/IPayoutVault.sol";
import {VaultFixture} from "../../support/VaultFixture.sol";

contract PayoutVaultSurplusTest is VaultFixture {
    uint256 internal constant SURPLUS = RESERVE - 600e6;

    address internal alice = makeAddr("alice");
    address internal recipient = makeAddr("recipient");

    function setUp() public override {
        super.setUp();
        _owe(alice, 100e6);
        _owe(makeAddr("bob"), 500e6);
        _activate();
    }

    /// @notice What nobody is owed leaves after it was announced and the timelock has passed.
    function test_WithdrawSurplus() public {
        uint256 executableAt = block.timestamp + SURPLUS_DELAY;
        vm.startPrank(owner);
        vm.expectEmit(address(vault));
        emit IPayoutVault.SurplusRequested(recipient, SURPLUS, executableAt);
        vault.requestSurplus(recipient, SURPLUS);
        assertEq(RESERVE, usdc.balanceOf(address(vault)));

        vm.warp(executableAt);
        vm.expectEmit(address(vault));
        emit IPayoutVault.SurplusWithdrawn(recipient, SURPLUS);
        vault.withdrawSurplus();
        assertEq(SURPLUS, usdc.balanceOf(recipient));
        (uint256 reserve, uint256 liabilities, uint256 coverage) = vault.reserveStatus();
        assertEq(600e6, reserve);
        assertEq(600e6, liabilities);
        assertEq(1e18, coverage);
    }

    /// @notice A request is paid once.
    function test_RevertWhen_WithdrawnBefore() public {
        _request(1e6);
        vm.warp(block.timestamp + SURPLUS_DELAY);
        vm.startPrank(owner);
        vault.withdrawSurplus();
        vm.expectRevert(IPayoutVault.NoSurplusRequest.selector);
        vault.withdrawSurplus();
    }

    /// @notice Nobody but the owner asks for surplus or takes it.
    function test_RevertWhen_AskedByAnother() public {
        _request(1e6);
        vm.warp(block.timestamp + SURPLUS_DELAY);
        vm.startPrank(operator);
        bytes memory expected = abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, operator);
        vm.expectRevert(expected);
        vault.requestSurplus(operator, 1e6);
        vm.expectRevert(expected);
        vault.withdrawSurplus();
    }

    /// @notice A request has an amount and a recipient.
    function test_RevertWhen_RequestIsEmpty() public {
        vm.startPrank(owner);
        vm.expectRevert(IPayoutVault.ZeroAmount.selector);
        vault.requestSurplus(recipient, 0);
        vm.expectRevert(IPayoutVault.ZeroAddress.selector);
        vault.requestSurplus(address(0), 1);
    }

    /// @notice What is owed is not surplus, under a pending root neither.
    function test_RevertWhen_AskingForMoreThanTheSurplus() public {
        vm.startPrank(owner);
        vm.expectRevert(abi.encodeWithSelector(IPayoutVault.SurplusTooSmall.selector, SURPLUS + 1, SURPLUS));
        vault.requestSurplus(recipient, SURPLUS + 1);
        vm.stopPrank();
        _owe(alice, 110e6);
        _propose();
        vm.startPrank(owner);
        vm.expectRevert(abi.encodeWithSelector(IPayoutVault.SurplusTooSmall.selector, SURPLUS, SURPLUS - 10e6));
        vault.requestSurplus(recipient, SURPLUS);
    }

    /// @notice A vault that holds less than it owes has no surplus.
    function test_RevertWhen_ReserveIsShort() public {
        vm.prank(address(vault));
        usdc.transfer(alice, 500e6);
        vm.expectRevert(abi.encodeWithSelector(IPayoutVault.SurplusTooSmall.selector, 1, 0));
        vm.prank(owner);
        vault.requestSurplus(recipient, 1);
    }

    /// @notice Not before the timelock, and a new request starts it anew.
    function test_RevertWhen_WithdrawnTooEarly() public {
        _request(1e6);
        uint256 executableAt = block.timestamp + SURPLUS_DELAY;
        vm.warp(executableAt - 1);
        vm.startPrank(owner);
        vm.expectRevert(abi.encodeWithSelector(IPayoutVault.SurplusNotReady.selector, executableAt, executableAt - 1));
        vault.withdrawSurplus();
        vault.requestSurplus(recipient, 2e6);
        vm.warp(executableAt);
        vm.expectRevert(
            abi.encodeWithSelector(
                IPayoutVault.SurplusNotReady.selector, executableAt - 1 + SURPLUS_DELAY, executableAt
            )
        );
        vault.withdrawSurplus();
    }

    /// @notice What has come to be owed since the request stays: surplus is checked again when it leaves.
    function test_RevertWhen_SurplusIsOwedMeanwhile() public {
        _request(SURPLUS);
        _owe(alice, 101e6);
        _propose();
        vm.warp(block.timestamp + SURPLUS_DELAY);
        vm.startPrank(owner);
        vm.expectRevert(abi.encodeWithSelector(IPayoutVault.SurplusTooSmall.selector, SURPLUS, SURPLUS - 1e6));
        vault.withdrawSurplus();
        vault.activateRoot();
        vm.expectRevert(abi.encodeWithSelector(IPayoutVault.SurplusTooSmall.selector, SURPLUS, SURPLUS - 1e6));
        vault.withdrawSurplus();
    }

    /// @notice Claims do not change what is surplus.
    function test_WithdrawSurplusAfterClaims() public {
        _request(SURPLUS);
        _claim(alice);
        vm.warp(block.timestamp + SURPLUS_DELAY);
        vm.prank(owner);
        vault.withdrawSurplus();
        assertEq(500e6, usdc.balanceOf(address(vault)));
    }

    /// @notice The guardian and the owner can each drop a request.
    function test_CancelSurplus() public {
        address[2] memory those = [guardian, owner];
        for (uint256 i; i < those.length; ++i) {
            _request(1e6);
            vm.expectEmit(address(vault));
            emit IPayoutVault.SurplusCancelled();
            vm.prank(those[i]);
            vault.cancelSurplus();
            vm.expectRevert(IPayoutVault.NoSurplusRequest.selector);
            vm.prank(owner);
            vault.withdrawSurplus();
        }
    }

    /// @notice Nobody else drops a request, and none can be dropped that is not there.
    function test_RevertWhen_CancelledWrongly() public {
        vm.expectRevert(abi.encodeWithSelector(IPayoutVault.NotGuardian.selector, operator));
        vm.prank(operator);
        vault.cancelSurplus();
        vm.expectRevert(IPayoutVault.NoSurplusRequest.selector);
        vm.prank(guardian);
        vault.cancelSurplus();
    }

    function _request(uint256 amount) private {
        vm.prank(owner);
        vault.requestSurplus(recipient, amount);
    }
}

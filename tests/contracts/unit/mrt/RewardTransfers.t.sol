// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {GraduatedFixture} from "../../support/GraduatedFixture.sol";

contract RewardTransfersTest is GraduatedFixture {
    uint256 internal constant REWARD = 7_000_000;

    /// @notice Who has earned quote alone is sent no tokens, not even none of them: some tokens refuse that.
    function test_ClaimOfQuoteAlone() public {
        _claims(address(usdc), address(mrt));
    }

    /// @notice Who has earned tokens alone is sent no quote.
    function test_ClaimOfTokensAlone() public {
        _claims(address(mrt), address(usdc));
    }

    /// @notice The lock, too, pays what there is of a token, and nothing of the other.
    function test_FeesOfOneToken() public {
        _swapIn(bob, 1000e6);
        lock.collect();
        _payCreatorOnly(address(usdc), address(mrt));
        _swapOut(alice, 10_000_000e18);
        lock.collect();
        _payCreatorOnly(address(mrt), address(usdc));
    }

    function _payCreatorOnly(address due, address other) private {
        vm.recordLogs();
        (uint256 amount0, uint256 amount1) = lock.claim(creator);
        (uint256 quote, uint256 tokens) = _ordered(amount0, amount1);
        assertEq(0, other == address(usdc) ? quote : tokens);
        assertGt(due == address(usdc) ? quote : tokens, 0);
        assertEq(2, vm.getRecordedLogs().length, "the payment, and one transfer");
    }

    function _claims(address earned, address other) private {
        _stakeFor(alice, 900e6);
        deal(earned, address(staking), REWARD);
        staking.harvest();
        vm.warp(START + 7 days);
        vm.expectCall(earned, abi.encodeWithSelector(usdc.transfer.selector, alice), 1);
        vm.expectCall(other, abi.encodeWithSelector(usdc.transfer.selector), 0);
        (uint256 amount0, uint256 amount1) = staking.claim(alice);
        assertApproxEqAbs(REWARD, amount0 + amount1, 1);
    }
}

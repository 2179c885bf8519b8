// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {CurveFixture} from "./CurveFixture.sol";

/// @title Graduated fixture
/// @notice A curve that has graduated: alice has bought for 3000 USDC, bob the rest. Both have USDC left.
abstract contract GraduatedFixture is CurveFixture {
    function setUp() public virtual override {
        super.setUp();
        _buy(alice, 3000e6);
        _buy(bob, NEVER);
        _graduate();
        for (uint256 i; i < 2; ++i) {
            vm.prank(i == 0 ? alice : bob);
            pool.approve(address(staking), type(uint256).max);
        }
    }

    /// @dev `account` pays `quote` into the pool for tokens.
    function _swapIn(address account, uint256 quote) internal returns (uint256 tokens) {
        tokens = pool.getAmountOut(quote, address(usdc));
        vm.startPrank(account);
        usdc.transfer(address(pool), quote);
        (uint256 out0, uint256 out1) = _ordered(0, tokens);
        pool.swap(out0, out1, account, "");
        vm.stopPrank();
    }

    /// @dev `account` pays `tokens` into the pool for quote.
    function _swapOut(address account, uint256 tokens) internal returns (uint256 quote) {
        quote = pool.getAmountOut(tokens, address(mrt));
        vm.startPrank(account);
        mrt.transfer(address(pool), tokens);
        (uint256 out0, uint256 out1) = _ordered(quote, 0);
        pool.swap(out0, out1, account, "");
        vm.stopPrank();
    }

    /// @dev `account` adds `quote` and the tokens that match it to the pool.
    function _addLiquidity(address account, uint256 quote) internal returns (uint256 shares) {
        (uint256 quoteReserve, uint256 tokenReserve) = _reserves();
        vm.startPrank(account);
        usdc.transfer(address(pool), quote);
        mrt.transfer(address(pool), quote * tokenReserve / quoteReserve + 1);
        shares = pool.mint(account);
        vm.stopPrank();
    }

    /// @dev `account` adds `quote` with its tokens to the pool and stakes the shares.
    function _stakeFor(address account, uint256 quote) internal returns (uint256 shares) {
        shares = _addLiquidity(account, quote);
        vm.prank(account);
        staking.stake(shares);
    }

    /// @dev A trade of each kind, so that the pool earns fees in both tokens.
    function _trade() internal {
        _swapIn(bob, 1000e6);
        _swapOut(alice, 10_000_000e18);
    }

    /// @dev Gives the stakers `amount` of quote.
    function _reward(uint256 amount) internal returns (uint256) {
        usdc.mint(address(staking), amount);
        (uint256 quote, uint256 tokens) = _harvest();
        assertEq(amount, quote);
        assertEq(0, tokens);
        return amount;
    }

    function _harvest() internal returns (uint256 quote, uint256 tokens) {
        (uint256 amount0, uint256 amount1) = staking.harvest();
        return _ordered(amount0, amount1);
    }

    function _quoteEarned(address account) internal view returns (uint256 quote) {
        (uint256 amount0, uint256 amount1) = staking.earnedOf(account);
        (quote,) = _ordered(amount0, amount1);
    }

    function _balances(address account) internal view returns (uint256 amount0, uint256 amount1) {
        return _ordered(usdc.balanceOf(account), mrt.balanceOf(account));
    }

    /// @dev What holds of the lock and of the staking at any time.
    function _assertCovered() internal view {
        (uint256 owed0, uint256 owed1) = lock.owed();
        (uint256 held0, uint256 held1) = _balances(address(lock));
        assertLe(owed0, held0, "the lock covers what it owes");
        assertLe(owed1, held1, "the lock covers what it owes");
        (owed0, owed1) = staking.owed();
        (held0, held1) = _balances(address(staking));
        assertLe(owed0, held0, "the staking covers what it owes");
        assertLe(owed1, held1, "the staking covers what it owes");
        assertLe(staking.totalStaked(), pool.balanceOf(address(staking)), "the staked shares are there");
    }
}

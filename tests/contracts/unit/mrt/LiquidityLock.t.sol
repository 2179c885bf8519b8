// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";

import {ILiquidityLock} from "../../../../contracts/interfaces/ILiquidityLock.sol";
import {CurveTerms} from "../../../../contracts/interfaces/IMrtCurve.sol";
import {FalseReturningToken} from "../../doubles/FalseReturningToken.sol";
import {GraduatedFixture} from "../../support/GraduatedFixture.sol";

contract LiquidityLockTest is GraduatedFixture {
    /// @notice The lock knows its pool, its beneficiaries and their parts, and holds the shares.
    function test_Constructor() public view {
        assertEq(address(pool), lock.pool());
        assertEq(pool.token0(), lock.token0());
        assertEq(pool.token1(), lock.token1());
        assertEq(address(staking), lock.staking());
        assertEq(creator, lock.creator());
        assertEq(treasury, lock.treasury());
        assertEq(POOL_STAKERS_BPS, lock.stakersBps());
        assertEq(POOL_CREATOR_BPS, lock.creatorBps());
        assertEq(pool.totalSupply() - 1000, lock.locked());
    }

    /// @notice The parts of the stakers and the creator are not more than all.
    function test_RevertWhen_PartsAreTooHigh() public {
        CurveTerms memory terms = _terms();
        terms.poolStakersBps = 10_001;
        vm.expectRevert(abi.encodeWithSelector(ILiquidityLock.SharesTooHigh.selector, 10_001, 10_000));
        _deployCurveOn(terms);
        (terms.poolStakersBps, terms.poolCreatorBps) = (6000, 4001);
        vm.expectRevert(abi.encodeWithSelector(ILiquidityLock.SharesTooHigh.selector, 4001, 4000));
        _deployCurveOn(terms);
        terms.poolCreatorBps = 4000;
        _deployCurveOn(terms);
    }

    /// @notice What the locked shares earn is booked to the three by their parts, the rounding to the treasury.
    function test_Collect() public {
        _trade();
        (uint256 fee0, uint256 fee1) = _ordered(3e6, 30_000e18);
        // The pool rounds down, to the thousand shares that nobody holds and by a unit.
        uint256 snapshot = vm.snapshotState();
        (uint256 amount0, uint256 amount1) = lock.collect();
        assertApproxEqRel(fee0, amount0, 1e12);
        assertApproxEqRel(fee1, amount1, 1e12);
        vm.revertToState(snapshot);

        uint256[2] memory stakers = [amount0 * 6000 / 10_000, amount1 * 6000 / 10_000];
        uint256[2] memory creators = [amount0 * 2500 / 10_000, amount1 * 2500 / 10_000];
        uint256[2] memory rest = [amount0 - stakers[0] - creators[0], amount1 - stakers[1] - creators[1]];
        vm.expectEmit(address(lock));
        emit ILiquidityLock.FeesBooked(address(staking), stakers[0], stakers[1]);
        vm.expectEmit(address(lock));
        emit ILiquidityLock.FeesBooked(creator, creators[0], creators[1]);
        vm.expectEmit(address(lock));
        emit ILiquidityLock.FeesBooked(treasury, rest[0], rest[1]);
        vm.prank(bob);
        lock.collect();
        _assertOwed(address(staking), stakers);
        _assertOwed(creator, creators);
        _assertOwed(treasury, rest);
        (uint256 owed0, uint256 owed1) = lock.owed();
        assertEq(amount0, owed0);
        assertEq(amount1, owed1);
        _assertCovered();
    }

    /// @notice What is collected before it was claimed adds up, in both tokens.
    function test_CollectTwice() public {
        address[3] memory parties = [address(staking), creator, treasury];
        uint256[3] memory bps = [POOL_STAKERS_BPS, POOL_CREATOR_BPS, 10_000 - POOL_STAKERS_BPS - POOL_CREATOR_BPS];
        uint256 sum0;
        uint256 sum1;
        for (uint256 i; i < 4; ++i) {
            _trade();
            (uint256 amount0, uint256 amount1) = lock.collect();
            (sum0, sum1) = (sum0 + amount0, sum1 + amount1);
        }
        for (uint256 i; i < 3; ++i) {
            (uint256 owed0, uint256 owed1) = lock.owedTo(parties[i]);
            assertApproxEqAbs(sum0 * bps[i] / 10_000, owed0, 8);
            assertApproxEqAbs(sum1 * bps[i] / 10_000, owed1, 8);
        }
        (uint256 all0, uint256 all1) = lock.owed();
        assertEq(sum0, all0);
        assertEq(sum1, all1);
    }

    /// @notice Where nothing has come nothing is booked, before graduation neither.
    function test_CollectNothing() public {
        (uint256 amount0, uint256 amount1) = lock.collect();
        assertEq(0, amount0 + amount1);
        _use(_deployCurve(TARGET, FEE_BPS, CREATOR_SHARE_BPS));
        (amount0, amount1) = lock.collect();
        assertEq(0, amount0 + amount1);
    }

    /// @notice Who has a part gets it, whoever asks, and once.
    function test_Claim() public {
        _trade();
        lock.collect();
        (uint256 amount0, uint256 amount1) = lock.owedTo(creator);
        (uint256 all0, uint256 all1) = lock.owed();
        vm.expectEmit(address(lock));
        emit ILiquidityLock.FeesPaid(creator, amount0, amount1);
        vm.prank(bob);
        (uint256 paid0, uint256 paid1) = lock.claim(creator);
        assertEq(amount0, paid0);
        assertEq(amount1, paid1);
        (uint256 got0, uint256 got1) = _balances(creator);
        assertEq(amount0, got0);
        assertEq(amount1, got1);
        (uint256 left0, uint256 left1) = lock.owed();
        assertEq(all0 - amount0, left0);
        assertEq(all1 - amount1, left1);
        vm.expectRevert(abi.encodeWithSelector(ILiquidityLock.NoFees.selector, creator));
        lock.claim(creator);
        _assertCovered();
    }

    /// @notice Fees of one token alone are paid as well.
    function test_ClaimOfOneToken() public {
        _swapIn(bob, 1000e6);
        lock.collect();
        lock.claim(treasury);
        assertGt(usdc.balanceOf(treasury), 0);
        assertEq(0, mrt.balanceOf(treasury));
    }

    /// @notice Who has no part gets nothing.
    function test_RevertWhen_NothingIsOwed() public {
        _trade();
        lock.collect();
        vm.expectRevert(abi.encodeWithSelector(ILiquidityLock.NoFees.selector, bob));
        lock.claim(bob);
    }

    /// @notice Where the creator is the treasury, both parts are one.
    function test_CreatorIsTreasury() public {
        CurveTerms memory terms = _terms();
        terms.treasury = creator;
        _use(_deployCurveOn(terms));
        _graduate();
        _swapIn(bob, 1000e6);
        lock.collect();
        lock.claim(creator);
        assertApproxEqAbs(3e6 * 4000 / 10_000, usdc.balanceOf(creator), 2);
    }

    /// @notice A part of nothing is booked and announced to nobody.
    function test_NoPart() public {
        CurveTerms memory terms = _terms();
        (terms.poolStakersBps, terms.poolCreatorBps) = (0, 0);
        _use(_deployCurveOn(terms));
        _graduate();
        _swapIn(bob, 1000e6);
        (uint256 amount0, uint256 amount1) = lock.collect();
        _assertOwed(treasury, [amount0, amount1]);
        _assertOwed(creator, [uint256(0), 0]);
        _assertOwed(address(staking), [uint256(0), 0]);
    }

    /// @notice Tokens that are given to the lock are fees like others.
    function test_GiftsAreBooked() public {
        usdc.mint(address(lock), 100e6);
        lock.collect();
        (uint256 amount0, uint256 amount1) = lock.owedTo(creator);
        (uint256 quote, uint256 tokens) = _ordered(amount0, amount1);
        assertEq(25e6, quote);
        assertEq(0, tokens);
        _assertCovered();
    }

    /// @notice Payments that fail without a revert leave what is owed.
    function test_RevertWhen_TokenIsBroken() public {
        FalseReturningToken odd = new FalseReturningToken();
        _useCurveOn(address(odd));
        _graduate();
        odd.mint(address(lock), 100e6);
        lock.collect();
        odd.setBroken(true);
        vm.expectRevert(SafeTransferLib.TransferFailed.selector);
        lock.claim(creator);
        odd.setBroken(false);
        lock.claim(creator);
        assertEq(25e6, odd.balanceOf(creator));
    }

    function _assertOwed(address account, uint256[2] memory expected) private view {
        (uint256 amount0, uint256 amount1) = lock.owedTo(account);
        assertEq(expected[0], amount0);
        assertEq(expected[1], amount1);
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {ICurve, IPool, IToken} from "../support/Kit.sol";

/// @title Curve handler
/// @notice Everything that people do with a bonding curve, by several of them.
contract CurveHandler is Test {
    ICurve internal curve;
    IToken internal usdc;
    IToken internal mrt;
    IPool internal pool;
    address[] internal actors;

    uint256 public donated;
    uint256 public donatedToPool;
    uint256 public claimed;
    uint256 public spent;
    uint256 public received;
    uint256 public product;
    bool public productFell;

    constructor(ICurve curve_, IToken usdc_, address[] memory actors_) {
        (curve, usdc, mrt, actors) = (curve_, usdc_, IToken(curve_.token()), actors_);
        pool = IPool(curve_.pool());
        product = _product();
    }

    modifier watched() {
        _;
        uint256 after_ = _product();
        if (after_ < product) productFell = true;
        product = after_;
    }

    function buy(uint256 actorSeed, uint256 toSeed, uint256 amount) external watched {
        uint256 left = curve.target() - curve.raised();
        if (left == 0) return;
        // Mostly small, now and then more than there is to raise.
        amount = bound(amount, 1, amount % 16 == 0 ? 2 * left : left / 8 + 1);
        (uint256 quoted, uint256 expected,) = curve.quoteBuy(amount);
        if (quoted == 0) return;
        address actor = _actor(actorSeed);
        usdc.mint(actor, amount);
        address recipient = _actor(toSeed);
        vm.startPrank(actor);
        usdc.approve(address(curve), amount);
        (uint256 tokens, uint256 paid) = curve.buy(amount, quoted, recipient, block.timestamp);
        vm.stopPrank();
        assertEq(quoted, tokens, "tokens as quoted");
        assertEq(expected, paid, "price as quoted");
        spent += paid;
    }

    function sell(uint256 actorSeed, uint256 toSeed, uint256 tokens) external watched {
        address actor = _actor(actorSeed);
        uint256 balance = mrt.balanceOf(actor);
        if (balance == 0 || _isComplete()) return;
        tokens = bound(tokens, 1, balance);
        (uint256 quoted,) = curve.quoteSell(tokens);
        if (quoted == 0) return;
        address recipient = _actor(toSeed);
        vm.startPrank(actor);
        mrt.approve(address(curve), tokens);
        assertEq(quoted, curve.sell(tokens, quoted, recipient, block.timestamp), "proceeds as quoted");
        vm.stopPrank();
        received += quoted;
    }

    function transfer(uint256 actorSeed, uint256 toSeed, uint256 tokens) external watched {
        address actor = _actor(actorSeed);
        tokens = bound(tokens, 0, mrt.balanceOf(actor));
        vm.prank(actor);
        mrt.transfer(_actor(toSeed), tokens);
    }

    function claimFees(bool ofTreasury) external watched {
        address account = ofTreasury ? curve.treasury() : curve.creator();
        if (curve.feesOf(account) != 0) claimed += curve.claimFees(account);
    }

    function donate(uint256 amount) external watched {
        amount = bound(amount, 1, 10e6);
        usdc.mint(address(curve), amount);
        donated += amount;
    }

    /// @notice Quote is left in the pool, and taken down as its reserve.
    function donateToPool(uint256 amount, bool sync) external watched {
        amount = bound(amount, 1, 10e6);
        usdc.mint(address(pool), amount);
        if (sync) pool.sync();
        donatedToPool += amount;
    }

    /// @notice Tokens are kept out of the pool before graduation.
    function pushIntoPool(uint256 actorSeed, uint256 tokens) external watched {
        if (curve.graduated()) return;
        address actor = _actor(actorSeed);
        tokens = bound(tokens, 0, mrt.balanceOf(actor));
        vm.prank(actor);
        vm.expectRevert(abi.encodeWithSignature("PoolClosed(address)", pool));
        mrt.transfer(address(pool), tokens);
    }

    /// @notice A complete curve can always be graduated.
    function graduate(uint256 actorSeed) external watched {
        if (!_isComplete() || curve.graduated()) return;
        vm.prank(_actor(actorSeed));
        curve.graduate();
    }

    /// @notice Everybody sells everything, as long as the curve buys.
    function everybodySells() external {
        if (_isComplete()) return;
        for (uint256 i; i < actors.length; ++i) {
            uint256 balance = mrt.balanceOf(actors[i]);
            if (balance == 0) continue;
            (uint256 quoted,) = curve.quoteSell(balance);
            if (quoted == 0) continue;
            vm.startPrank(actors[i]);
            mrt.approve(address(curve), balance);
            received += curve.sell(balance, quoted, actors[i], block.timestamp);
            vm.stopPrank();
        }
    }

    function _product() private view returns (uint256) {
        return (curve.FOR_SALE() * 4 / 3 - curve.sold()) * ((curve.target() + 2) / 3 + curve.raised());
    }

    function _isComplete() private view returns (bool) {
        return curve.raised() == curve.target();
    }

    function _actor(uint256 seed) private view returns (address) {
        return actors[seed % actors.length];
    }
}

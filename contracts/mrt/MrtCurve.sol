// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";

import {IMrtCurve} from "../interfaces/IMrtCurve.sol";
import {MrtToken} from "./MrtToken.sol";

/// @title Bonding curve of a market reward token
/// @notice With T tokens for sale and a target of R, the virtual reserves start at 4T/3 tokens and R/3 quote. When R is
/// raised, T are sold but for rounding, and the price has risen sixteenfold, to R over the T/4 tokens that are kept
/// back: a pool of R and those tokens opens at the price at which the curve ends.
/// @dev Every rounding favours the curve. The virtual quote is rounded up, so that tokens never run out before R is
/// raised: there would be no way to finish.
contract MrtCurve is IMrtCurve, ReentrancyGuardTransient {
    using FixedPointMathLib for uint256;
    using SafeTransferLib for address;

    uint256 public constant SUPPLY = 1_000_000_000e18;
    uint256 public constant FOR_SALE = 800_000_000e18;
    uint256 private constant BPS = 10_000;
    uint256 private constant FEE_BPS_MAX = 1000;
    /// One whole USDC: below it a base unit of quote would be a coarse step of the price.
    uint256 private constant TARGET_MIN = 1e6;
    uint256 private constant VIRTUAL_TOKENS = FOR_SALE * 4 / 3;

    /// @inheritdoc IMrtCurve
    address public immutable token;
    /// @inheritdoc IMrtCurve
    address public immutable quoteToken;
    /// @inheritdoc IMrtCurve
    uint256 public immutable target;
    uint256 public immutable feeBps;
    /// Share of the fee that is the creator's, in basis points; the rest is the treasury's.
    uint256 public immutable creatorShareBps;
    address public immutable creator;
    address public immutable treasury;

    /// @inheritdoc IMrtCurve
    uint256 public raised;
    /// @inheritdoc IMrtCurve
    uint256 public sold;
    /// Fees that have been earned and not been claimed, in all.
    uint256 private _feesOwed;

    mapping(address account => uint256) public feesOf;

    constructor(
        string memory name,
        string memory symbol,
        address quoteToken_,
        uint256 target_,
        uint256 feeBps_,
        uint256 creatorShareBps_,
        address creator_,
        address treasury_
    ) {
        if (quoteToken_ == address(0) || creator_ == address(0) || treasury_ == address(0)) {
            revert ZeroAddress();
        }
        if (target_ < TARGET_MIN) revert TargetTooSmall(target_, TARGET_MIN);
        if (feeBps_ > FEE_BPS_MAX) revert FeeTooHigh(feeBps_, FEE_BPS_MAX);
        if (creatorShareBps_ > BPS) revert FeeTooHigh(creatorShareBps_, BPS);
        quoteToken = quoteToken_;
        target = target_;
        feeBps = feeBps_;
        creatorShareBps = creatorShareBps_;
        creator = creator_;
        treasury = treasury_;
        token = address(new MrtToken(name, symbol, SUPPLY));
    }

    /// @inheritdoc IMrtCurve
    function buy(uint256 amount, uint256 minTokens, address recipient, uint256 deadline)
        external
        nonReentrant
        returns (uint256 tokens, uint256 paid)
    {
        if (block.timestamp > deadline) revert DeadlineExpired(deadline, block.timestamp);
        if (recipient == address(0)) revert ZeroAddress();
        uint256 fee;
        (tokens, paid, fee) = quoteBuy(amount);
        if (tokens < minTokens || tokens == 0) revert SlippageExceeded(tokens, minTokens);
        raised += paid - fee;
        sold += tokens;
        _accrue(fee);
        emit CurveBought(msg.sender, recipient, paid, fee, tokens);
        quoteToken.safeTransferFrom(msg.sender, address(this), paid);
        uint256 held = IERC20(quoteToken).balanceOf(address(this));
        if (held < raised + _feesOwed) revert Undercollateralised(held, raised + _feesOwed);
        token.safeTransfer(recipient, tokens);
    }

    /// @inheritdoc IMrtCurve
    function sell(uint256 tokens, uint256 minAmount, address recipient, uint256 deadline)
        external
        nonReentrant
        returns (uint256 amount)
    {
        if (block.timestamp > deadline) revert DeadlineExpired(deadline, block.timestamp);
        if (recipient == address(0)) revert ZeroAddress();
        uint256 fee;
        (amount, fee) = quoteSell(tokens);
        if (amount < minAmount || amount == 0) revert SlippageExceeded(amount, minAmount);
        raised -= amount + fee;
        sold -= tokens;
        _accrue(fee);
        emit CurveSold(msg.sender, recipient, tokens, fee, amount);
        token.safeTransferFrom(msg.sender, address(this), tokens);
        quoteToken.safeTransfer(recipient, amount);
    }

    /// @inheritdoc IMrtCurve
    function claimFees(address account) external nonReentrant returns (uint256 amount) {
        amount = feesOf[account];
        if (amount == 0) revert NoFees(account);
        delete feesOf[account];
        _feesOwed -= amount;
        emit FeesClaimed(account, amount);
        quoteToken.safeTransfer(account, amount);
    }

    /// @inheritdoc IMrtCurve
    function quoteSell(uint256 tokens) public view returns (uint256 amount, uint256 fee) {
        if (tokens == 0) revert ZeroAmount();
        if (tokens > sold) revert MoreThanSold(tokens, sold);
        uint256 gross = _quoteReserve().fullMulDiv(tokens, _tokenReserve() + tokens).min(raised);
        fee = gross.mulDivUp(feeBps, BPS);
        amount = gross - fee;
    }

    /// @inheritdoc IMrtCurve
    function quoteBuy(uint256 amount) public view returns (uint256 tokens, uint256 paid, uint256 fee) {
        if (amount == 0) revert ZeroAmount();
        uint256 left = target - raised;
        if (left == 0) revert CurveComplete(raised);
        paid = amount;
        fee = amount.fullMulDivUp(feeBps, BPS);
        uint256 net = amount - fee;
        if (net >= left) {
            net = left;
            paid = left.mulDivUp(BPS, BPS - feeBps).min(amount);
            fee = paid - net;
        }
        tokens = _tokenReserve().fullMulDiv(net, _quoteReserve() + net).min(FOR_SALE - sold);
    }

    /// @inheritdoc IMrtCurve
    function graduationProgress() external view returns (uint256) {
        return raised * BPS / target;
    }

    /// @inheritdoc IMrtCurve
    function reserveStatus() external view returns (uint256 reserve, uint256 liabilities, uint256 coverage) {
        reserve = IERC20(quoteToken).balanceOf(address(this));
        liabilities = raised + _feesOwed;
        coverage = liabilities == 0 ? type(uint256).max : reserve * 1e18 / liabilities;
    }

    function _accrue(uint256 fee) private {
        uint256 creatorFee = fee * creatorShareBps / BPS;
        feesOf[creator] += creatorFee;
        feesOf[treasury] += fee - creatorFee;
        _feesOwed += fee;
    }

    function _quoteReserve() private view returns (uint256) {
        return target.divUp(3) + raised;
    }

    function _tokenReserve() private view returns (uint256) {
        return VIRTUAL_TOKENS - sold;
    }
}

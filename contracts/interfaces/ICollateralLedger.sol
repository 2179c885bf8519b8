// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Collateral ledger
/// @notice Internal balances of one collateral token, trading mode and the guardian's pause.
/// @dev Amounts are base units of the collateral. An account in trading mode can be matched without fear that it is gone
/// before settlement: what it spends by itself must have been released `TRADING_DELAY` seconds before. So a match holds
/// for that long on what is not announced in `releaseOf`, of an account that has not begun to leave trading mode, with
/// orders that are not announced as cancelled and, of a contract's, are registered.
interface ICollateralLedger {
    /// @notice `amount` came from `payer`'s wallet onto `account`'s internal balance.
    event Deposited(address indexed account, address indexed payer, uint256 amount);
    /// @notice `amount` left `account`'s internal balance for `recipient`'s wallet.
    event Withdrawn(address indexed account, address indexed recipient, uint256 amount);
    event TradingModeEntered(address indexed account);
    /// @notice `account` is out of trading mode from `effectiveAt` on.
    event TradingModeLeft(address indexed account, uint256 effectiveAt);
    /// @notice From `readyAt` on `account` may itself spend `amount` of an asset: collateral (`id` 0) or a position.
    event ReleaseRequested(address indexed account, uint256 indexed id, uint256 amount, uint256 readyAt);
    /// @notice `account`, in trading mode, has spent `amount` of what had been released.
    event ReleaseSpent(address indexed account, uint256 indexed id, uint256 amount);
    event TradingPaused(bool paused);
    event GuardianSet(address indexed guardian);

    error ZeroAmount();
    error ZeroAddress();
    error NotGuardian(address caller);
    error TradingIsPaused();
    error InsufficientCollateral(address account, uint256 needed, uint256 available);
    error Undercollateralised(uint256 held, uint256 owed);
    error AlreadyTrading(address account);
    error NotTrading(address account);
    error ReleaseTooLarge(uint256 amount, uint256 most);
    error NotReleased(address account, uint256 id, uint256 needed, uint256 released, uint256 readyAt);

    /// @notice Takes `amount` from the caller's wallet onto `account`'s internal balance.
    function deposit(address account, uint256 amount) external;

    /// @notice `deposit` with an EIP-2612 permit of the caller. A permit that someone else has already used is no
    /// failure as long as the allowance is there.
    function depositWithPermit(address account, uint256 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        external;

    function withdraw(address recipient, uint256 amount) external;

    /// @notice Puts the caller into trading mode: from now on its withdrawals, transfers, splits, merges, sales to the
    /// house and cancellations take effect `TRADING_DELAY` after they were asked for.
    function enterTradingMode() external;

    /// @notice Takes the caller out of trading mode, `TRADING_DELAY` from now.
    function leaveTradingMode() external;

    /// @notice Announces that the caller, in trading mode, will itself spend `amount` of an asset: collateral (`id` 0)
    /// or a position. It may from `TRADING_DELAY` on; orders that settle before come first. Replaces what was announced
    /// of the same asset before.
    function requestRelease(uint256 id, uint256 amount) external;

    /// @notice Stops or resumes new trades. The guardian only. Everything else goes on.
    function setTradingPaused(bool paused) external;

    /// @notice Names the guardian. The owner only.
    function setGuardian(address guardian_) external;

    /// @notice The internal balance of `account`, in base units.
    function collateralOf(address account) external view returns (uint256);

    function isTrading(address account) external view returns (bool);

    /// @notice When `account` is out of trading mode (UNIX seconds): 0 if it never was in it, the largest uint40 while it
    /// has not asked to leave.
    function tradingUntil(address account) external view returns (uint256);

    /// @notice What `account` has announced of an asset, and when it may spend that (UNIX seconds).
    function releaseOf(address account, uint256 id) external view returns (uint256 amount, uint256 readyAt);

    /// @notice The contract's collateral, what it owes in all, and their ratio (1e18; the largest uint256 where nothing
    /// is owed).
    function reserveStatus() external view returns (uint256 reserve, uint256 liabilities, uint256 coverage);

    function tradingPaused() external view returns (bool);

    function guardian() external view returns (address);
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";

import {ICollateralLedger} from "../interfaces/ICollateralLedger.sol";

/// @title Collateral ledger
/// @notice Internal balances, and the one number that says what the contract owes in all. Tokens enter and leave here
/// only.
abstract contract CollateralLedger is ICollateralLedger, Ownable2Step, ReentrancyGuardTransient {
    using SafeTransferLib for address;

    /// What settling an order reads of its maker, in one slot.
    struct Account {
        uint112 collateral;
        /// In trading mode before this; 0 if never, `FOREVER` until it leaves.
        uint40 tradingUntil;
        uint32 nonceFloor;
        /// Replaces `nonceFloor` at `nextFloorAt`.
        uint32 nextFloor;
        uint40 nextFloorAt;
    }

    struct Release {
        uint128 amount;
        uint128 readyAt;
    }

    /// Seconds after which what an account in trading mode has asked for takes effect: longer than a batch of matched
    /// orders waits for its settlement, shorter than an epoch.
    uint256 public constant TRADING_DELAY = 60;
    uint40 internal constant FOREVER = type(uint40).max;
    /// The id of collateral among the assets that are released; no position has it.
    uint256 internal constant COLLATERAL_ID = 0;

    address public immutable collateralToken;

    /// All that is owed: internal balances, house budgets and the collateral of shares. What is held beyond it was given
    /// away.
    uint112 private _liabilities;
    /// Beside the liabilities because every house trade reads both.
    bool public tradingPaused;

    address public guardian;

    mapping(address account => Account) internal _accounts;
    mapping(address account => mapping(uint256 id => Release)) private _releases;

    constructor(address owner_, address collateralToken_, address guardian_) Ownable(owner_) {
        if (collateralToken_ == address(0)) revert ZeroAddress();
        collateralToken = collateralToken_;
        _setGuardian(guardian_);
    }

    /// @inheritdoc ICollateralLedger
    function deposit(address account, uint256 amount) public nonReentrant {
        _deposit(account, amount);
    }

    /// @inheritdoc ICollateralLedger
    // slither-disable-next-line reentrancy-benign -- guarded
    function depositWithPermit(address account, uint256 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        external
        nonReentrant
    {
        // Anyone can use up a permit that waits in the pool; then the allowance is there and the deposit must go on.
        // slither-disable-next-line unused-return
        try IERC20Permit(collateralToken).permit(msg.sender, address(this), amount, deadline, v, r, s) {} catch {}
        _deposit(account, amount);
    }

    /// @inheritdoc ICollateralLedger
    function withdraw(address recipient, uint256 amount) external nonReentrant {
        if (recipient == address(0)) revert ZeroAddress();
        if (amount == 0) revert ZeroAmount();
        _spendCollateral(msg.sender, amount);
        emit Withdrawn(msg.sender, recipient, amount);
        _push(recipient, amount);
    }

    /// @inheritdoc ICollateralLedger
    function enterTradingMode() external {
        // slither-disable-next-line incorrect-equality -- a mark, not a time
        if (_accounts[msg.sender].tradingUntil == FOREVER) revert AlreadyTrading(msg.sender);
        _accounts[msg.sender].tradingUntil = FOREVER;
        emit TradingModeEntered(msg.sender);
    }

    /// @inheritdoc ICollateralLedger
    function leaveTradingMode() external {
        if (_accounts[msg.sender].tradingUntil != FOREVER) revert NotTrading(msg.sender);
        uint256 effectiveAt = block.timestamp + TRADING_DELAY;
        // forge-lint: disable-next-line(unsafe-typecast) -- a time
        _accounts[msg.sender].tradingUntil = uint40(effectiveAt);
        emit TradingModeLeft(msg.sender, effectiveAt);
    }

    /// @inheritdoc ICollateralLedger
    function requestRelease(uint256 id, uint256 amount) external {
        if (!isTrading(msg.sender)) revert NotTrading(msg.sender);
        uint256 readyAt = block.timestamp + TRADING_DELAY;
        if (amount > type(uint128).max) revert ReleaseTooLarge(amount, type(uint128).max);
        // forge-lint: disable-next-line(unsafe-typecast) -- bounded above, and a time
        _releases[msg.sender][id] = Release({amount: uint128(amount), readyAt: uint128(readyAt)});
        emit ReleaseRequested(msg.sender, id, amount, readyAt);
    }

    /// @inheritdoc ICollateralLedger
    function setTradingPaused(bool paused) external {
        if (msg.sender != guardian) revert NotGuardian(msg.sender);
        tradingPaused = paused;
        emit TradingPaused(paused);
    }

    /// @inheritdoc ICollateralLedger
    function setGuardian(address guardian_) external onlyOwner {
        _setGuardian(guardian_);
    }

    /// @inheritdoc ICollateralLedger
    function collateralOf(address account) external view returns (uint256) {
        return _accounts[account].collateral;
    }

    /// @inheritdoc ICollateralLedger
    function tradingUntil(address account) external view returns (uint256) {
        return _accounts[account].tradingUntil;
    }

    /// @inheritdoc ICollateralLedger
    function releaseOf(address account, uint256 id) external view returns (uint256 amount, uint256 readyAt) {
        Release memory release = _releases[account][id];
        return (release.amount, release.readyAt);
    }

    /// @inheritdoc ICollateralLedger
    function reserveStatus() external view returns (uint256 reserve, uint256 liabilities, uint256 coverage) {
        reserve = collateralToken.balanceOf(address(this));
        liabilities = _liabilities;
        // slither-disable-next-line incorrect-equality -- where nothing is owed there is no ratio
        coverage = liabilities == 0 ? type(uint256).max : reserve * 1e18 / liabilities;
    }

    /// @inheritdoc ICollateralLedger
    function isTrading(address account) public view returns (bool) {
        return block.timestamp < _accounts[account].tradingUntil;
    }

    function _deposit(address account, uint256 amount) private {
        if (account == address(0)) revert ZeroAddress();
        if (amount == 0) revert ZeroAmount();
        emit Deposited(account, msg.sender, amount);
        collateralToken.safeTransferFrom(msg.sender, address(this), amount);
        _received(amount);
        _credit(account, amount);
    }

    /// @dev Adds `amount`, which is among the liabilities: no balance is larger than those.
    function _credit(address account, uint256 amount) internal {
        // forge-lint: disable-next-line(unsafe-typecast) -- bounded by the liabilities
        _accounts[account].collateral += uint112(amount);
    }

    /// @dev Takes `amount` off an internal balance for an order that its owner has signed.
    function _debit(address account, uint256 amount) internal {
        uint256 available = _accounts[account].collateral;
        if (available < amount) revert InsufficientCollateral(account, amount, available);
        unchecked {
            // forge-lint: disable-next-line(unsafe-typecast) -- below what was there
            _accounts[account].collateral = uint112(available - amount);
        }
    }

    /// @dev Takes `amount` off an internal balance because its owner says so now.
    function _spendCollateral(address account, uint256 amount) internal {
        _spendReleased(account, COLLATERAL_ID, amount);
        _debit(account, amount);
    }

    /// @dev An account in trading mode may itself spend only what it has announced in time.
    function _spendReleased(address account, uint256 id, uint256 amount) internal {
        if (!isTrading(account)) return;
        Release memory release = _releases[account][id];
        if (amount > release.amount || block.timestamp < release.readyAt) {
            revert NotReleased(account, id, amount, release.amount, release.readyAt);
        }
        // forge-lint: disable-next-line(unsafe-typecast) -- at most what was released
        _releases[account][id].amount = release.amount - uint128(amount);
        emit ReleaseSpent(account, id, amount);
    }

    /// @dev Books `amount` that has been transferred in. A token that delivers less than it was told to is refused here:
    /// what is held covers all that is owed, after every payment into it.
    function _received(uint256 amount) internal {
        uint256 owed = _liabilities + amount;
        uint256 held = collateralToken.balanceOf(address(this));
        if (held < owed || owed > type(uint112).max) revert Undercollateralised(held, owed);
        // forge-lint: disable-next-line(unsafe-typecast) -- bounded above
        _liabilities = uint112(owed);
    }

    /// @dev Pays `amount` that is owed no longer.
    function _push(address recipient, uint256 amount) internal {
        // forge-lint: disable-next-line(unsafe-typecast) -- `amount` is part of the liabilities
        _liabilities -= uint112(amount);
        collateralToken.safeTransfer(recipient, amount);
    }

    function _setGuardian(address guardian_) private {
        // slither-disable-next-line missing-zero-check -- no guardian is a choice
        guardian = guardian_;
        emit GuardianSet(guardian_);
    }
}

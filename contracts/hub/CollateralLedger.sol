// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";

import {IEpochHub} from "../interfaces/IEpochHub.sol";

/// @title Collateral ledger
/// @notice Internal balances, and the one number that says what the hub owes in all. Tokens enter and leave here only.
abstract contract CollateralLedger is IEpochHub, ReentrancyGuardTransient {
    using SafeTransferLib for address;

    address public immutable collateralToken;

    /// All that the hub owes: internal balances, house budgets and the collateral of epochs. What the hub holds beyond
    /// it was given away to it.
    uint128 private _liabilities;
    /// Beside the liabilities because every house trade reads both.
    bool internal _tradingPaused;

    mapping(address account => uint256) internal _collateral;

    constructor(address collateralToken_) {
        if (collateralToken_ == address(0)) revert ZeroAddress();
        collateralToken = collateralToken_;
    }

    /// @inheritdoc IEpochHub
    function deposit(address account, uint256 amount) public nonReentrant {
        _deposit(account, amount);
    }

    /// @inheritdoc IEpochHub
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

    /// @inheritdoc IEpochHub
    function withdraw(address recipient, uint256 amount) external nonReentrant {
        if (recipient == address(0)) revert ZeroAddress();
        if (amount == 0) revert ZeroAmount();
        _debit(msg.sender, amount);
        emit Withdrawn(msg.sender, recipient, amount);
        _push(recipient, amount);
    }

    /// @inheritdoc IEpochHub
    function collateralOf(address account) external view returns (uint256) {
        return _collateral[account];
    }

    /// @inheritdoc IEpochHub
    function reserveStatus() external view returns (uint256 reserve, uint256 liabilities, uint256 coverage) {
        reserve = collateralToken.balanceOf(address(this));
        liabilities = _liabilities;
        coverage = liabilities == 0 ? type(uint256).max : reserve * 1e18 / liabilities;
    }

    function _deposit(address account, uint256 amount) private {
        if (account == address(0)) revert ZeroAddress();
        if (amount == 0) revert ZeroAmount();
        _collateral[account] += amount;
        emit Deposited(account, msg.sender, amount);
        collateralToken.safeTransferFrom(msg.sender, address(this), amount);
        _received(amount);
    }

    /// @dev Takes `amount` off an internal balance.
    function _debit(address account, uint256 amount) internal {
        uint256 available = _collateral[account];
        if (available < amount) revert InsufficientCollateral(account, amount, available);
        unchecked {
            _collateral[account] = available - amount;
        }
    }

    /// @dev Books `amount` that has been transferred in. A token that delivers less than it was told to is refused here:
    /// what the hub holds covers all that it owes, after every payment into it.
    function _received(uint256 amount) internal {
        uint256 owed = _liabilities + amount;
        uint256 held = collateralToken.balanceOf(address(this));
        if (held < owed || owed > type(uint128).max) revert Undercollateralised(held, owed);
        // forge-lint: disable-next-line(unsafe-typecast) -- bounded above
        _liabilities = uint128(owed);
    }

    /// @dev Pays `amount` that is owed no longer.
    function _push(address recipient, uint256 amount) internal {
        // forge-lint: disable-next-line(unsafe-typecast) -- `amount` is part of the liabilities
        _liabilities -= uint128(amount);
        collateralToken.safeTransfer(recipient, amount);
    }
}

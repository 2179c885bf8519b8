"""Errors that no ABI file of the kit tells of, by their signatures with the names of their values.

Solady reverts in assembly, so that the compiler does not see its errors; those of contracts that ours call,
tokens and oracles of others, stand in their own sources.
"""

from __future__ import annotations

__all__ = ["LIBRARY_ERRORS"]

LIBRARY_ERRORS = (
    # Solady, for transfers
    "ETHTransferFailed()",
    "TransferFromFailed()",
    "TransferFailed()",
    "ApproveFailed()",
    "TotalSupplyQueryFailed()",
    "Permit2Failed()",
    "Permit2AmountOverflow()",
    "Permit2ApproveFailed()",
    "Permit2LockdownFailed()",
    # Its mathematics
    "ExpOverflow()",
    "FactorialOverflow()",
    "RPowOverflow()",
    "MantissaOverflow()",
    "MulWadFailed()",
    "SMulWadFailed()",
    "DivWadFailed()",
    "SDivWadFailed()",
    "MulDivFailed()",
    "DivFailed()",
    "FullMulDivFailed()",
    "LnWadUndefined()",
    "OutOfDomain()",
    # Its clones and strings
    "DeploymentFailed()",
    "SaltDoesNotStartWith()",
    "HexLengthInsufficient()",
    "TooBigForSmallString()",
    "StringNot7BitASCII()",
    # Its tokens and signatures
    "TotalSupplyOverflow()",
    "AllowanceOverflow()",
    "AllowanceUnderflow()",
    "InsufficientBalance()",
    "InsufficientAllowance()",
    "InvalidPermit()",
    "PermitExpired()",
    "Permit2AllowanceIsFixedAtInfinity()",
    "InvalidSignature()",
    # What OpenZeppelin shares among its contracts
    "FailedCall()",
    "FailedDeployment()",
    "MissingPrecompile(address precompile)",
    "InsufficientBalance(uint256 balance, uint256 needed)",
    "AddressEmptyCode(address target)",
    "SafeCastOverflowedIntDowncast(uint8 bits, int256 value)",
    "SafeCastOverflowedIntToUint(int256 value)",
    "SafeCastOverflowedUintDowncast(uint8 bits, uint256 value)",
    "SafeCastOverflowedUintToInt(uint256 value)",
    "ReentrancyGuardReentrantCall()",
    "EnforcedPause()",
    "ExpectedPause()",
    # Access
    "OwnableUnauthorizedAccount(address account)",
    "OwnableInvalidOwner(address owner)",
    "AccessControlUnauthorizedAccount(address account, bytes32 neededRole)",
    "AccessControlBadConfirmation()",
    # Signatures and permits
    "ECDSAInvalidSignature()",
    "ECDSAInvalidSignatureLength(uint256 length)",
    "ECDSAInvalidSignatureS(bytes32 s)",
    "ERC2612ExpiredSignature(uint256 deadline)",
    "ERC2612InvalidSigner(address signer, address owner)",
    "InvalidAccountNonce(address account, uint256 currentNonce)",
    # Tokens
    "SafeERC20FailedOperation(address token)",
    "SafeERC20FailedDecreaseAllowance(address spender, uint256 currentAllowance, uint256 requestedDecrease)",
    "ERC20InsufficientBalance(address sender, uint256 balance, uint256 needed)",
    "ERC20InvalidSender(address sender)",
    "ERC20InvalidReceiver(address receiver)",
    "ERC20InsufficientAllowance(address spender, uint256 allowance, uint256 needed)",
    "ERC20InvalidApprover(address approver)",
    "ERC20InvalidSpender(address spender)",
    # Pyth
    "InvalidArgument()",
    "InvalidUpdateDataSource()",
    "InvalidUpdateData()",
    "InsufficientFee()",
    "NoFreshUpdate()",
    "PriceFeedNotFoundWithinRange()",
    "PriceFeedNotFound()",
    "StalePrice()",
    "InvalidWormholeVaa()",
    # The pool that stands for Aerodrome's on a local chain
    "ZeroSwap()",
    "ZeroLiquidity()",
    "UnpaidSwap(uint256 product, uint256 least)",
    "MoreThanReserves(uint256 amount0, uint256 amount1)",
)

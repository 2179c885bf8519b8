"""Keys to sign with: from keystores (`keys`), or of a remote signer (`remote`)."""

from chain_kit.signers.keys import (
    PASSWORD_FILE_VARIABLE,
    SignedTransaction,
    Signer,
    ape_keystore,
    read_password,
    refuse_public_key,
    typed_data_digest,
)

__all__ = [
    "PASSWORD_FILE_VARIABLE",
    "SignedTransaction",
    "Signer",
    "ape_keystore",
    "read_password",
    "refuse_public_key",
    "typed_data_digest",
]

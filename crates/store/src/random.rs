//! Randomness for names and ids.

use crate::error::StoreError;

/// Fills `bytes` with randomness from the operating system, for names and ids that no other
/// process may choose.
///
/// # Errors
/// When the operating system has none to give, which no supported one does after boot.
pub fn random<const N: usize>() -> Result<[u8; N], StoreError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|e| {
        StoreError::Config(format!("the operating system gives no random bytes: {e}"))
    })?;
    Ok(bytes)
}

//! The two people everybody meets first.

use banter_core::Banter;
pub(crate) use banter_core::seed::DemoPerson;

use crate::exit::Failure;

/// Asha and Ravi, made if they are missing.
pub(crate) async fn demo(banter: &Banter) -> Result<Vec<DemoPerson>, Failure> {
    Ok(banter.seed().demo().await?)
}

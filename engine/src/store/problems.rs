//! Limits how many problems are kept by name. Pure; both stores use it.

use super::{Met, StoreError};

/// The problems that were found, with those beyond the limit counted in the row of those without an
/// id.
///
/// # Errors
/// Those of `fits`.
pub(crate) fn bounded(
    met: &[Met],
    mut fits: impl FnMut(&Met) -> Result<bool, StoreError>,
) -> Result<Vec<Met>, StoreError> {
    let (mut kept, mut beyond) = (Vec::new(), 0_u64);
    for one in met {
        if one.id.is_none() || fits(one)? {
            kept.push(one.clone());
        } else {
            beyond = beyond.saturating_add(1);
        }
    }
    if beyond > 0 {
        match kept.iter_mut().find(|one| one.id.is_none() && one.field.is_none()) {
            Some(nameless) => nameless.count = nameless.count.saturating_add(beyond),
            None => kept.push(Met {
                id: None,
                field: None,
                message: "more rows and members cannot be read than are kept by name".to_owned(),
                count: beyond,
            }),
        }
    }
    Ok(kept)
}

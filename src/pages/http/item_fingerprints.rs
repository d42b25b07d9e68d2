//! The items of a page as they are compared with those of the pages before and after.

use std::sync::Arc;

use serde_json::value::RawValue;

use super::error::Error;
use super::identity::IDENTITIES;
use super::json_slices::find_all;
use super::response::Response;
use crate::pages::fingerprint::Fingerprint;

/// The largest number of items of a page that is compared. It bounds the memory of a page of many small items.
const MAX_ITEMS: usize = 10_000;

/// Returns the fingerprints of the `count` items; `None` if two of them are equal, because such items may be equal to
/// others by chance, or if there are too many.
pub(super) fn of_items(response: &Response, count: usize) -> Result<Option<Arc<[Fingerprint]>>, Error> {
    if !(1..=MAX_ITEMS).contains(&count) {
        return Ok(None);
    }
    let items = items(response)?;
    let fingerprints: Vec<_> = items.iter().map(|item| Fingerprint::of(item.get().as_bytes())).collect();
    Ok(are_distinct(&fingerprints).then(|| fingerprints.into()))
}

/// Returns the fingerprints of the identities of the `count` items; `None` if an item has none, if two are equal, or if
/// there are too many.
pub(super) fn of_identities(response: &Response, count: usize) -> Result<Option<Arc<[Fingerprint]>>, Error> {
    if count > MAX_ITEMS {
        return Ok(None);
    }
    let items = items(response)?;
    let fingerprints: Option<Vec<_>> = items.iter().map(|item| identity(item)).collect();
    Ok(fingerprints.filter(|fingerprints| are_distinct(fingerprints)).map(Into::into))
}

/// Returns the items. Anything but an array has none.
fn items(response: &Response) -> Result<Vec<&RawValue>, Error> {
    let [array] = response.find([&response.endpoint.pointers.items])?;
    Ok(array.and_then(|array| serde_json::from_str(array.get()).ok()).unwrap_or_default())
}

fn identity(item: &RawValue) -> Option<Fingerprint> {
    let mut found = vec![None; IDENTITIES.len()];
    find_all(item.get().as_bytes(), IDENTITIES, &mut found).ok()?;
    let identity: &RawValue = found.into_iter().flatten().next()?;
    Some(Fingerprint::of(identity.get().as_bytes()))
}

fn are_distinct(fingerprints: &[Fingerprint]) -> bool {
    let mut sorted = fingerprints.to_vec();
    sorted.sort_unstable();
    sorted.windows(2).all(|pair| pair[0] != pair[1])
}

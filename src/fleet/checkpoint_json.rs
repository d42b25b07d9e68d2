use serde::Serialize;
use serde::de::DeserializeOwned;
use serde::ser::Error as _;

use crate::pages::{Checkpoint, Cursor};

/// Returns a checkpoint as JSON, or an error if JSON changes the checkpoint. For example, an infinite float in a cursor
/// becomes `null`, so that a worker would start again at the first page, and store its items twice.
pub(super) fn checkpoint_to_json<C: Cursor + Serialize + DeserializeOwned>(
    checkpoint: &Checkpoint<C>,
) -> Result<String, serde_json::Error> {
    let json = serde_json::to_string(checkpoint)?;
    let is_same = serde_json::from_str::<Checkpoint<C>>(&json).is_ok_and(|read| read == *checkpoint);
    if is_same {
        Ok(json)
    } else {
        Err(serde_json::Error::custom(format_args!(
            "the cursor {:?} changes when it is stored as JSON",
            checkpoint.cursor()
        )))
    }
}

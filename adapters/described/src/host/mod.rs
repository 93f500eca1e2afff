//! What an author's tools need: reading, validating and baking a description.

mod bake;
mod lines;
mod read;
mod schema;
mod validate;

pub use bake::{Error, bake, is_generic};
pub use read::{DESCRIPTION_BYTES_MAX, Mistake, Mistakes, Read, read};
pub use schema::schema;
pub use validate::validate;

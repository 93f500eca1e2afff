//! The texts of an observed record, packed into one block of LZ4.
//!
//! A record's body and its raw JSON say nearly the same, and every record of a kind has the same
//! member names. So the four texts of a row are one block, the body before the raw JSON that repeats
//! its values, and a dictionary of the unified model's member names stands before the block. A
//! candidate of 2.2 KB takes about 0.8 KB so. LZ4 and no stronger code: a scan reads every row that
//! it compares, and LZ4 unpacks a row in one or two microseconds.
//!
//! The dictionary is part of the row's format: another dictionary needs another format byte. It has
//! names of members and usual beginnings of values, nothing of a customer or a candidate.
//!
//! Bounds: a block that claims more than [`BYTES_MAX`] is damaged, so that a changed length cannot
//! ask for more memory than the largest record needs. Left out: rows so short that packing gains
//! nothing; see [`super::row`].

use crate::store::StoreError;
use crate::store::codec::damaged;
use crate::store::limits::RECORD_BYTES_MAX;
use lz4_flex::block;

/// Bytes that the texts of a row have at most: a record, its version and the names of its fields.
const BYTES_MAX: usize = 2 * RECORD_BYTES_MAX;

/// Names of members and usual beginnings of values. What occurs in most records stands last.
const DICTIONARY: &[u8] = br#""id":,"key":"","label":"","active":true,"site_admin":false,"external_id":,"department","office":{"id":"","job_id":,"job_ids":[],"user_id":,"opening_id":,"stage":{"id":"","source":{"id":"","referrer":{"id":"","recruiter":{"id":"","rejected_at":"","rejection_reason","prospect":false,"status":{"value":"","answers":[],"body":"","visibility":"","current":true,"entered_at":"","exited_at":"","candidate_id":,"application_id":,"candidate":{"id":"","application":{"id":"","text","boolean","number","date","long_text","multi_select","single_select","short_text","yes_no","currency","url","false","null","currency_code":"","unit":"EUR","amount":"","currency":"","mobile","work","home","personal","https://www.linkedin.com/in/","https://",".com",".org"addresses
application
body
candidate
company
created_at
custom_fields
emails
last_activity_at
linked_users
links
name
odd_forms
phones
privacy
tags
time_zone
title
updated_at{"id":,"addresses":[{"type":"home","value":""}],"can_email":true,"email_addresses":[{"type":"personal","value":""}],"phone_numbers":[{"type":"mobile","value":""}],"preferred_name":null,"social_media_addresses":[{"value":""}],"website_addresses":[],"linked_user_ids":[],"first_name":"","last_name":"","time_zone":null,"name":{"first":"","last":"","preferred":""},"emails":[{"value":"","kind":{"value":"personal","source":"personal"}}],"phones":[{"value":"+","kind":{"value":"mobile","source":"mobile"}}],"addresses":[{"value":"","kind":{"value":"home","source":"home"}}],"links":[{"value":"https://","kind":{"value":"social"}}],"company":"","title":"","tags":[{"name":""}],"privacy":{"private":false,"do_not_contact":false},"linked_users":[],"custom_fields":{"":{"name":"","type":"single","value":{"label":""}},"","type":"text","value":""}},"last_activity_at":"2026-01-01T00:00:00.000Z","created_at":"2026-01-01T00:00:00.000Z","updated_at":"2026-"#;

/// Packs a text.
pub(super) fn pack(text: &[u8]) -> Vec<u8> {
    block::compress_with_dict(text, DICTIONARY)
}

/// Unpacks a block of a text of `size` bytes.
pub(super) fn unpack(bytes: &[u8], size: u64, what: &str) -> Result<Vec<u8>, StoreError> {
    let size = usize::try_from(size).map_err(|_| damaged(what))?;
    if size > BYTES_MAX {
        return Err(damaged(what));
    }
    let text = block::decompress_with_dict(bytes, size, DICTIONARY).map_err(|_| damaged(what))?;
    if text.len() == size { Ok(text) } else { Err(damaged(what)) }
}

//! Names of members and usual beginnings of values, as a dictionary for compression.
//!
//! Records of one kind differ in their values and hardly in their members' names. A compressor
//! that knows the names beforehand spends a few bytes on what takes half of a small record. The
//! dictionary has the unified model's members as they are written, the names that ATSs commonly use
//! for the same, and beginnings such as `https://`; nothing of a customer or a candidate.
//!
//! It is part of what was compressed with it: a change makes older data unreadable. So it never
//! changes; a better one is a new constant beside it. The members of most records stand last, since
//! near places cost less. Left out: an adapter's own names, which would have to be stored with the
//! data; they would save a twentieth.

/// The first dictionary, for LZ4.
pub const DICTIONARY_1: &str = concat!(
    "\"id\":,\"key\":\"\",\"label\":\"\",\"active\":true,\"site_admin\":false,",
    "\"external_id\":,\"department\",\"office\":{\"id\":\"\",\"job_id\":,\"job_ids\":[],",
    "\"user_id\":,\"opening_id\":,\"stage\":{\"id\":\"\",\"source\":{\"id\":\"\",",
    "\"referrer\":{\"id\":\"\",\"recruiter\":{\"id\":\"\",\"rejected_at\":\"\",",
    "\"rejection_reason\",\"prospect\":false,\"status\":{\"value\":\"\",\"answers\":[],",
    "\"body\":\"\",\"visibility\":\"\",\"current\":true,\"entered_at\":\"\",",
    "\"exited_at\":\"\",\"candidate_id\":,\"application_id\":,\"candidate\":{\"id\":\"\",",
    "\"application\":{\"id\":\"\",\"text\",\"boolean\",\"number\",\"date\",\"long_text\",",
    "\"multi_select\",\"single_select\",\"short_text\",\"yes_no\",\"currency\",\"url\",",
    "\"false\",\"null\",\"currency_code\":\"\",\"unit\":\"EUR\",\"amount\":\"\",",
    "\"currency\":\"\",\"mobile\",\"work\",\"home\",\"personal\",",
    "\"https://www.linkedin.com/in/\",\"https://\",\".com\",\".org\"addresses\n",
    "application\nbody\ncandidate\ncompany\ncreated_at\ncustom_fields\nemails\n",
    "last_activity_at\nlinked_users\nlinks\nname\nodd_forms\nphones\nprivacy\ntags\n",
    "time_zone\ntitle\nupdated_at{\"id\":,\"addresses\":[{\"type\":\"home\",",
    "\"value\":\"\"}],\"can_email\":true,\"email_addresses\":[{\"type\":\"personal\",",
    "\"value\":\"\"}],\"phone_numbers\":[{\"type\":\"mobile\",\"value\":\"\"}],",
    "\"preferred_name\":null,\"social_media_addresses\":[{\"value\":\"\"}],",
    "\"website_addresses\":[],\"linked_user_ids\":[],\"first_name\":\"\",",
    "\"last_name\":\"\",\"time_zone\":null,\"name\":{\"first\":\"\",\"last\":\"\",",
    "\"preferred\":\"\"},\"emails\":[{\"value\":\"\",\"kind\":{\"value\":\"personal\",",
    "\"source\":\"personal\"}}],\"phones\":[{\"value\":\"+\",",
    "\"kind\":{\"value\":\"mobile\",\"source\":\"mobile\"}}],",
    "\"addresses\":[{\"value\":\"\",\"kind\":{\"value\":\"home\",\"source\":\"home\"}}],",
    "\"links\":[{\"value\":\"https://\",\"kind\":{\"value\":\"social\"}}],\"company\":\"\",",
    "\"title\":\"\",\"tags\":[{\"name\":\"\"}],\"privacy\":{\"private\":false,",
    "\"do_not_contact\":false},\"linked_users\":[],\"custom_fields\":{\"\":{\"name\":\"\",",
    "\"type\":\"single\",\"value\":{\"label\":\"\"}},\"\",\"type\":\"text\",",
    "\"value\":\"\"}},\"last_activity_at\":\"2026-01-01T00:00:00.000Z\",",
    "\"created_at\":\"2026-01-01T00:00:00.000Z\",\"updated_at\":\"2026-",
);

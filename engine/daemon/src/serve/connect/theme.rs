//! The host's look of a connect page: its name, logo and colour. All of it comes from the host's
//! request, and is checked there.
//!
//! The page loads logo and stylesheet from this server, so its policy stays that of every page. A
//! logo is a picture that cannot hold a script. Bounds: [`NAME_MAX`], [`LOGO_BYTES_MAX`].

use super::colour::Colour;
use atsync::model::plain;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Characters of the host's name.
const NAME_MAX: usize = 60;
/// Bytes of a logo.
const LOGO_BYTES_MAX: usize = 64 * 1024;

/// How the page looks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Theme {
    /// The host's name, as its customers know it.
    pub(super) name: String,
    /// A PNG, JPEG or WebP of at most 64 KiB, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) logo: Option<String>,
    /// The colour of links and buttons, `#rrggbb`. It is made darker or lighter where it would be
    /// hard to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) colour: Option<String>,
}

/// A logo.
pub(super) struct Logo {
    pub(super) media: &'static str,
    pub(super) bytes: Vec<u8>,
}

impl Theme {
    /// Checks it.
    ///
    /// # Errors
    /// The member, and what is wrong with it.
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        let name = &self.name;
        if name.trim() != name
            || name.is_empty()
            || name.chars().count() > NAME_MAX
            || !name.chars().all(plain::is_plain)
        {
            let why = format!("a name has 1 to {NAME_MAX} plain characters, no blanks around it");
            return Err(("/theme/name", why));
        }
        if self.colour.as_ref().is_some_and(|colour| Colour::read(colour).is_none()) {
            return Err(("/theme/colour", "a colour has the form #rrggbb".to_owned()));
        }
        if self.logo.is_some() && self.logo().is_none() {
            let why = format!(
                "a logo is a PNG, JPEG or WebP of at most {LOGO_BYTES_MAX} bytes, in base64"
            );
            return Err(("/theme/logo", why));
        }
        Ok(())
    }

    /// The logo.
    pub(super) fn logo(&self) -> Option<Logo> {
        let bytes = STANDARD.decode(self.logo.as_ref()?).ok()?;
        let media = match bytes.as_slice() {
            [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => "image/png",
            [0xff, 0xd8, 0xff, ..] => "image/jpeg",
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "image/webp",
            _ => return None,
        };
        (bytes.len() <= LOGO_BYTES_MAX).then_some(Logo { media, bytes })
    }

    /// The stylesheet of the colour.
    pub(super) fn style(&self) -> Option<String> {
        Some(Colour::read(self.colour.as_ref()?)?.style())
    }
}

#[cfg(test)]
mod tests {
    use super::{LOGO_BYTES_MAX, STANDARD, Theme};
    use base64::Engine as _;

    fn theme() -> Theme {
        Theme { name: "Acme".to_owned(), logo: None, colour: None }
    }

    #[test]
    fn only_a_plain_name_a_colour_and_a_picture_make_a_theme() {
        let png = [&[0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a][..], &[0; 100]].concat();
        let logo = |bytes: &[u8]| Theme { logo: Some(STANDARD.encode(bytes)), ..theme() };
        assert!(theme().check().is_ok() && logo(&png).check().is_ok());
        let long = [&png[..], &[0; LOGO_BYTES_MAX]].concat();
        for bad in [logo(b"<svg onload='x'/>"), logo(b""), logo(&long)] {
            assert_eq!(bad.check().unwrap_err().0, "/theme/logo");
        }
        for bad in ["", " Acme", "a\u{202e}b", &"x".repeat(61)] {
            let bad = Theme { name: bad.to_owned(), ..theme() };
            assert_eq!(bad.check().unwrap_err().0, "/theme/name");
        }
        let bad = Theme { colour: Some("red;}*{".to_owned()), ..theme() };
        assert_eq!(bad.check().unwrap_err().0, "/theme/colour");
    }
}

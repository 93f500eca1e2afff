//! A colour of a theme, made readable: text in it, and text on it, has the contrast that WCAG 2.2
//! asks of text (4.5 to 1) on every ground of the stylesheet, in light and in dark.
//!
//! The colour is mixed with black or white in steps of a hundredth until the contrast is there.
//! Pure.

/// A colour: red, green, blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Colour([u8; 3]);

/// The contrast of WCAG 2.2, 1.4.3, and a little more: a button is darker under the pointer.
const CONTRAST: f64 = 5.4;
/// The grounds of the stylesheet: `--ground`, `--sheet`, `--plain-ground`.
const LIGHT: [Colour; 3] =
    [Colour([0xf5, 0xf6, 0xf8]), Colour([0xff, 0xff, 0xff]), Colour([0xe9, 0xed, 0xf2])];
const DARK: [Colour; 3] =
    [Colour([0x12, 0x16, 0x1b]), Colour([0x1a, 0x20, 0x27]), Colour([0x29, 0x31, 0x3b])];
const BLACK: Colour = Colour([0, 0, 0]);
const WHITE: Colour = Colour([0xff, 0xff, 0xff]);

impl Colour {
    /// Reads `#rrggbb`.
    pub(super) fn read(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?;
        if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let part = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
        Some(Self([part(0)?, part(2)?, part(4)?]))
    }

    /// The relative luminance of WCAG 2.2.
    fn luminance(self) -> f64 {
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        let Self([red, green, blue]) = self;
        0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
    }

    /// The contrast of two colours, from 1 to 21.
    fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// Mixes so many hundredths of another colour in.
    fn mixed(self, other: Self, hundredths: u16) -> Self {
        let mut parts = self.0;
        for (part, toward) in parts.iter_mut().zip(other.0) {
            let left = 100_u16.saturating_sub(hundredths);
            let sum =
                u32::from(*part) * u32::from(left) + u32::from(toward) * u32::from(hundredths);
            *part = u8::try_from(sum / 100).unwrap_or(u8::MAX);
        }
        Self(parts)
    }

    /// The nearest mix with `toward` that is readable on all grounds.
    fn readable(self, toward: Self, grounds: &[Self]) -> Self {
        let is_readable =
            |colour: &Self| grounds.iter().all(|ground| colour.contrast(*ground) >= CONTRAST);
        let mut mixes = (0..=100).map(|hundredths| self.mixed(toward, hundredths));
        mixes.find(is_readable).unwrap_or(toward)
    }

    fn text(self) -> String {
        let Self([red, green, blue]) = self;
        format!("#{red:02x}{green:02x}{blue:02x}")
    }

    /// A stylesheet that makes it the accent of a page.
    pub(super) fn style(self) -> String {
        let (light, dark) = (self.readable(BLACK, &LIGHT), self.readable(WHITE, &DARK));
        format!(
            ":root {{ --accent: {}; --accent-ink: {}; }}\n\
             @media (prefers-color-scheme: dark) {{\n  \
             :root {{ --accent: {}; --accent-ink: {}; }}\n}}\n",
            light.text(),
            WHITE.text(),
            dark.text(),
            BLACK.text()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::{BLACK, CONTRAST, Colour, DARK, LIGHT, WHITE};

    #[test]
    fn every_colour_becomes_readable_in_light_and_dark() {
        for red in (0..=255).step_by(15) {
            for green in (0..=255).step_by(15) {
                for blue in (0..=255).step_by(15) {
                    let colour = Colour([red, green, blue]);
                    let (light, dark) =
                        (colour.readable(BLACK, &LIGHT), colour.readable(WHITE, &DARK));
                    for ground in LIGHT {
                        assert!(light.contrast(ground) >= CONTRAST, "{colour:?}");
                    }
                    assert!(light.contrast(WHITE) >= CONTRAST && dark.contrast(BLACK) >= CONTRAST);
                    for ground in DARK {
                        assert!(dark.contrast(ground) >= CONTRAST, "{colour:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_readable_colour_stays_and_the_contrast_is_that_of_wcag() {
        assert!((WHITE.contrast(BLACK) - 21.0).abs() < 0.01);
        let blue = Colour::read("#1a56b0").unwrap();
        assert_eq!(blue.readable(BLACK, &LIGHT), blue);
        for bad in ["1a56b0", "#1a56b", "#1a56b0f", "#1a56bg", "#+a56b0", "red;}", ""] {
            assert_eq!(Colour::read(bad), None, "{bad}");
        }
    }
}

//! Accent colour of the pages.

use std::fmt;
use std::str::FromStr;

/// Value of `ACCENT_COLOR`: the colour of links, buttons and the icon, such as `#33548a`.
///
/// Each colour scheme uses it with as much black or white in it as text needs for a contrast of 4.5
/// against the background (WCAG 2.2, success criterion 1.4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccentColor(Rgb);

impl AccentColor {
    /// The colour for light pages, as CSS and SVG write it.
    pub fn on_light(self) -> String {
        hex(readable(self.0, LIGHT, 0))
    }

    /// The colour for dark pages.
    pub fn on_dark(self) -> String {
        hex(readable(self.0, DARK, 255))
    }
}

impl FromStr for AccentColor {
    /// How to fix the value.
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let remedy = "give a colour as # and six hexadecimal digits, such as #33548a";
        let digits = text.strip_prefix('#').filter(|digits| {
            digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        });
        let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let [_, red, green, blue] = number.ok_or(remedy)?.to_be_bytes();
        Ok(Self([red, green, blue]))
    }
}

impl fmt::Display for AccentColor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(self.0))
    }
}

type Rgb = [u8; 3];

/// Mixes the colour with black (0) or white (255) until it can be read on the background.
fn readable(color: Rgb, background: Rgb, with: u8) -> Rgb {
    (0..=100)
        .map(|percent| color.map(|channel| mixed(channel, with, percent)))
        .find(|mixed| contrast(*mixed, background) >= MIN_CONTRAST)
        .unwrap_or([with; 3])
}

fn mixed(channel: u8, with: u8, percent: u16) -> u8 {
    let sum = u16::from(channel) * (100 - percent) + u16::from(with) * percent;
    u8::try_from(sum / 100).unwrap_or(with)
}

/// Contrast ratio as WCAG 2.2 defines it.
fn contrast(one: Rgb, other: Rgb) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// Relative luminance as WCAG 2.2 defines it.
fn luminance(color: Rgb) -> f64 {
    let [red, green, blue] = color.map(|channel| {
        let channel = f64::from(channel) / 255.0;
        if channel <= 0.04045 {
            channel / 12.92
        } else {
            ((channel + 0.055) / 1.055).powf(2.4)
        }
    });
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

fn hex(color: Rgb) -> String {
    let [red, green, blue] = color;
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// `--ground` of the style sheet in light pages: the darkest background of accented text.
const LIGHT: Rgb = [0xf5, 0xf4, 0xf0];

/// `--surface` of the style sheet in dark pages: the lightest background of accented text.
const DARK: Rgb = [0x1d, 0x21, 0x28];

const MIN_CONTRAST: f64 = 4.5;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn color_is_parsed_strictly() {
        let color: AccentColor = "#33548A".parse().unwrap();
        assert_eq!(color.to_string(), "#33548a");
        for text in [
            "", "#", "33548a", "#33548", "#33548a0", "#+3548a", "#3354 8", "red", "#é548",
        ] {
            assert!(text.parse::<AccentColor>().is_err(), "{text}");
        }
        assert!("#33548a;}body{".parse::<AccentColor>().is_err());
    }

    #[test]
    fn contrast_matches_published_values() {
        assert!((contrast([0; 3], [255; 3]) - 21.0).abs() < 1e-9);
        // The usual example of the lightest grey that passes on white.
        assert!((contrast([0x76; 3], [255; 3]) - 4.54).abs() < 0.01);
        assert!((contrast([0x77; 3], [255; 3]) - 4.48).abs() < 0.01);
    }

    #[test]
    fn readable_color_is_not_changed() {
        let color: AccentColor = "#33548a".parse().unwrap();
        assert_eq!(color.on_light(), "#33548a");
        let color: AccentColor = "#a3bff0".parse().unwrap();
        assert_eq!(color.on_dark(), "#a3bff0");
    }

    #[test]
    fn backgrounds_are_those_of_the_style_sheet() {
        let style = include_str!("pages/style.css");
        let (light, dark) = style.split_once("prefers-color-scheme: dark").unwrap();
        assert!(light.contains(&format!("--ground: {};", hex(LIGHT))));
        assert!(dark.contains(&format!("--surface: {};", hex(DARK))));
        // The text on accented buttons has more contrast than that.
        assert!(light.contains("--on-accent: #ffffff;"));
        assert!(dark.contains("--on-accent: #14171c;"));
    }

    proptest! {
        #[test]
        fn every_color_becomes_readable(color in any::<[u8; 3]>()) {
            prop_assert!(contrast(readable(color, LIGHT, 0), LIGHT) >= MIN_CONTRAST);
            prop_assert!(contrast(readable(color, DARK, 255), DARK) >= MIN_CONTRAST);
        }
    }
}

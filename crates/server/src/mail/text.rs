//! Texts of mail, in the languages of the server.

use std::time::Duration;

use tower_warder::BoxError;
use tower_warder_accounts::{Mail, MailPurpose};

use crate::site::ProductName;

/// Subject and body of a mail.
pub(super) struct Text {
    pub(super) subject: String,
    pub(super) body: String,
}

impl Text {
    /// Returns the text of a mail in the name of the application, in the language of its locale, or else
    /// in English.
    pub(super) fn new(mail: &Mail, product_name: &ProductName) -> Result<Self, BoxError> {
        let purpose = mail.purpose;
        let templates = TEXTS.iter().find(|(it, _)| *it == purpose);
        let (_, templates) =
            templates.ok_or_else(|| format!("no text for a mail of {purpose:?}"))?;
        let language = Language::of(mail.locale.as_deref());
        let Template { subject, body } = language.choose(templates);
        let mut body = (*body).to_owned();
        if let Some(link) = &mail.link {
            body = body.replace("{time}", &language.time(link.expires_in));
            body = body.replace("{link}", link.url.as_str());
        }
        // The last one: its text is not searched for the others.
        let product_name = product_name.to_string();
        Ok(Self {
            subject: subject.replace("{product}", &product_name),
            body: body.replace("{product}", &product_name),
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Language {
    English,
    German,
    French,
    Spanish,
}

impl Language {
    /// Returns the language of a locale such as `de-AT` (RFC 5646, section 2.1), by its first part.
    fn of(locale: Option<&str>) -> Self {
        let language = locale.and_then(|locale| locale.split(['-', '_']).next());
        match language.unwrap_or_default().to_ascii_lowercase().as_str() {
            "de" => Self::German,
            "fr" => Self::French,
            "es" => Self::Spanish,
            _ => Self::English,
        }
    }

    const fn choose<T>(self, [english, german, french, spanish]: &[T; 4]) -> &T {
        match self {
            Self::English => english,
            Self::German => german,
            Self::French => french,
            Self::Spanish => spanish,
        }
    }

    /// Returns a time in the largest unit of which there are whole ones, at least two.
    fn time(self, time: Duration) -> String {
        const MINUTE: u64 = 60;
        const HOUR: u64 = 60 * MINUTE;
        const DAY: u64 = 24 * HOUR;

        let seconds = time.as_secs();
        let fits = |unit: u64| seconds.is_multiple_of(unit) && seconds >= 2 * unit;
        let (number, units) = if fits(DAY) {
            (seconds / DAY, &["days", "Tagen", "jours", "días"])
        } else if fits(HOUR) {
            (seconds / HOUR, &["hours", "Stunden", "heures", "horas"])
        } else {
            let minutes = &["minutes", "Minuten", "minutes", "minutos"];
            (seconds / MINUTE, minutes)
        };
        format!("{number} {}", self.choose(units))
    }
}

/// Text with `{product}`, and, if the mail has a link, `{link}` and `{time}` for which it is valid.
struct Template {
    subject: &'static str,
    body: &'static str,
}

/// The texts of each purpose: English, German, French, Spanish.
const TEXTS: &[(MailPurpose, [Template; 4])] = &[(
    MailPurpose::ResetPassword,
    [
        Template {
            subject: "New password for {product}",
            body: "A new password was requested for your account of {product}.\n\
                \n\
                Set it by this link, once and within {time}:\n\
                \n\
                {link}\n\
                \n\
                If you did not request it, delete this mail: your password stays as it is.\n",
        },
        Template {
            subject: "Neues Passwort für {product}",
            body: "Für Ihr Konto bei {product} wurde ein neues Passwort angefordert.\n\
                \n\
                Setzen Sie es mit diesem Link, einmal und innerhalb von {time}:\n\
                \n\
                {link}\n\
                \n\
                Wenn Sie es nicht angefordert haben, löschen Sie diese Mail: Ihr Passwort bleibt, wie \
                es ist.\n",
        },
        Template {
            subject: "Nouveau mot de passe pour {product}",
            body: "Un nouveau mot de passe a été demandé pour votre compte {product}.\n\
                \n\
                Choisissez-le avec ce lien, une seule fois et dans un délai de {time} :\n\
                \n\
                {link}\n\
                \n\
                Si vous n'avez rien demandé, supprimez ce message : votre mot de passe ne change pas.\n",
        },
        Template {
            subject: "Nueva contraseña para {product}",
            body: "Se ha solicitado una nueva contraseña para su cuenta de {product}.\n\
                \n\
                Elíjala con este enlace, una sola vez y en un plazo de {time}:\n\
                \n\
                {link}\n\
                \n\
                Si no la ha solicitado, borre este mensaje: su contraseña no cambia.\n",
        },
    ],
)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_purpose_has_texts_with_its_placeholders() {
        for purpose in MailPurpose::all() {
            let rows = TEXTS.iter().filter(|(it, _)| *it == purpose);
            let rows: Vec<_> = rows.collect();
            assert_eq!(rows.len(), 1, "{purpose:?}");
            let (_, templates) = rows[0];
            let has = |template: &Template, name: &str| template.body.contains(name);
            let has_link = has(&templates[0], "{link}");
            for template in templates {
                assert!(template.subject.contains("{product}"), "{purpose:?}");
                assert!(has(template, "{product}"), "{purpose:?}");
                for name in ["{link}", "{time}"] {
                    assert_eq!(has(template, name), has_link, "{purpose:?}: {name}");
                }
                let braces = template.body.matches(['{', '}']).count();
                assert_eq!(braces, if has_link { 6 } else { 2 }, "{purpose:?}");
            }
        }
    }

    #[test]
    fn language_is_that_of_the_locale_or_english() {
        for (locale, expected) in [
            (Some("de"), Language::German),
            (Some("de-AT"), Language::German),
            (Some("DE_ch"), Language::German),
            (Some("fr-CA"), Language::French),
            (Some("es-419"), Language::Spanish),
            (Some("en-GB"), Language::English),
            (Some("den"), Language::English),
            (Some("*"), Language::English),
            (Some(""), Language::English),
            (None, Language::English),
        ] {
            assert_eq!(Language::of(locale), expected, "{locale:?}");
        }
    }

    #[test]
    fn time_has_the_largest_whole_unit() {
        for (minutes, expected) in [
            (30, ["30 minutes", "30 Minuten", "30 minutes", "30 minutos"]),
            (60, ["60 minutes", "60 Minuten", "60 minutes", "60 minutos"]),
            (90, ["90 minutes", "90 Minuten", "90 minutes", "90 minutos"]),
            (24 * 60, ["24 hours", "24 Stunden", "24 heures", "24 horas"]),
            (7 * 24 * 60, ["7 days", "7 Tagen", "7 jours", "7 días"]),
        ] {
            let languages = [
                Language::English,
                Language::German,
                Language::French,
                Language::Spanish,
            ];
            let time = Duration::from_secs(60 * minutes);
            assert_eq!(languages.map(|language| language.time(time)), expected);
        }
    }
}
